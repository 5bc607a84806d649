"""The steps of a warm-up: floors, waiting for copies, first requests, release.

Floors are overlays with an expiry: an execution that is stopped from outside leaves nothing behind
that does not end by itself at the end of the window.
"""

from typing import Any

from icscaler import bounds, overlays, switches, variants
from icscaler.entities import ComponentView, EndpointConfig
from icscaler.lifecycle import probe
from icscaler.lifecycle.run import Answer, RefusedError, Run, ready, wait
from icscaler.ports import FleetPointer, Overlay, PortError
from icscaler.warm_up.deps import Deps
from icscaler.warm_up.record import WORKFLOW, Phase, Target, Verdict, WarmUp, WarmUpRecord

LOOK_S = 15
SOON_S = 7200
LATER_LOOK_S = 300
SENT_PER_STEP = 10
REASONS_BACK_S = 1800
LATE_TEXT = 20_000


def holder_of(run: Run) -> str:
    """Whose overlays they are: every execution has its own, and several add up."""
    return f"{WORKFLOW}/{run.name}"


def owned(run: Run, deps: Deps) -> tuple[WarmUpRecord, int]:
    """The record of this execution."""
    record, version = deps.store.read_workflow(WORKFLOW, run.name, WarmUpRecord)
    if record is None:
        raise RefusedError(f"there is no warm-up {run.name}; it is planned first")
    return record, version


def set_floors(run: Run, asked: WarmUp, deps: Deps, at_s: int) -> Answer:
    """Each model's floor from its own time on; it ends with the window, whatever happens."""
    record, version = owned(run, deps)
    for target in record.targets:
        deps.store.put_overlay(
            target.endpoint,
            Overlay(
                target.component,
                holder_of(run),
                record.until_s,
                from_s=target.from_s,
                min_copies=record.copies,
            ),
        )
    record.phase = Phase.WARMING
    deps.store.write_workflow(WORKFLOW, run.name, record, version, at_s)
    return ready(f"{len(record.targets)} model(s) have a floor of {record.copies}")


def check_ready(run: Run, asked: WarmUp, deps: Deps, at_s: int) -> Answer:
    """Ready when every model is, or when the window ends."""
    record, version = owned(run, deps)
    by_endpoint: dict[str, list[Target]] = {}
    for target in record.targets:
        if target.ready_s is None:
            by_endpoint.setdefault(target.endpoint, []).append(target)
    for endpoint, targets in by_endpoint.items():
        _look(endpoint, targets, record, deps, at_s)
    _tell_late(record, deps, at_s)
    deps.store.write_workflow(WORKFLOW, run.name, record, version, at_s)
    open_targets = [target for target in record.targets if target.ready_s is None]
    say = said(record)
    if not open_targets:
        return ready(say)
    if at_s >= record.until_s:
        return ready(f"the window has ended: {say}")
    # What has not come for long is asked for less often: an execution has room for 25,000 events.
    pause_s = LOOK_S if at_s - record.starts_s < SOON_S else LATER_LOOK_S
    return wait(min(pause_s, max(1, record.until_s - at_s)), say)


def _tell_late(record: WarmUpRecord, deps: Deps, at_s: int) -> None:
    """An event and a notice, once, as soon as somebody is late; what can't be told is later."""
    late = report(record)["late"] if at_s >= min(record.ready_by_s, record.until_s) else {}
    if record.told or not late:
        return
    lines = "\n".join(f"{component}: {reason}" for component, reason in sorted(late.items()))
    try:
        deps.announcer.announce("WarmUpLate", {"WarmUp": record.run, "Late": late}, at_s)
        deps.announcer.tell(f"icscaler: warm-up {record.run} is late", lines[:LATE_TEXT])
    except PortError:
        return
    record.told = True


def _look(
    endpoint: str, targets: list[Target], record: WarmUpRecord, deps: Deps, at_s: int
) -> None:
    views = _views(endpoint, targets, deps, at_s)
    pointer: FleetPointer | None = None
    config: EndpointConfig | None = None
    for target in targets:
        if target.component not in views:
            continue  # not readable now; the next look tells
        view = views[target.component]
        if view is not None and view.current_copies >= record.copies:
            late = at_s > record.ready_by_s
            target.ready_s = at_s
            target.verdict = Verdict.LATE if late else Verdict.READY
            target.reason = target.reason if late else ""
        elif at_s >= min(record.ready_by_s, record.until_s):
            pointer = pointer or deps.store.fleet_pointer()
            config = config or overlays.published(deps.store, pointer, endpoint, at_s)
            target.verdict = Verdict.NOT_READY if at_s >= record.until_s else Verdict.LATE
            target.reason = why_not(target, view, (pointer, config), record, deps, at_s)


