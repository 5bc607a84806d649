"""Updating what a component runs: in batches beside the old copies, or back again.

Order of a batch as AWS describes it: start copies of the new version (extra ones, instances are
added for them if there is no room), bake while alarms are watched, remove as many old ones.
Rolled back or not, the component ends InService; only its spec tells which it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from icscaler_sim.world.agenda import Event
from icscaler_sim.world.copies import Copy, CopyState
from icscaler_sim.world.operations import Ending
from icscaler_sim.world.refusals import NO_ROOM, SPEC_UPDATE_STATE, invalid
from icscaler_sim.world.specs import BatchType, ComponentSpec, RollingPolicy

if TYPE_CHECKING:
    from icscaler_sim.world.components import Component
    from icscaler_sim.world.settings import WorldSettings


_LOOK_AGAIN_S = 60.0


class _Phase(Enum):
    STARTING = "starting"
    BAKING = "baking"
    REMOVING = "removing"
    ROLLING_BACK = "rolling back"
    OVER = "over"


def batch_copies(kind: BatchType, value: int, copies: int) -> int:
    """Copies of one batch, at least 1."""
    if kind == "COPY_COUNT":
        return max(1, value)
    return max(1, math.ceil(value * copies / 100))


def check_batch(policy: RollingPolicy, copies: int, settings: WorldSettings) -> None:
    """Raise Refusal for a batch outside the documented 5-50 % of the copies."""
    if not settings.rolling_batch_rule or copies == 0:
        return
    batch = batch_copies(policy.batch_type, policy.batch_value, copies)
    if copies == 1:
        allowed = batch == 1 and settings.rolling_single_copy
    elif policy.batch_type == "CAPACITY_PERCENT":
        allowed = 5 <= policy.batch_value <= 50
    else:
        allowed = 5 <= 100 * batch / copies <= 50
    if not allowed:
        raise invalid(
            f"MaximumBatchSize must be between 5% and 50% of the copy count {copies}, "
            f"got {policy.batch_value} {policy.batch_type}."
        )


class Rolling:
    """An update of the spec, with or without a rolling policy."""

    internal_state = SPEC_UPDATE_STATE

    def __init__(
        self,
        component: Component,
        new_spec: ComponentSpec,
        target: int,
        policy: RollingPolicy | None,
    ) -> None:
        settings = component.kernel.settings
        self._component = component
        self._ending = Ending(component, self)
        self._old_spec = component.spec
        self._new_spec = new_spec
        self._old_copies = component.desired
        self._target = target
        self._policy = policy
        self._phase = _Phase.STARTING
        self._acting = False
        self._bake: Event | None = None
        self._reason = ""
        self._back_by_s = math.inf
        if policy is None:
            self._batch, self._wait_s = max(1, target), 0
            self._timeout_s = settings.rolling_timeout_s
        else:
            self._batch = batch_copies(policy.batch_type, policy.batch_value, target)
            self._wait_s = policy.wait_interval_s
            self._timeout_s = policy.timeout_s or settings.rolling_timeout_s

    # --- forward
    def start(self) -> None:
        """Order the first batch (or, on request, let the old copies go first)."""
        component = self._component
        component.failure_reason = None
        component.desired = self._target
        component.kernel.after(self._timeout_s, self._time_out)
        if self._policy is None and component.kernel.settings.default_update == "recreate":
            self._remove(self._olds())
        else:
            self._next_batch()

    def progress(self) -> None:
        """Copies became ready or left: take the next step if this one is complete."""
        if self._acting:
            return
        if self._phase is _Phase.STARTING and _all_ready(self._news()):
            self._baked_or_wait()
        elif self._phase is _Phase.REMOVING and not self._component.leaving:
            if self._olds() or len(self._news()) < self._target:
                self._next_batch()
            else:
                self._finish(self._new_spec)
        elif self._phase is _Phase.ROLLING_BACK:
            self._roll_back_on()

    def copy_failed(self, copy: Copy, reason: str) -> None:
        """A new copy that does not start rolls the update back; an old one is given up."""
        if self._phase is _Phase.ROLLING_BACK:
            self._old_copies = min(self._old_copies, len(self._olds()))
        elif copy.spec == self._new_spec:
            self.roll_back(reason)

    def _next_batch(self) -> None:
        missing = self._target - len(self._news())
        if missing <= 0:
            self._remove(self._olds())
            return
        self._phase = _Phase.STARTING
        self._quietly(lambda: self._component.order(min(self._batch, missing), self._new_spec))

    def _baked_or_wait(self) -> None:
        if self._wait_s:
            self._phase = _Phase.BAKING
            self._bake = self._component.kernel.after(self._wait_s, self._retire)
        else:
            self._retire()

    def _retire(self) -> None:
        """The batch holds: as many old copies leave, all of them with the last batch."""
        self._bake = None
        olds = self._olds()
        complete = len(self._news()) >= self._target
        self._remove(olds if complete else self._component.pick(olds, self._batch))

    def _remove(self, copies: list[Copy]) -> None:
        self._phase = _Phase.REMOVING
        self._quietly(lambda: self._drop(copies))
        self.progress()

    # --- back
    def roll_back(self, reason: str) -> None:
        """Bring the old version back; what the new one has not finished is thrown away."""
        if self._phase in (_Phase.ROLLING_BACK, _Phase.OVER):
            return
        if self._bake is not None:
            self._bake.cancel()
        self._phase = _Phase.ROLLING_BACK
        self._reason = reason
        component = self._component
        component.desired = self._old_copies
        component.kernel.tally.failures.append(
            (component.kernel.now_s, component.name, f"update rolled back: {reason}")
        )
        unfinished = [copy for copy in self._news() if copy.state is not CopyState.READY]
        self._quietly(lambda: self._drop(unfinished))
        self._back_by_s = component.kernel.now_s + component.kernel.settings.placement_timeout_s
        self._keep_rolling_back()

    def _keep_rolling_back(self) -> None:
        """Look again every minute: room may come and go without this component's doing."""
        if self._component.operation is self and self._phase is _Phase.ROLLING_BACK:
            self._component.kernel.after(_LOOK_AGAIN_S, self._keep_rolling_back)
            self._roll_back_on()

    def _roll_back_on(self) -> None:
        """Old copies come back in batches, and as many new ones leave for them."""
        olds, news = self._olds(), self._news()
        overdue = self._component.kernel.now_s >= self._back_by_s
        pending = [copy for copy in olds if copy.state is CopyState.PENDING]
        if any(copy.state is CopyState.STARTING for copy in olds) or (pending and not overdue):
            # Packed full: nothing can come back before something new has left.
            stuck = [copy for copy in pending if self._component.variant.hopeless(copy)]
            if stuck and news and not self._component.leaving:
                self._quietly(lambda: self._drop(self._component.pick(news, len(stuck))))
            return
        surplus = len(news) if overdue else len(olds) + len(news) - self._old_copies
        if surplus > 0 and news:
            self._quietly(lambda: self._drop(self._component.pick(news, surplus)))
        missing = self._old_copies - len(olds)
        if missing > 0:
            batch = min(missing, self._rollback_batch(missing))
            self._quietly(lambda: self._component.order(batch, self._old_spec))
        elif not self._news() and not self._component.leaving:
            self._end_rolled_back(short=bool(pending))

    def _end_rolled_back(self, *, short: bool) -> None:
        """Over, perhaps `short` of copies that found no room (they start when there is some)."""
        if short:
            self._component.failure_reason = NO_ROOM
        elif self._component.kernel.settings.rollback_sets_failure_reason:
            self._component.failure_reason = self._reason[:1024]
        self._finish(self._old_spec)

    def _rollback_batch(self, missing: int) -> int:
        policy = self._policy
        if policy is None or policy.rollback_batch_type is None:
            return missing
        value = policy.rollback_batch_value or 1
        return batch_copies(policy.rollback_batch_type, value, self._old_copies)

    def _time_out(self) -> None:
        if self._component.operation is self:
            self.roll_back(f"The deployment did not finish within {self._timeout_s:.0f} seconds.")

    # --- shared
    def _finish(self, spec: ComponentSpec) -> None:
        self._phase = _Phase.OVER
        self._component.spec = spec
        self._ending.request()

    def _quietly(self, action: Callable[[], None]) -> None:
        """Do it without being asked to progress by each copy that it touches."""
        self._acting = True
        action()
        self._acting = False

    def _drop(self, copies: list[Copy]) -> None:
        for copy in copies:
            self._component.drop(copy, by_demand=False)

    def _news(self) -> list[Copy]:
        return [copy for copy in self._component.logical() if copy.spec == self._new_spec]

    def _olds(self) -> list[Copy]:
        return [copy for copy in self._component.logical() if copy.spec != self._new_spec]


def _all_ready(copies: list[Copy]) -> bool:
    return all(copy.state is CopyState.READY for copy in copies)
