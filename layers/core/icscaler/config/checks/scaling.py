"""How each model scales: what must be known of it, and what contradicts itself."""

from collections.abc import Iterator, Mapping

from icscaler.config.checks.case import Case
from icscaler.config.problems import Path, Problem
from icscaler.config.resolve import OBJECTIVE, TARGET_TRACKING, Key, Resolved

_METRIC: Key = ("policy", "target_tracking", "metric")
_TARGET: Key = ("policy", "target_tracking", "target_value")
# What has no built-in value, and a remedy to paste.
_REQUIRED: tuple[tuple[Key, str], ...] = (
    (("resources", "gpus"), "resources: {gpus: 1, memory_mb: 16384}"),
    (("resources", "memory_mb"), "resources: {gpus: 1, memory_mb: 16384}"),
    (("max_copies",), "max_copies: 4"),
)
_REQUIRED_BY: Mapping[Key, tuple[tuple[Key, str], ...]] = {
    OBJECTIVE: ((("concurrent_requests_per_copy",), "concurrent_requests_per_copy: 8"),),
    TARGET_TRACKING: (
        (_METRIC, "policy: {target_tracking: {metric: concurrency, target_value: 8}}"),
        (_TARGET, "policy: {target_tracking: {metric: concurrency, target_value: 8}}"),
    ),
}


def check(case: Case) -> Iterator[Problem]:
    """Everything about the scaling of single models."""
    for model in case.scaled:
        yield from _required(case, model)
        yield from _floor_and_ceiling(case, model)
        yield from _one_kind(case, model)
        yield from _target_value(case, model)
        yield from _spike_alarm(case, model)


def _required(case: Case, model: Resolved) -> Iterator[Problem]:
    required = (*_REQUIRED, *_REQUIRED_BY[model.policy_kind])
    missing = [
        (key, example)
        for key, example in required
        if key not in model.settings and not (model.single and key[0] == "resources")
    ]
    for example in dict.fromkeys(example for _, example in missing):
        keys = ", ".join(".".join(key) for key, one in missing if one == example)
        yield case.problem(
            model.path,
            f"nothing says {keys}",
            f"add it here, in a pattern, its class or `defaults`, like `{example}`"
            if "resources" not in keys
            else f"add it here, in a pattern or `defaults`, like `{example}`",
        )


def _floor_and_ceiling(case: Case, model: Resolved) -> Iterator[Problem]:
    floor = model.get("min_copies", default=0)
    ceiling = model.get("max_copies")
    if ceiling == 0 and model.single:
        return  # said by `checks.variants`
    if ceiling is not None and floor > ceiling:
        yield case.problem(
            _later(case, model.path_of("min_copies"), model.path_of("max_copies")),
            f"{model.name!r} has min_copies {floor} above max_copies {ceiling}",
            f"min_copies {_origin(case, model, 'min_copies')}, "
            f"max_copies {_origin(case, model, 'max_copies')}: raise one or lower the other",
        )
    elif model.get("protected", default=False) and floor == 0:
        yield case.problem(
            model.path_of("min_copies"),
            f"{model.name!r} is protected (class {model.get('class')!r}) but has no floor",
            "protection keeps the floor: set min_copies to 1 or more, or use another class",
        )
    yield from _idle(case, model, floor)


def _idle(case: Case, model: Resolved, floor: int) -> Iterator[Problem]:
    """An idle time that was stated for this model and decides nothing."""
    idle = model.settings.get(("idle_s",))
    if idle is None or idle.path is None or idle.path[0] not in ("models", "classes"):
        return
    if model.single:
        return  # its own entry may not say it at all (`checks.variants`), others mean components
    if model.policy_kind == OBJECTIVE:
        yield case.problem(
            model.path_of("idle_s"),
            f"{model.name!r} has the policy objective, which finds out by itself how long it stays",
            "take idle_s out; min_copies: 1 keeps it for ever",
            warning=True,
        )
    elif floor >= 1 and model.get("idle_s") != "never":
        yield case.problem(
            model.path_of("idle_s"),
            f"{model.name!r} never goes below its floor of {floor}, idle or not",
            "set min_copies to 0 to let it go to zero, or take idle_s out",
            warning=True,
        )


def _later(case: Case, *paths: Path) -> Path:
    """The one that stands last in the file: that is where the contradiction was written."""
    return max(paths, key=lambda path: (case.document.place(path).line, len(path)))


def _origin(case: Case, model: Resolved, *key: str) -> str:
    """Where a setting comes from, in words."""
    setting = model.settings.get(key)
    if setting is None or setting.path is None:
        return "is built in"
    return f"comes from line {case.document.place(setting.path).line}"


def _one_kind(case: Case, model: Resolved) -> Iterator[Problem]:
    """Of two kinds of policy in one place none is the later one."""
    for layer in model.layers:
        if OBJECTIVE in layer and TARGET_TRACKING in layer:
            path = layer[TARGET_TRACKING].path
            yield case.problem(
                model.path if path is None else path,
                f"two kinds of policy at once for {model.name!r}",
                "keep `objective` or `target_tracking`",
            )


def _target_value(case: Case, model: Resolved) -> Iterator[Problem]:
    """A target value is a number of its metric; it must not outlive a change of the metric."""
    if model.policy_kind != TARGET_TRACKING:
        return
    metric: str | None = None
    metric_of_target: str | None = None
    for layer in model.layers:
        metric = layer[_METRIC].value if _METRIC in layer else metric
        if _TARGET in layer:
            metric_of_target = metric
    if metric_of_target is not None and metric != metric_of_target:
        yield case.problem(
            model.path_of(*_METRIC),
            f"the metric becomes {metric}, but target_value {model.get(*_TARGET):g} was stated for "
            f"{metric_of_target}",
            "state the target_value for the new metric beside it",
        )


def _spike_alarm(case: Case, model: Resolved) -> Iterator[Problem]:
    if model.policy_kind != TARGET_TRACKING:
        return
    if model.get("spike_alarm", default=False) and model.get(*_METRIC) == "invocations":
        yield case.problem(
            _later(case, model.path_of("spike_alarm"), model.path_of(*_METRIC)),
            f"{model.name!r} has a spike alarm, but its policy follows invocations",
            "the alarm watches requests in flight, and target_value counts requests a minute: "
            "write `spike_alarm: false` for this model, or follow concurrency",
        )
