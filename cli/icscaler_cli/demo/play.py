"""Playing the traffic minute by minute, and keeping the series the report is drawn from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from icscaler_cli.demo.look_log import LoggedChange, LookLog
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.watch import Watch
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.simulate.places import Copies, copies_of
from icscaler_sim.traces.trace import Arrivals, Trace
from icscaler_sim.world.world import World

MINUTE_S = 60
SETTLE_S = 120
"""After the last arrival: longer than anybody waits, so that every request has met its fate."""


@dataclass(slots=True)
class ModelSeries:
    """One value a minute; see `icscaler_sim.report.ModelRun`."""

    demand_rps: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)


@dataclass(slots=True)
class EndpointSeries:
    """One value a minute: GPUs held by copies, GPUs of billed instances, the most instances."""

    gpus_in_use: list[float] = field(default_factory=list)
    gpu_capacity: list[float] = field(default_factory=list)
    instances: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Recording:
    """All that was seen while playing."""

    start_s: int
    minutes: int = 0
    models: dict[str, ModelSeries] = field(default_factory=dict)
    endpoints: dict[str, EndpointSeries] = field(default_factory=dict)
    gpu_seconds: float = 0.0
    instance_seconds: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Minute:
    """What the live view shows of a minute that was just played."""

    number: int
    at_s: int
    copies: Mapping[str, Copies]
    demand_rps: dict[str, float]
    changes: Sequence[LoggedChange]
    gpus_in_use: float
    gpu_capacity: float


OnMinute = Callable[[Minute], None]


class Arriving:
    """Lets a trace's requests arrive, bin after bin; its second 0 is at `start_s`."""

    def __init__(self, world: World, trace: Trace, start_s: int) -> None:
        self._world = world
        self._start_s = start_s
        self._bins = trace.iter_bins()
        self._pending = next(self._bins, None)

    def until(self, end_s: int) -> dict[str, int]:
        """All bins that start before second `end_s` and were not yet sent: requests by model."""
        sent: dict[str, int] = {}
        while self._pending is not None and self._pending[0] < end_s:
            self._arrive(*self._pending, sent)
            self._pending = next(self._bins, None)
        return sent

    def _arrive(
        self, t_start_s: int, width_s: int, arrivals: list[Arrivals], sent: dict[str, int]
    ) -> None:
        start_s = self._start_s + t_start_s
        for name, requests, tokens_in, tokens_out in arrivals:
            sent[name] = sent.get(name, 0) + requests
            self._world.arrive(
                name,
                requests,
                start_s,
                start_s + width_s,
                input_tokens=tokens_in / requests,
                output_tokens=tokens_out / requests,
            )


class Player:
    """Plays one scenario on one stage."""

    def __init__(self, cloud: LocalCloud, scenario: Scenario, log: LookLog, watch: Watch) -> None:
        self._cloud = cloud
        self._scenario = scenario
        self._counted: dict[str, int] = {}
        self._gpu_seconds: dict[str, float] = {}
        self._instance_gpu_seconds: dict[str, float] = {}
        self._log = log
        self._watch = watch
        self.recording = Recording(start_s=max(scenario.start_s, next_minute(cloud.clock.now_s)))

    def play(self, on_minute: OnMinute) -> Recording:
        """All minutes of the traffic, then some for the last requests to end."""
        cloud, recording = self._cloud, self.recording
        cloud.run_until(recording.start_s)
        before_gpu_s = cloud.world.tally.gpu_seconds()
        before_instance_s = dict(cloud.world.tally.instance_seconds())
        self._begin()
        arriving = Arriving(cloud.world, self._scenario.trace, recording.start_s)
        for minute in range(self._scenario.duration_s // MINUTE_S):
            end_s = (minute + 1) * MINUTE_S
            demand = arriving.until(end_s)
            cloud.run_until(recording.start_s + end_s)
            on_minute(self._sample(minute, demand))
        recording.gpu_seconds = cloud.world.tally.gpu_seconds() - before_gpu_s
        recording.instance_seconds = {
            key: seconds - before_instance_s.get(key, 0.0)
            for key, seconds in cloud.world.tally.instance_seconds().items()
        }
        cloud.run_for(SETTLE_S)
        return recording

    def _begin(self) -> None:
        for name in self._scenario.shapes:
            self.recording.models[name] = ModelSeries()
            self._gpu_seconds[name] = self._cloud.world.tally.gpu_seconds(name)
        for name in self._scenario.fleet.endpoints:
            self.recording.endpoints[name] = EndpointSeries()
        self._instance_gpu_seconds = self._instance_gpus()

    def _sample(self, minute: int, demand: dict[str, int]) -> Minute:
        recording, cloud = self.recording, self._cloud
        recording.minutes = minute + 1
        at_s = recording.start_s + (minute + 1) * MINUTE_S
        views = copies_there(cloud.world, recording.models)
        held = self._sample_models(views, demand)
        capacity = self._sample_endpoints(held)
        self._watch.minute(views, at_s)
        return Minute(
            number=minute + 1,
            at_s=at_s,
            copies=views,
            demand_rps={name: count / MINUTE_S for name, count in demand.items()},
            changes=self._log.read(),
            gpus_in_use=sum(held.values()),
            gpu_capacity=capacity,
        )

    def _sample_models(self, views: dict[str, Copies], demand: dict[str, int]) -> dict[str, float]:
        """Append a minute to every model's series; GPUs held by each, on average."""
        tally = self._cloud.world.tally
        held = {}
        for name, series in self.recording.models.items():
            counts = tally.requests(name)
            lost = counts.late + counts.refused
            gpu_seconds = tally.gpu_seconds(name)
            held[name] = (gpu_seconds - self._gpu_seconds[name]) / MINUTE_S
            series.demand_rps.append(demand.get(name, 0) / MINUTE_S)
            series.lost.append(lost - self._counted.get(name, 0))
            series.held.append(held[name] / self._scenario.shapes[name].gpus)
            series.ready.append(views[name].current if name in views else 0)
            self._counted[name], self._gpu_seconds[name] = lost, gpu_seconds
        return held

    def _sample_endpoints(self, held: dict[str, float]) -> float:
        """Append a minute to every endpoint's series; GPUs of billed instances, on average."""
        billed = self._instance_gpus()
        for name, series in self.recording.endpoints.items():
            before = self._instance_gpu_seconds.get(name, 0.0)
            models = self._scenario.fleet.endpoints[name].models
            series.gpus_in_use.append(sum(held[model] for model in models))
            series.gpu_capacity.append((billed.get(name, 0.0) - before) / MINUTE_S)
        total = sum(billed.values()) - sum(self._instance_gpu_seconds.values())
        self._instance_gpu_seconds = billed
        return total / MINUTE_S

    def _instance_gpus(self) -> dict[str, float]:
        seconds: dict[str, float] = {}
        for (endpoint, _), spent in self._cloud.world.tally.instance_gpu_seconds().items():
            seconds[endpoint] = seconds.get(endpoint, 0.0) + spent
        return seconds


def copies_there(world: World, models: Iterable[str]) -> dict[str, Copies]:
    """Copies of those models that exist, as SageMaker shows them."""
    there = {view.name for view in world.components()} | world.aliases.keys()
    return {name: copies_of(world, name) for name in models if name in there}


def next_minute(now_s: float) -> int:
    """The first whole minute from now on."""
    return -int(-now_s // MINUTE_S) * MINUTE_S
