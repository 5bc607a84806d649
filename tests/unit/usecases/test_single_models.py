"""Single-model variants, look by look: instances as copies, one change at a time, one always."""

from dataclasses import replace

import pytest

from icscaler.dispatch import Cause, DispatchEvent, dispatch
from icscaler.entities import EndpointView, OutcomeKind, Override, VariantConfig, VariantView
from icscaler.ports import PortError
from icscaler.reasons import Notice, Reason
from icscaler.reconcile import LookOutcome
from tests.unit.core.build import T0, config, gpus, minutes, model, view
from tests.unit.usecases.desk import Desk

G6E = VariantConfig("ml.g6e.2xlarge", 1, 8.0, 32_768, 4)


def single(name: str, **changes):
    return model(name, **{"kind": "variant", "variant": name, "min_copies": 1, **changes})


class VariantDesk(Desk):
    """The models of the configuration on variants of their own, one instance each."""

    def __init__(self, *models, **variants: VariantConfig) -> None:
        places = {one.variant: variants.get(one.variant, G6E) for one in models}
        super().__init__(config(*models, variants=places))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.endpoints.components.clear()
        there = {name: VariantView(name, None, 1, 1) for name in self.config.variants}
        self.endpoints.endpoints["shared"] = EndpointView("shared", "InService", there, T0)

    def seen(self) -> EndpointView:
        found = self.endpoints.describe_endpoint("shared")
        assert found is not None
        return found

    def show(self, name: str, **changes) -> None:
        """Let DescribeEndpoint say something else of a variant."""
        at = self.endpoints.endpoints["shared"]
        variant = replace(at.variants[name], **changes)
        self.endpoints.endpoints["shared"] = replace(at, variants={**at.variants, name: variant})

    def load(self, requests: float | None, name: str = "m") -> None:
        copies = self.seen().variants[self.config.models[name].variant].current_instances
        for minute in minutes(self.at_s, [requests] * 15, copies):
            self.metrics.put(name, minute)

    def copies(self, name: str = "m") -> int:
        return self.seen().variants[name].desired_instances

    def ticks(self, requests: float | None, count: int) -> LookOutcome:
        return [self.tick(requests) for _ in range(count)][-1]


@pytest.fixture
def desk() -> VariantDesk:
    desk = VariantDesk(single("m"))
    desk.ticks(5.0, 12)
    return desk


def decided(outcome: LookOutcome, name: str = "m"):
    assert outcome.plan is not None
    return outcome.plan.decisions[name]


def test_instances_follow_demand_out_and_in_down_to_one(desk: VariantDesk) -> None:
    outcome = desk.tick(31.0)
    assert outcome.outcomes["m"].kind is OutcomeKind.ACCEPTED
    assert desk.copies() == 4
    (change,) = desk.endpoints.writes
    assert change.variant == ("shared", "m")
    (record,) = desk.store.records("shared", 0, desk.at_s + 1)
    assert (record.component, record.from_copies, record.to_copies) == ("m", 1, 4)
    outcome = desk.ticks(0.0, 60)
    assert desk.copies() == 1
    assert [step.reason for step in decided(outcome).steps] == [Reason.IDLE, Reason.MIN_COPIES]


def test_no_component_is_listed_where_there_can_be_none(
    desk: VariantDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self, endpoint):
        raise PortError("asked for components")

    monkeypatch.setattr(desk.endpoints.__class__, "list_components", never)
    assert decided(desk.tick()).desired_copies == 1


def test_only_series_that_variants_have_are_asked_for(desk: VariantDesk) -> None:
    desk.metrics.asked.clear()
    desk.at_s += 300  # after a pause of the looks the heartbeat is read too
    desk.tick()
    (request,) = desk.metrics.asked
    assert request.variant == ("shared", "m")
    assert (request.invocations, request.heartbeat, request.refused) == (True, True, False)


def test_nothing_is_written_while_the_endpoint_is_updating(desk: VariantDesk) -> None:
    at = desk.seen()
    desk.endpoints.endpoints["shared"] = replace(at, status="Updating")
    desk.at_s += 60
    desk.load(31.0)
    outcome = desk.look()
    assert decided(outcome).blocked is Reason.IN_FLIGHT
    assert decided(outcome).desired_copies > 1
    assert desk.endpoints.writes == []


