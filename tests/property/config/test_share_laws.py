"""Shares of a fleet's ceiling in GPUs: together never more than it, each as much as can be."""

from hypothesis import given
from hypothesis import strategies as st

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler.config.shares import split

WANTS = st.dictionaries(
    st.sampled_from([f"endpoint-{n}" for n in range(8)]),
    st.tuples(st.integers(0, 20), st.integers(0, 60)).map(lambda pair: (pair[0], sum(pair))),
    min_size=1,
)


@given(st.integers(0, 300), WANTS)
def test_shares(gpus: int, wants: dict[str, tuple[int, int]]) -> None:
    shares = split(gpus, wants)
    floors = sum(floor for floor, _ in wants.values())
    most = sum(most for _, most in wants.values())
    assert shares.keys() == wants.keys()
    assert sum(shares.values()) == max(floors, min(gpus, most))
    assert all(floor <= shares[name] <= upper for name, (floor, upper) in wants.items())


@given(st.integers(0, 300), WANTS)
def test_a_higher_ceiling_takes_little_from_anybody(
    gpus: int, wants: dict[str, tuple[int, int]]
) -> None:
    """Rounding may move one GPU (the Alabama paradox of largest remainders), never more."""
    before, after = split(gpus, wants), split(gpus + 1, wants)
    assert all(after[name] >= before[name] - 1 for name in wants)


def test_a_fleet_file_gives_each_endpoint_its_share() -> None:
    fleet = load_fleet("""
version: 1
defaults:
  max_copies: 4
  concurrent_requests_per_copy: 8
  owner: search
  resources: {gpus: 1, memory_mb: 16384}
endpoints:
  east: {variants: {main: {instance_type: ml.p4d.24xlarge, max_instances: 4}}}
  west: {variants: {main: {instance_type: ml.p4d.24xlarge, max_instances: 4}}}
models:
  - {name: [a, b, c], endpoint: east, class: batch}
  - {name: d, endpoint: west, class: batch, max_gpus: 2}
  - {name: e, endpoint: west, class: critical}
ceilings:
  classes: {batch: 7}
  owners: {search: 100}
""")
    endpoints = compile_fleet(fleet).endpoints
    shares = {
        name: {ceiling.label: ceiling.gpus for ceiling in one.gpu_ceilings}
        for name, one in endpoints.items()
    }
    assert shares == {
        "east": {"class batch": 6, "owner search": 12},
        "west": {"class batch": 1, "owner search": 6},
    }
    assert endpoints["west"].models["d"].max_gpus == 2
