"""What the alternatives use and cost, on cases small enough to check by hand."""

from pathlib import Path

import numpy as np
import pytest

from icscaler_sim.pricing import (
    Bill,
    HeldCopies,
    InstanceType,
    PriceTable,
    all_always_on,
    endpoint_per_model,
    instances_over_time,
    load_prices,
    measured,
    packed_instances,
    static_peak,
)
from icscaler_sim.traces import CopyShape, Trace, build_trace, default_copy_shape, read_trace
from icscaler_sim.world.specs import ServiceProfile

PRICES: PriceTable = load_prices()
P4D: InstanceType = PRICES.get("ml.p4d.24xlarge")
TWO_AT_A_TIME = ServiceProfile(slots_per_copy=2, base_s=1.0, output_token_s=0.0)
ONE = CopyShape(1, TWO_AT_A_TIME)
FOUR = CopyShape(4, TWO_AT_A_TIME)
SHAPES = {"small": ONE, "large": FOUR, "silent": ONE}


def _trace(width_s: int, rows: list[tuple[int, int, int]]) -> Trace:
    """Rows of (bin, model, requests); a request keeps a slot busy for one second."""
    columns = np.array(rows, dtype=np.int64)
    nothing = np.zeros(len(rows), dtype=np.int64)
    return build_trace(
        "made up",
        ("small", "large", "silent"),
        width_s,
        600,
        columns[:, 0] * width_s,
        columns[:, 1],
        columns[:, 2],
        nothing,
        nothing,
    )


@pytest.mark.parametrize(
    ("trace", "peaks"),
    [
        pytest.param(_trace(60, [(0, 0, 120), (1, 0, 121)]), (2, 0, 0), id="121 s of work need 2"),
        pytest.param(_trace(60, [(0, 0, 120), (3, 1, 1)]), (1, 1, 0), id="exactly full is enough"),
        pytest.param(
            _trace(10, [(0, 0, 100), (5, 0, 100), (6, 0, 150)]), (2, 0, 0), id="10 s bins, by 60 s"
        ),
        pytest.param(_trace(300, [(0, 0, 601)]), (2, 0, 0), id="wider bins as they are"),
    ],
)
def test_static_peak_serves_the_busiest_minute(trace: Trace, peaks: tuple[int, ...]) -> None:
    assert tuple(static_peak(trace, SHAPES).values()) == peaks


@pytest.mark.parametrize(
    ("copies", "instances"),
    [
        pytest.param({"small": 0, "large": 0}, 0, id="nothing"),
        pytest.param({"small": 8}, 1, id="just full"),
        pytest.param({"small": 9}, 2, id="one too many"),
        pytest.param({"small": 4, "large": 1}, 1, id="side by side"),
        pytest.param({"small": 5, "large": 1}, 2, id="small ones overflow"),
        pytest.param({"large": 3}, 2, id="a copy is not split"),
    ],
)
def test_copies_are_packed_on_whole_instances(copies: dict[str, int], instances: int) -> None:
    assert packed_instances(copies, SHAPES, P4D) == instances


def test_a_copy_larger_than_the_instance_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        packed_instances({"large": 1}, SHAPES, PRICES.get("ml.g6.xlarge"))


def test_endpoint_per_model_pays_an_instance_for_each_called_model() -> None:
    found = endpoint_per_model({"small": 2, "large": 1, "silent": 0}, SHAPES, 10.0, PRICES, P4D)

    assert found.on_reference == Bill(
        gpu_hours=60.0,
        instance_hours=20.0,
        instance_gpu_hours=160.0,
        dollars=pytest.approx(20 * 25.251286),
        instances={"ml.p4d.24xlarge": 2},
    )
    # Two single-GPU instances of the cheapest kind, and four small GPUs for the large one.
    assert found.on_cheapest.instances == {"ml.g6.xlarge": 2, "ml.g6.12xlarge": 1}
    assert found.on_cheapest.dollars == pytest.approx(10 * (2 * 1.127 + 5.752))
    assert found.on_cheapest.gpu_hours == found.on_reference.gpu_hours


