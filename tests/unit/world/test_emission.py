"""Metrics as CloudWatch would show them: values, dimensions, lag, silence, faults."""

import pytest

from icscaler_sim.world import VariantSpec, World
from tests.unit.world.builders import (
    INVOCATIONS,
    START_S,
    new_world,
    read,
    run,
    slow_profile,
    with_copies,
    with_endpoint,
)

CHAT = {"InferenceComponentName": "chat"}
VARIANT = {"EndpointName": "e", "VariantName": "v"}
FLEET = "/aws/sagemaker/Endpoints"


def value(world: World, metric: str, stat: str, at_s: int, **where: object) -> float | None:
    """The value of one minute, read ten minutes later."""
    namespace = str(where.get("namespace", INVOCATIONS))
    dims = where.get("dims", CHAT)
    assert isinstance(dims, dict)
    found = world.metrics.statistics(namespace, metric, dims, stat, 60, at_s, at_s + 60, at_s + 600)
    return found[0][1] if found else None


def busy_minute(copies: int = 2, requests: int = 120, **changes: object) -> tuple[World, int]:
    """`requests` of 4.55 s each in one minute on `copies` copies; the minute's start."""
    world = with_copies(copies, **changes)  # type: ignore[arg-type]
    at_s = int(world.now_s)
    world.arrive("chat", requests, at_s, at_s + 60, output_tokens=300)
    run(world, 900)
    return world, at_s


@pytest.mark.parametrize(
    ("metric", "stat", "expected"),
    [
        pytest.param("Invocations", "Sum", 120, id="invocations"),
        pytest.param("Invocations", "SampleCount", 120, id="one sample each"),
        pytest.param("InvocationsPerCopy", "Sum", 60, id="per copy"),
        pytest.param("ModelLatency", "Average", 4.55e6, id="latency in microseconds"),
        pytest.param("ModelLatency", "SampleCount", 120, id="one latency each"),
        pytest.param("ModelLatency", "PR(:30000000)", 100, id="all under 30 s"),
        pytest.param("OverheadLatency", "Maximum", 12_000, id="overhead"),
        pytest.param("Invocation4XXErrors", "Average", 0, id="share of 4XX"),
        pytest.param("Invocation5XXErrors", "Sum", 0, id="5XX"),
        pytest.param("NoCapacityInvocationFailures", "Sum", None, id="sparse: no zero point"),
    ],
)
def test_a_plain_minute(metric: str, stat: str, expected: float | None) -> None:
    world, at_s = busy_minute()
    found = value(world, metric, stat, at_s)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_requests_count_in_the_variants_series_too() -> None:
    world, at_s = busy_minute()
    assert value(world, "Invocations", "Sum", at_s, dims=VARIANT) == 120
    assert value(world, "Invocations", "Sum", at_s, dims=CHAT | VARIANT) is None
    assert value(world, "InvocationsPerCopy", "Sum", at_s, dims=VARIANT) is None


def test_in_flight_peaks_above_its_mean_and_counts_the_line() -> None:
    world, at_s = busy_minute(copies=1, requests=60)
    # 1 a second x 4.55 s = 4.55 in service; plus 3 x sqrt(4.55).
    assert value(world, "ConcurrentRequestsPerCopy", "Maximum", at_s) == 11
    world = with_copies(1)
    world.profiles.set("chat", slow_profile())
    world.set_copies("chat", 0)
    run(world, 60)
    world.set_copies("chat", 1)
    at_s = int(run(world, 540) and world.now_s)
    world.arrive("chat", 300, at_s, at_s + 60)  # 5 a second where 2 are served
    run(world, 900)
    high = value(world, "ConcurrentRequestsPerCopy", "Maximum", at_s)
    assert high is not None
    assert 4 + 150 <= high <= 4 + 150 + 6, "as many wait as arrive within patience"


@pytest.mark.parametrize("emit_10s", [True, False])
def test_a_single_request_is_one_in_flight(emit_10s: bool) -> None:
    world, at_s = busy_minute(copies=1, requests=1, emit_10s=emit_10s)
    assert value(world, "ConcurrentRequestsPerCopy", "Maximum", at_s) == 1
    assert value(world, "ConcurrentRequestsPerCopy", "Maximum", at_s + 300) == 0