def _views(
    endpoint: str, targets: list[Target], deps: Deps, at_s: int
) -> dict[str, ComponentView | None]:
    """How each stands, None where it does not exist; who can't be read now is left out."""
    components = [one.component for one in targets if one.variant is None]
    views = deps.endpoints.describe_components(components, at_s) if components else {}
    alone = {one.component: one.variant for one in targets if one.variant is not None}
    if alone:
        seen = deps.endpoints.describe_endpoint(endpoint)
        for name, variant in alone.items():
            views[name] = variants.standing(name, variant, seen, at_s) if seen else None
    return views


def why_not(
    target: Target,
    view: ComponentView | None,
    fleet: tuple[FleetPointer | None, EndpointConfig | None],
    record: WarmUpRecord,
    deps: Deps,
    at_s: int,
) -> str:
    """Why a model has fewer copies than it should, as far as it can be known."""
    if view is None:
        return f"the {'component' if target.variant is None else 'variant'} does not exist"
    if view.status == "Failed" or (view.failure_reason and view.desired_copies >= record.copies):
        return f"{view.status}: {view.failure_reason or 'SageMaker gives no reason'}"
    pointer, config = fleet
    model = config.models.get(target.component) if config is not None else None
    if pointer is None or config is None or model is None:
        return "it is not in the published fleet any more"
    if switches.paused(pointer, config, model, at_s):
        return "it is paused: `icscaler status` says by what"
    if config.observe or model.observe:
        return "it is observed only, by the fleet file"
    ceiling = bounds.bounds_at(config, model, at_s).ceiling
    if ceiling.copies < record.copies:
        return f"its ceiling is {ceiling.copies} ({ceiling.by or 'fleet file'})"
    if view.desired_copies >= record.copies:
        return f"{view.current_copies} of {view.desired_copies} copies have started"
    found = deps.store.records(target.endpoint, at_s - REASONS_BACK_S, at_s + 1, target.component)
    decided = f": {' / '.join(found[-1].steps)} {found[-1].message}".rstrip() if found else ""
    return f"the controller asks for {view.desired_copies} copies{decided}"


def said(record: WarmUpRecord) -> str:
    """`3 of 4 models are ready; chat: its ceiling is 1`."""
    done = [target for target in record.targets if target.ready_s is not None]
    text = f"{len(done)} of {len(record.targets)} models are ready"
    open_reasons = [
        f"{target.component}: {target.reason}"
        for target in record.targets
        if target.ready_s is None and target.reason
    ]
    return "; ".join([text, *open_reasons[:5]])


def send_requests(run: Run, asked: WarmUp, deps: Deps, at_s: int) -> Answer:
    """First requests to every model that is ready, some at a time; their errors are reported."""
    record, version = owned(run, deps)
    if asked.requests is not None:
        waiting = [t for t in record.targets if t.ready_s is not None and not t.asked]
        now = max(1, SENT_PER_STEP // asked.requests.requests)  # models; a function's time is short
        for target in waiting[:now]:
            replies = probe.send(
                deps.requests, target.endpoint, target.component, asked.requests, target.variant
            )
            wrong = probe.problems(asked.requests, replies)
            target.asked = True
            target.reason = "; ".join([*filter(None, [target.reason]), *wrong])
        deps.store.write_workflow(WORKFLOW, run.name, record, version, at_s)
        if len(waiting) > now:
            return wait(1, f"{len(waiting) - now} more model(s) get their first requests")
    left_s = max(0, record.until_s - at_s)
    return Answer(
        "Ready", f"{said(record)}; floors hold for {left_s} s more", left_s, report(record)
    )


def release(run: Run, asked: WarmUp, deps: Deps, at_s: int) -> Answer:
    """The floors go; what happens then is the policy's matter."""
    record, version = owned(run, deps)
    _take_off(run, record, deps)
    record.phase = Phase.RELEASED
    deps.store.write_workflow(WORKFLOW, run.name, record, version, at_s)
    return ready(f"{said(record)}; the floors are taken off", **report(record))


def record_failure(run: Run, why: str, deps: Deps, at_s: int) -> Answer:
    """Put down why, and take the floors off."""
    record, version = deps.store.read_workflow(WORKFLOW, run.name, WarmUpRecord)
    if record is not None:
        _take_off(run, record, deps)
        record.phase, record.failure = Phase.FAILED, why
        deps.store.write_workflow(WORKFLOW, run.name, record, version, at_s)
    return ready(why, failure=why)


def _take_off(run: Run, record: WarmUpRecord, deps: Deps) -> None:
    for target in record.targets:
        deps.store.remove_overlay(target.endpoint, target.component, holder_of(run))


def report(record: WarmUpRecord) -> dict[str, Any]:
    """Who was ready in time, and of the others why not."""
    late = {t.component: t.reason for t in record.targets if t.verdict is not Verdict.READY}
    failed = {
        t.component: t.reason for t in record.targets if t.verdict is Verdict.READY and t.reason
    }
    return {
        "verdict": "Late" if late else "Ready",
        "ready": sorted(t.component for t in record.targets if t.verdict is Verdict.READY),
        "late": late,
        "failed_requests": failed,
    }