def test_many_copies_may_be_cheaper_on_a_larger_type() -> None:
    table = PriceTable(
        PRICES.as_of,
        "",
        "",
        (),
        (InstanceType("ml.one", 1, "", 40, 3.0), InstanceType("ml.four", 4, "", 40, 8.0)),
    )

    def cheapest(copies: int) -> dict[str, int]:
        found = endpoint_per_model({"small": copies}, SHAPES, 1.0, table, P4D)
        return dict(found.on_cheapest.instances)

    assert cheapest(2) == {"ml.one": 2}
    assert cheapest(4) == {"ml.four": 1}


def test_all_always_on_shares_instances_that_host_the_biggest_copy() -> None:
    found = all_always_on({"small": 3, "large": 1, "silent": 0}, SHAPES, 2.0, PRICES, P4D)

    assert found.on_reference.instance_hours == 2.0
    assert found.on_reference.gpu_hours == 14.0
    assert found.on_cheapest.instances == {"ml.g6.12xlarge": 2}
    assert found.on_cheapest.dollars == pytest.approx(2 * 2 * 5.752)


def test_memory_rules_out_small_gpus() -> None:
    shapes = {"small": CopyShape(1, TWO_AT_A_TIME, gpu_memory_gb=30.0)}
    found = endpoint_per_model({"small": 1}, shapes, 1.0, PRICES, P4D)

    assert found.on_cheapest.instances == {"ml.g6e.xlarge": 1}


def test_nothing_called_costs_nothing() -> None:
    for alternative in (endpoint_per_model, all_always_on):
        found = alternative({"small": 0}, SHAPES, 24.0, PRICES, P4D)
        assert (found.on_reference.dollars, found.on_cheapest.dollars) == (0.0, 0.0)


def test_an_instance_outlives_its_last_copy_by_the_idle_release() -> None:
    held = HeldCopies(300, {"small": [9, 0.5, 0, 0, 0, 0]})

    assert instances_over_time(held, SHAPES, P4D) == [2, 2, 2, 1, 0, 0]


class TestMeasured:
    HELD = HeldCopies(3600, {"small": [2, 2, 0, 0], "large": [0, 1, 0, 0]})

    def _bill(self, instance_hours: float) -> Bill:
        return Bill(8.0, instance_hours, 8 * instance_hours, 25.251286 * instance_hours,
                    {"ml.p4d.24xlarge": 1})  # fmt: skip

    def test_same_copies_on_the_cheapest_type_that_hosts_the_biggest(self) -> None:
        found = measured(
            "run", "Run", self._bill(3.0), {"e": self.HELD}, SHAPES, PRICES, {"e": P4D}
        )

        assert found.on_reference.instance_hours == 3.0
        assert found.on_cheapest.instances == {"ml.g6.12xlarge": 2}
        assert found.on_cheapest.gpu_hours == 8.0
        # 1, 2 and (kept for idle release, counted by whole steps) 2 instances.
        assert found.on_cheapest.instance_hours == pytest.approx(5.0)

    def test_what_the_run_wasted_is_carried_over(self) -> None:
        found = measured(
            "run", "Run", self._bill(6.0), {"e": self.HELD}, SHAPES, PRICES, {"e": P4D}
        )

        assert found.on_cheapest.instance_hours == pytest.approx(10.0)

    def test_never_dearer_than_what_was_paid(self) -> None:
        only_p4d = PriceTable(PRICES.as_of, "", "", (), (P4D,))
        found = measured(
            "run", "Run", self._bill(3.0), {"e": self.HELD}, SHAPES, only_p4d, {"e": P4D}
        )

        assert found.on_cheapest.dollars <= found.on_reference.dollars

    def test_nothing_held(self) -> None:
        found = measured("run", "Run", self._bill(0.0), {}, SHAPES, PRICES, {})

        assert found.on_cheapest.dollars == 0.0


def test_recorded_fleet_needs_220_instances_with_an_endpoint_per_model(traces_dir: Path) -> None:
    """The study of the recorded fleet found 1,760 GPUs (220 instances of eight) by other code."""
    trace = read_trace(traces_dir / "servegen_fleet_dev_w1_60s.csv.gz")
    shapes = {name: default_copy_shape(name) for name in trace.models}
    peaks = static_peak(trace, shapes)

    assert sum(1 for copies in peaks.values() if copies) == 133
    found = endpoint_per_model(peaks, shapes, 1.0, PRICES, P4D)
    assert found.on_reference.instance_gpu_hours == 1_760
