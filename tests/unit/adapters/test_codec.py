"""The codec: equal values give equal bytes, and versions read each other."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icscaler.adapters import codec
from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointConfig,
    EndpointState,
    EndpointView,
    MetricMinute,
    ModelState,
    Outcome,
    OutcomeKind,
    Override,
    Snapshot,
)
from icscaler.ports import DecisionRecord, LookInputs

# JSON has no NaN and no infinity, and neither has anything the core works with.
FINITE = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, FINITE)


@pytest.mark.parametrize(
    "kind", [EndpointConfig, EndpointState, Snapshot, LookInputs, DecisionRecord]
)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(kind: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    written = codec.encode(value)
    read = codec.decode(written, kind)
    assert read == value
    assert codec.encode(read) == written
    assert codec.unpack(codec.pack(value), kind) == value


@given(st.permutations(["a", "b", "c", "d"]), st.permutations(["x", "y", "z"]))
def test_the_order_in_which_a_dict_was_filled_does_not_show(
    models: list[str], outcomes: list[str]
) -> None:
    def snapshot(names: list[str], outcome_names: list[str]) -> Snapshot:
        view = EndpointView("code", "InService")
        seen = Snapshot(1, "v1", view, {name: component(name) for name in names})
        for name in outcome_names:
            seen.outcomes[name] = Outcome(OutcomeKind.ACCEPTED, name, 1, 1)
        return seen

    first = snapshot(models, outcomes)
    second = snapshot(sorted(models), sorted(outcomes))
    assert codec.pack(first) == codec.pack(second)


def component(name: str) -> ComponentView:
    return ComponentView(name, "gpu", "InService", 1, 1, 10, 20, resources=CopyResources(1, 2.0, 3))


def test_the_types_that_json_does_not_know_come_back() -> None:
    inputs = LookInputs(
        EndpointConfig("code", "v1", {}, {}),
        EndpointState(models={"m": ModelState(1, 2, 3, 4, 5, 6, recommendations=((7, 8),))}),
        Snapshot(
            at_s=9,
            config_version="v1",
            endpoint=EndpointView("code", "InService"),
            components={"m": component("m")},
            metrics={"m": (MetricMinute(60, 0.0, None, 1.5, True),)},
            outcomes={"m": Outcome(OutcomeKind.NO_ROOM, "a", 2, 3)},
            paused_models=("m",),
        ),
    )
    read = codec.read_look(codec.encode(inputs))
    assert read == inputs
    assert type(read.seen.outcomes["m"].kind) is OutcomeKind
    assert type(read.seen.metrics["m"]) is tuple
    assert read.seen.metrics["m"][0].concurrency_per_copy is None


def test_what_the_next_version_added_is_ignored_and_what_it_dropped_is_default() -> None:
    newer = json.loads(codec.encode(EndpointState(last_look_s=7)))
    newer |= {"added_later": {"deep": [1]}, "schema_version": 2}
    del newer["noticed"]
    assert codec.decode(json.dumps(newer).encode(), EndpointState) == EndpointState(
        schema_version=2, last_look_s=7
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"", "not a Override", id="empty"),
        pytest.param(b"{", "not a Override", id="cut"),
        pytest.param(b"\xff\xfe", "not a Override", id="no text"),
        pytest.param(b'{"reason": "x"}', "until_s", id="a field without default is missing"),
        pytest.param(b'{"until_s": "1", "reason": "x"}', r"\$.until_s", id="wrong type"),
        pytest.param(b'{"until_s": 1.5, "reason": "x"}', r"\$.until_s", id="not whole"),
    ],
)
def test_damage_is_told_with_the_field(data: bytes, told: str) -> None:
    with pytest.raises(codec.CodecError, match=told):
        codec.decode(data, Override)


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_damaged_compression_is_told(cut: int) -> None:
    packed = codec.pack(EndpointState(last_look_s=1))
    with pytest.raises(codec.CodecError, match="damaged"):
        codec.decompress(packed[:cut])


def test_what_has_no_json_form_is_told() -> None:
    @dataclass
    class Holder:
        value: object

    with pytest.raises(codec.CodecError, match="cannot encode Holder"):
        codec.encode(Holder(object()))