def test_in_flight_has_ten_second_points() -> None:
    world, at_s = busy_minute()
    args = ("Maximum", 10, at_s, at_s + 60, at_s + 600)
    fine = world.metrics.statistics(INVOCATIONS, "ConcurrentRequestsPerCopy", CHAT, *args)
    assert [point_s - at_s for point_s, _ in fine] == [0, 10, 20, 30, 40, 50]
    coarse, at_s = busy_minute(emit_10s=False)
    points = coarse.metrics.statistics(
        INVOCATIONS, "ConcurrentRequestsPerCopy", CHAT, "Maximum", 10, at_s, at_s + 60, at_s + 600
    )
    assert [point_s - at_s for point_s, _ in points] == [0]


@pytest.mark.parametrize(
    ("zero_points", "expected"),
    [pytest.param(False, None, id="silent"), pytest.param(True, 0.0, id="zero")],
)
def test_quiet_minutes_of_a_ready_copy(zero_points: bool, expected: float | None) -> None:
    world, at_s = busy_minute(
        invocation_zero_points=zero_points, concurrency_zero_points=zero_points
    )
    quiet_s = at_s + 300
    assert value(world, "Invocations", "Sum", quiet_s) == expected
    assert value(world, "ConcurrentRequestsPerCopy", "Maximum", quiet_s) == expected
    assert value(world, "ModelLatency", "p50", quiet_s) is None
    namespace = "/aws/sagemaker/InferenceComponents"
    beat = value(world, "MemoryUtilizationNormalized", "Average", quiet_s, namespace=namespace)
    assert beat == pytest.approx(40), "a loaded copy's heartbeat"


def test_at_zero_copies_only_failures_speak() -> None:
    world = with_copies(1)
    world.set_copies("chat", 0)
    run(world, 60 * 5)
    at_s = int(world.now_s)
    world.arrive("chat", 1, at_s, at_s + 60)
    run(world, 900)
    speaking = {
        key.metric
        for key in world.metrics.list_metrics(dims=CHAT)
        if world.metrics.statistics(
            key.namespace, key.metric, CHAT, "Sum", 60, at_s, at_s + 900, world.now_s
        )
    }
    assert speaking == {"NoCapacityInvocationFailures"}
    assert value(world, "NoCapacityInvocationFailures", "Sum", at_s) == 1
    assert value(world, "NoCapacityInvocationFailures", "Maximum", at_s) == 1
    assert value(world, "NoCapacityInvocationFailures", "Sum", at_s + 60) is None


def test_an_endpoint_without_instances_is_silent() -> None:
    world = with_copies(1)
    up_s = int(world.now_s) - 60
    world.set_copies("chat", 0)
    run(world, 60 * 60)
    down_s = int(world.now_s) - 600
    where = {"namespace": FLEET, "dims": VARIANT}
    assert value(world, "GPUReservation", "Average", up_s, **where) == pytest.approx(12.5)
    assert value(world, "GPUReservation", "Average", down_s, **where) is None


def test_an_instance_without_copies_speaks() -> None:
    world = with_endpoint()
    world.advance(START_S + 600)
    where = {"namespace": FLEET, "dims": VARIANT}
    assert value(world, "GPUReservation", "Average", START_S + 240, **where) == 0
    assert value(world, "GPUUtilizationNormalized", "Average", START_S + 240, **where) == 0


def test_gpu_use_is_normalized_and_raw() -> None:
    world, at_s = busy_minute(copies=1, requests=60)
    at_s = at_s if value(world, "Invocations", "Sum", at_s) else 0
    where = {"namespace": FLEET, "dims": VARIANT}
    own = value(
        world,
        "GPUUtilizationNormalized",
        "Average",
        at_s,
        namespace="/aws/sagemaker/InferenceComponents",
    )
    share = value(world, "GPUUtilizationNormalized", "Average", at_s, **where)
    raw = value(world, "GPUUtilization", "Average", at_s, **where)
    assert own is not None
    assert share == pytest.approx(own / 8)
    assert raw == pytest.approx(own)
    series = world.metrics.find(FLEET, "GPUUtilizationNormalized", VARIANT)
    assert series is not None
    assert series.minutes("Average", at_s, 1, at_s + 600) == [pytest.approx(own / 8)]


