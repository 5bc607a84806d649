"""The invariants, checked from outside: on what the world shows, and on every single look.

The numbers are those of docs/design/000-invariants.md. Every look left a snapshot; replaying it
must give the state the next look began with, and its plan must keep every invariant.
"""

from collections.abc import Iterable, Mapping, Sequence

from icscaler.adapters.codec import encode, read_look
from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.decide import decide
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.invariants import Look, check, check_monotonic
from icscaler.ports import DecisionRecord
from icscaler_cli.demo.look_log import LookLog
from icscaler_cli.demo.room import max_instances
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.standings import standings_of
from icscaler_sim.report import Standing
from icscaler_sim.report.clock import clock_text
from icscaler_sim.simulate.places import Copies
from icscaler_sim.world.specs import Wake

LOOK_S = 60
HOUR_S = 3600
METRIC_LAG_S = 60 + 60 + 90
"""A metric minute ends, becomes readable, and its last tenth comes later still."""
MOST_TOLD = 200


class Watch:
    """Collects violations as sentences that begin with the invariant's number."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._desired = dict(scenario.first_copies)
        self._moved: list[tuple[int, str, int]] = []
        self.violations: list[str] = []
        self.standings: list[Standing] = []
        """The tournaments at the first look of each hour."""

    def minute(self, views: Mapping[str, Copies], at_s: int) -> None:
        """Bounds, floors and capacity as SageMaker shows them now."""
        for endpoint in self._scenario.fleet.endpoints.values():
            gpus = dict.fromkeys(endpoint.variants, 0)
            for name, model in endpoint.models.items():
                if name not in views:
                    self._tell(at_s, f"9: {name} is gone, and no look may remove a component")
                    continue
                desired = views[name].desired
                gpus[model.variant] += desired * model.resources.gpus
                self._bounds(model, desired, at_s)
                if desired != self._desired.setdefault(name, desired):
                    self._moved.append((at_s, name, desired))
                    self._desired[name] = desired
            self._capacity(endpoint, gpus, at_s)

    def finish(
        self, store: DynamoStateStore, span_s: tuple[int, int], log: LookLog, wakes: Sequence[Wake]
    ) -> list[DecisionRecord]:
        """Replay every recorded look, match records with moves, judge wakes; the records."""
        records: list[DecisionRecord] = []
        for endpoint in self._scenario.fleet.endpoints:
            mine = store.records(endpoint, *span_s)
            acted = {record.at_s for record in mine}
            self._replay_all(store, endpoint, sorted(acted | set(log.looked.get(endpoint, ()))))
            records += mine
        self._explained(records)
        self._wakes(wakes, log)
        return sorted(records, key=lambda record: (record.at_s, record.component))

    def _bounds(self, model: ModelConfig, desired: int, at_s: int) -> None:
        if desired > model.max_copies:
            self._tell(at_s, f"1: {model.name} has {desired} copies, above {model.max_copies}")
        if model.protected and desired < model.min_copies:
            self._tell(at_s, f"1: {model.name} is protected and has {desired} copies")

    def _capacity(self, endpoint: EndpointConfig, gpus: Mapping[str, int], at_s: int) -> None:
        for variant, wanted in gpus.items():
            room = max_instances(endpoint, variant) * endpoint.variants[variant].gpus
            if wanted > room:
                self._tell(at_s, f"2: {endpoint.name} is asked for {wanted} GPUs of {room}")

    def _replay_all(self, store: DynamoStateStore, endpoint: str, looks: Sequence[int]) -> None:
        stored, stored_s, hour = b"", None, None
        for number, at_s in enumerate(looks):
            snapshot = store.snapshot(endpoint, at_s)
            if snapshot is None:
                self._tell(at_s, f"9: no snapshot explains the look at {endpoint}")
                continue
            look = _replayed(snapshot.payload)
            began_s = look.state.last_look_s
            # A look that died after it stored its state, and before its snapshot, lies in between.
            died_between = stored_s is not None and began_s is not None and began_s > stored_s
            if stored_s is not None and not died_between and encode(look.state) != stored:
                self._tell(at_s, f"7: {endpoint} began with another state than was stored")
            stored, stored_s = encode(look.after), at_s
            if at_s // HOUR_S != hour:
                self.standings += standings_of(look)
                hour = at_s // HOUR_S
            names = sorted(look.plan.decisions)
            louder = names[number % len(names)] if names else ""
            for violation in (*check(look, decide), *check_monotonic(look, decide, louder)):
                self._tell(at_s, violation)

    def _explained(self, records: Iterable[DecisionRecord]) -> None:
        known = {(record.component, record.to_copies) for record in records}
        for at_s, name, copies in self._moved:
            if (name, copies) not in known:
                self._tell(at_s, f"9: {name} went to {copies} copies and no record says why")

    def _wakes(self, wakes: Sequence[Wake], log: LookLog) -> None:
        homes = {name: config.name for name, (config, _) in self._scenario.models().items()}
        alone = self._scenario.variants_of_their_own().values()
        homes |= {f"{home}/{variant}": home for home, variant in alone}
        for wake in wakes:
            decided_s = wake.phases.get("decision", 0.0)
            until_s = wake.first_refused_s + decided_s
            short = any(
                wake.first_refused_s <= at_s <= until_s
                for at_s in log.shortages.get(homes[wake.component], ())
            )
            if decided_s > LOOK_S + METRIC_LAG_S and not short:
                self._tell(
                    wake.first_refused_s,
                    f"8: {wake.component} was asked for at zero copies and was noticed only "
                    f"{decided_s:.0f} s later",
                )

    def _tell(self, at_s: float, violation: str) -> None:
        if len(self.violations) < MOST_TOLD:
            number, _, text = violation.partition(": ")
            self.violations.append(f"{number}: {clock_text(at_s)} {text}")


def _replayed(payload: bytes) -> Look:
    """A stored look decided again, with inputs of its own to be compared with."""
    inputs, untouched = read_look(payload), read_look(payload)
    after, plan = decide(inputs.config, inputs.state, inputs.seen, inputs.seen.at_s)
    return Look(untouched.config, untouched.state, untouched.seen, after, plan)
