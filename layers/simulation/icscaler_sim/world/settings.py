"""How the world behaves: delays as distributions, and a named switch for each unsure behaviour.

Defaults restate public measurements; where AWS documents nothing the choice is ours and says
so ("undocumented"). Sources: Amazon SageMaker AI Developer Guide, the AWS posts on scale to
zero (2024-12), container caching (2024-12, 2026-06) and rolling updates (2025-03), and one
public measurement of g5.xlarge (2026-07).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

ImageCache: TypeAlias = Literal["none", "instance", "endpoint"]
NoRoom: TypeAlias = Literal["refuse", "failure_reason"]
UpdateStrategy: TypeAlias = Literal["blue_green", "recreate"]


@dataclass(frozen=True, slots=True)
class Delay:
    """A distribution given by evenly spaced quantiles, linear in between.

    `Delay(a)` is constant, `Delay(a, b)` uniform, `Delay(min, p50, max)` skewed, and so on.
    """

    quantiles: tuple[float, ...]

    def __init__(self, *quantiles: float) -> None:
        if not quantiles or quantiles[0] < 0 or list(quantiles) != sorted(quantiles):
            raise ValueError(f"quantiles must be rising and not negative, got {quantiles}")
        object.__setattr__(self, "quantiles", tuple(float(q) for q in quantiles))

    def at(self, u: float) -> float:
        """The quantile `u` in [0, 1]."""
        points = self.quantiles
        place = u * (len(points) - 1)
        below = int(place)
        if below >= len(points) - 1:
            return points[-1]
        return points[below] + (points[below + 1] - points[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Physics and switches. Seconds unless the name says otherwise."""

    # --- instances
    instance_launch_s: Delay = field(default_factory=lambda: Delay(90.0, 240.0))
    """Order to usable. Seen: 105 s (AWS scale-to-zero post), 240 s (endpoint on g5.xlarge)."""
    launch_failure_fraction: float = 0.0
    """Share of launch attempts that meet no capacity; each is tried again."""
    launch_retry_s: float = 120.0
    """Pause before a launch that found no capacity is tried again (undocumented)."""
    idle_release_delay_s: float = 600.0
    """Empty instance to its release. 300 to 720 s in public reports; AWS post: 600."""
    instance_release_s: Delay = field(default_factory=lambda: Delay(20.0, 60.0))
    """Release order to gone, while the endpoint shows Updating (undocumented)."""
    allocatable_memory_fraction: float = 0.5
    """Share of host memory that copies can reserve, before `reserved_memory_gib`."""
    reserved_memory_gib: float = 6.0
    """Taken off each instance on top. AWS publishes no formula; the two fit both public hints:
    a 16 GiB instance took 1024 MB and refused 4096 MB, and 2 TiB ones are sized as 1 TB."""
    bill_launching_instances: bool = True
    """Count instance time from the launch order (cautious) instead of from first use."""

    # --- copy start
    image_pull_s_per_gb: Delay = field(default_factory=lambda: Delay(12.0, 22.0))
    """Uncached image: 17.7 GB in 333 s (container caching post, 2026) is 18.8."""
    weights_load_s_per_gb: Delay = field(default_factory=lambda: Delay(2.5, 8.0))
    """Alone: about 16 GB in 77 s (same post) is 4.7; optimised loading is faster."""
    contended_load_factor: float = 2.0
    """Weights take this much longer while the instance pulls or loads something else too
    (same post: 168 s against 77 s). 1.0 = not contended."""
    weights_beside_image: bool = True
    """Weights download while the image is pulled, not after it. The post's totals
    (525 s = 333 + 192; 258 s = 77 + 181) fit only this way."""
    engine_start_s: Delay = field(default_factory=lambda: Delay(60.0, 140.0))
    """Container start, weights to GPU, first passed health check."""
    image_cache: ImageCache = "instance"
    """Where a pulled image stays: nowhere, on the instance (spec.data_caching allowing),
    or for every instance of the endpoint (container caching)."""
    startup_timeout_s: float = 600.0
    """Container health check time-out where a spec gives none (undocumented default)."""
    download_timeout_s: float = 3600.0
    """Image and weights time-out where a spec gives none (undocumented default)."""
    adapter_load_s: Delay = field(default_factory=lambda: Delay(5.0, 20.0))
    """Create of an adapter to InService."""

    # --- copy removal, status
    drain_max_s: float = 120.0
    """A copy that leaves finishes its requests, at most this long (undocumented)."""
    status_settle_s: Delay = field(default_factory=lambda: Delay(5.0, 15.0))
    """Least time a component stays Updating or Deleting, even with nothing to do."""
    placement_timeout_s: float = 1800.0
    """Component with copies that found no room: back from Updating with a FailureReason (from
    Creating: Failed). Desired stays, and a copy that finds room later still starts."""
    draining_counts_as_room: bool = True
    """A call that needs room which copies are just leaving is accepted (undocumented)."""
    no_room: NoRoom = "refuse"
    """More copies than the variant at its maximum can hold: refused at the call (as one public
    report saw), or accepted and told in FailureReason."""
    failed_accepts_update: bool = False
    """Whether a Failed component can be updated (undocumented; delete and create it)."""
    scale_in_frees_instances: bool = True
    """Which copy leaves: one on the instance with fewest copies, or simply the youngest."""
    adapters_accept_copies: bool = False
    """Whether a copy count may be set on an adapter (undocumented)."""
    create_needs_endpoint_in_service: bool = True
    """Refuse CreateInferenceComponent while the endpoint is Creating (undocumented)."""
    writes_while_endpoint_updating: bool = True
    """Accept component writes while managed scaling shows the endpoint Updating."""
    delete_endpoint_with_components: bool = False
    """Reports conflict: refused (2026-06) or accepted, leaving components behind (2026-07).
    True accepts and removes them."""

    # --- updates of the spec
    default_update: UpdateStrategy = "blue_green"
    """Update without a rolling policy: all new copies beside the old, or old ones out first
    (undocumented)."""
    rolling_single_copy: bool = True
    """Accept a rolling batch of 1 on one copy, though the documented range is 5-50 %."""
    rolling_batch_rule: bool = True
    """Refuse batches outside 5-50 % of the copies."""
    rolling_timeout_s: float = 28_800.0
    """Deployment time-out where the policy gives none (undocumented default)."""
    instant_update_at_zero: bool = True
    """With no copies a new spec is in place at once."""
    rollback_sets_failure_reason: bool = True
    """A rolled back update ends InService; whether FailureReason tells of it."""

    # --- service
    in_time_s: float = 30.0
    """Service must begin within this time of arrival to count as in time."""
    latency_spread: tuple[float, ...] = (0.35, 0.6, 0.8, 0.95, 1.1, 1.4, 1.8)
    """Service times of one minute's requests as shares of their mean, equally likely."""
    overhead_s: float = 0.012
    """SageMaker's own share of a request's latency (OverheadLatency)."""

    # --- metrics
    emit_10s: bool = True
    """ConcurrentRequests* every 10 s as AWS does; False: one point a minute (simulator)."""
    metric_lag_60s: Delay = field(default_factory=lambda: Delay(30.0, 60.0))
    """End of a minute to its points being readable (undocumented)."""
    metric_lag_10s: Delay = field(default_factory=lambda: Delay(5.0, 15.0))
    """The same for 10 s points (undocumented)."""
    late_fraction: float = 0.1
    """Share of a minute's events that is counted late: minutes fill up after first read."""
    late_lag_s: float = 90.0
    """How much later than the rest the late share becomes readable."""
    invocation_zero_points: bool = False
    """Whether Invocations publishes 0 for a ready component without traffic (undocumented)."""
    peak_deviations: float = 3.0
    """How far the published highest (lowest) number of requests in flight lies above (below) the
    mean of its window, in the mean's own square roots: 2 is calm traffic, 4 comes in bursts
    (undocumented)."""
    concurrency_zero_points: bool = True
    """Whether ConcurrentRequests* publishes 0 then (AWS's own scale-in relies on it)."""
    no_capacity_in_4xx: bool = False
    """Whether refusals at zero copies also count in Invocation4XXErrors (undocumented)."""
    gave_up_in_5xx: bool = True
    """Whether requests that waited too long count in Invocation5XXErrors."""
    component_endpoint_metrics: bool = True
    """Whether components' requests also count in the (EndpointName, VariantName) series."""

    def __post_init__(self) -> None:
        for name in ("launch_failure_fraction", "late_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be within 0..1, got {getattr(self, name)}")
        if not 0.0 < self.allocatable_memory_fraction <= 1.0:
            raise ValueError("allocatable_memory_fraction must be above 0 and at most 1")
        if self.peak_deviations < 0.0:
            raise ValueError("peak_deviations must be at least 0")
        if self.contended_load_factor < 1.0:
            raise ValueError("contended_load_factor must be at least 1")