def test_overload_shows_as_errors_and_accepted_invocations() -> None:
    world = with_copies(1)
    world.profiles.set("chat", slow_profile())
    world.set_copies("chat", 0)
    run(world, 60)
    world.set_copies("chat", 1)
    run(world, 540)
    at_s = int(world.now_s)
    world.arrive("chat", 3_600, at_s, at_s + 600)
    run(world, 1_200)
    late_s = at_s + 300
    accepted = value(world, "Invocations", "Sum", late_s)
    assert accepted == 360, "what arrives, not what is served"
    assert value(world, "Invocation5XXErrors", "Sum", late_s) == pytest.approx(240, abs=2)
    assert value(world, "ModelLatency", "Minimum", late_s) > 28e6  # type: ignore[operator]
    # Demand is readable in overload: invocations per second x service time when unloaded.
    assert pytest.approx(3 * 4, rel=0.2) == 360 / 60 * 2.0


def test_lag_and_late_counts() -> None:
    world = with_copies(1)
    at_s = int(world.now_s)
    world.arrive("chat", 100, at_s, at_s + 60)
    seen = {}
    for second in (60, 99, 100, 189, 190):
        world.advance(at_s + second)
        seen[second] = read(world, "Invocations")
    # 40 s of lag; a tenth of the minute is counted 90 s later.
    assert seen == {60: [], 99: [], 100: [90], 189: [90], 190: [100]}


def test_rows_for_simulators_hold_the_same() -> None:
    world, at_s = busy_minute()
    assert world.minutes("chat", at_s, at_s + 99) == []
    rows = world.minutes("chat", at_s, at_s + 100)
    assert [(row.at_s, row.accepted, row.copies) for row in rows] == [(at_s, 120, 2)]
    assert [row.at_s for row in world.minutes("chat", at_s, at_s + 600)] == list(
        range(at_s, at_s + 540, 60)
    )


def test_metric_gaps_and_delays() -> None:
    world = with_copies(1)
    at_s = int(world.now_s)
    world.faults.metric_gaps["chat"] = [(at_s + 60, at_s + 120)]
    world.faults.metric_delay_s["chat"] = 300.0
    world.arrive("chat", 180, at_s, at_s + 180)
    run(world, 339)
    assert read(world, "Invocations") == []
    run(world, 1_000)
    assert read(world, "Invocations") == [60, 60]
    namespace = "/aws/sagemaker/InferenceComponents"
    gap = value(world, "MemoryUtilizationNormalized", "Sum", at_s + 60, namespace=namespace)
    assert gap is None


@pytest.mark.parametrize(
    ("ahead_s", "stamped_s"), [(5, 0), (-5, -60), (70, 60)], ids=["ahead", "behind", "a minute off"]
)
def test_points_carry_the_time_of_the_clock_that_measured_them(
    ahead_s: float, stamped_s: int
) -> None:
    world = with_copies(1)
    at_s = int(world.now_s)
    world.faults.metric_clock_s["*"] = ahead_s
    world.arrive("chat", 60, at_s, at_s + 60)
    run(world, 600)
    assert value(world, "Invocations", "Sum", at_s + stamped_s) == 60
    assert value(world, "InvocationsPerCopy", "Sum", at_s + stamped_s) == 60
    busy = [
        value(world, "ConcurrentRequestsPerCopy", "Maximum", at_s + shift_s)
        for shift_s in (-60, 0, 60, 120)
    ]
    first = max(0, stamped_s + 60) // 60
    assert busy[first]


def test_cleared_faults_are_over() -> None:
    world = with_copies(1)
    at_s = int(world.now_s)
    faults = world.faults
    faults.metric_gaps["*"] = [(at_s, at_s + 6_000)]
    faults.stuck_updating.add("chat")
    faults.failing_copies["chat"] = 3
    faults.clear()
    assert faults == type(faults)()
    world.arrive("chat", 60, at_s, at_s + 60)
    run(world, 300)
    assert read(world, "Invocations") == [60]


def test_single_model_variants_speak_of_instances() -> None:
    world = new_world()
    world.create_endpoint("e", [VariantSpec("v", "ml.g5.xlarge", 2, model_name="m")])
    world.advance(START_S + 600)
    world.arrive(("e", "v"), 60, START_S + 600, START_S + 660, output_tokens=100)
    world.advance(START_S + 1_200)
    metrics = {key.metric for key in world.metrics.list_metrics(INVOCATIONS)}
    assert {"InvocationsPerInstance", "ConcurrentRequestsPerModel"} <= metrics
    assert not {"InvocationsPerCopy", "NoCapacityInvocationFailures"} & metrics
    assert value(world, "InvocationsPerInstance", "Sum", START_S + 600, dims=VARIANT) == 30
    assert value(world, "Invocations", "Sum", START_S + 600, dims=VARIANT) == 60