def test_of_several_changes_the_dearest_is_made_first_and_the_others_follow() -> None:
    desk = VariantDesk(single("cheap", worth=1.0), single("dear", worth=100.0))
    desk.ticks(5.0, 12)
    outcome = desk.tick(15.0)
    assert [change.component for change in desk.endpoints.writes] == ["dear"]
    assert decided(outcome, "cheap").blocked is Reason.IN_FLIGHT
    desk.tick(15.0)
    assert [change.component for change in desk.endpoints.writes] == ["dear", "cheap"]


def test_an_instance_counts_when_the_endpoint_is_through_with_it(desk: VariantDesk) -> None:
    """While the second instance loads its model the first one bears the load alone."""
    at = desk.seen()
    there = replace(at.variants["m"], current_instances=2, desired_instances=2)
    desk.endpoints.endpoints["shared"] = replace(at, status="Updating", variants={"m": there})
    desk.at_s += 60
    desk.look()
    item = desk.store.load("shared", "v1")
    assert item.views["m"].current_copies == 1
    desk.endpoints.settle(desk.at_s + 30)
    desk.tick()
    assert desk.store.load("shared", "v1").views["m"].current_copies == 2


def test_the_files_maximum_of_instances_limits_it_and_nothing_else() -> None:
    desk = VariantDesk(single("m"), m=replace(G6E, max_instances=2))
    desk.ticks(5.0, 12)
    outcome = desk.tick(60.0)
    assert desk.copies() == 2
    assert decided(outcome).steps[-1].reason is Reason.DISPLACED


def test_a_ceiling_of_zero_leaves_one_instance() -> None:
    override = Override(T0 + 86_400, "nobody needs it", max_copies=0)
    desk = VariantDesk(single("m", overrides=(override,)))
    outcome = desk.ticks(30.0, 15)
    assert desk.copies() == 1
    assert decided(outcome).steps[-1].reason is Reason.ONE_INSTANCE


@pytest.mark.parametrize("owner", ["target", "managed scaling"])
def test_somebody_elses_instances_are_left_alone(owner: str) -> None:
    desk = VariantDesk(single("m"))
    if owner == "target":
        desk.endpoints.owned_variants.add(("shared", "m"))
    else:
        desk.show("m", min_instances=1, max_instances=4)
    outcome = desk.ticks(60.0, 12)
    assert decided(outcome).blocked is Reason.FOREIGN_TARGET
    assert desk.endpoints.writes == []
    assert [one.notice for _, _, one in desk.notifier.notices] == [Notice.FOREIGN_TARGET]


def test_who_owns_it_is_asked_in_rotation(desk: VariantDesk) -> None:
    desk.endpoints.owned_variants.add(("shared", "m"))
    kinds = [decided(desk.tick()).blocked for _ in range(11)]
    assert kinds[-1] is Reason.FOREIGN_TARGET


def test_a_change_by_a_person_is_honoured(desk: VariantDesk) -> None:
    desk.show("m", current_instances=3, desired_instances=3)
    assert decided(desk.ticks(0.0, 5)).blocked is Reason.MANUAL_CHANGE
    assert desk.copies() == 3


def test_a_variant_that_is_not_there_is_told() -> None:
    desk = VariantDesk(single("m"))
    del desk.endpoints.endpoints["shared"].variants["m"]
    desk.at_s += 60
    outcome = desk.look()
    assert outcome.plan is not None
    assert [item.notice for item in outcome.plan.notices] == [Notice.COMPONENT_MISSING]


def test_a_wake_wakes_nothing(desk: VariantDesk) -> None:
    event = DispatchEvent(Cause.WAKE_REQUESTED, desk.at_s, "event-1", ("m",))
    outcome = dispatch(event, desk.dispatch_deps)
    assert (outcome.unwakeable, outcome.queued) == (("m",), ())


def test_components_and_variants_of_one_endpoint_stand_side_by_side() -> None:
    desk = VariantDesk(single("m"))
    shared = replace(desk.config.variants["m"], gpus=8)
    mixed = replace(
        desk.config,
        variants={**desk.config.variants, "main": shared},
        models={**desk.config.models, "c": model("c", resources=gpus(1))},
    )
    desk.config = mixed
    desk.store.publish({"shared": mixed}, "v2", "v1")
    at = desk.seen()
    main = VariantView("main", None, 1, 1, 0, 1)
    desk.endpoints.add(replace(at, variants={**at.variants, "main": main}), view("c"))
    outcome = desk.ticks(31.0, 13)
    changed = {change.component: change.variant for change in desk.endpoints.writes}
    assert changed["c"] is None
    assert changed["m"] == ("shared", "m")
    assert outcome.plan is not None
    assert set(outcome.plan.decisions) == {"c", "m"}
