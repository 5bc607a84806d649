"""From what a user names (policies, `POLICY.KNOB=VALUE,...`, seeds) to the runs to make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from icscaler_sim.baselines import Value
from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.simulate.policies import (
    BOUNDS,
    ICSCALER,
    NAMES,
    SWITCHES,
    Job,
    documented,
    knobs_of,
    nearest,
    outline,
)

MOST_RUNS = 500
_FORM = "write POLICY.KNOB=VALUE or KNOB=VALUE; several values with commas are several runs"
_SETTING = re.compile(r"(?:([a-z0-9-]+)\.)?([a-z][a-z0-9_]*)=(.+)")
_WORDS: Mapping[str, Value] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True, slots=True)
class Setting:
    """Values for a knob of one policy, or of every chosen one that has it (`policy` None)."""

    policy: str | None
    knob: str
    values: tuple[Value, ...]


def read_setting(text: str) -> Setting:
    """`keep-alive.keep_s=600,1200` or `headroom=1.2`. Raises `SimulationError`."""
    parts = _SETTING.fullmatch(text.strip())
    if parts is None:
        raise SimulationError(f"the setting '{text}' cannot be read", _FORM)
    values = [part.strip() for part in parts[3].split(",")]
    if not all(values):
        raise SimulationError(f"the setting '{text}' has an empty value", _FORM)
    if parts[1] is not None:
        known_policy(parts[1])
    return Setting(parts[1], parts[2], tuple(_value(part) for part in values))


def known_policy(name: str) -> str:
    """The name again. Raises `SimulationError` for one that nobody has."""
    if name not in NAMES:
        raise SimulationError(f"there is no policy '{name}'", nearest(name, NAMES))
    return name


def all_policies() -> list[tuple[str, Mapping[str, Value]]]:
    """Every policy with its defaults, and once more as documented where that is less kind."""
    found: list[tuple[str, Mapping[str, Value]]] = []
    for name in NAMES:
        found.append((name, {}))
        if documented(name):
            found.append((name, documented(name)))
    return found


def jobs_of(
    policies: Sequence[tuple[str, Mapping[str, Value]]],
    settings: Sequence[Setting],
    *,
    sweep: bool = False,
    seeds: Sequence[int] = (0,),
    check_every: int = 0,
    keep_timeline: bool = False,
) -> list[Job]:
    """One run for each policy, combination of values and seed; none twice.

    `sweep`: also every other value of each knob by itself. Bounds draw nothing and are computed
    once, whatever the seeds. Raises `SimulationError`.
    """
    _check_used([name for name, _ in policies], settings)
    jobs: list[Job] = []
    seen: set[tuple[object, ...]] = set()
    for name, given in policies:
        for values in _combinations(name, given, settings, sweep=sweep):
            for seed in seeds[:1] if name in BOUNDS else seeds:
                key = (name, tuple(sorted((k, repr(v)) for k, v in values.items())), seed)
                if key not in seen:
                    seen.add(key)
                    jobs.append(_job(name, values, seed, check_every, keep_timeline))
    if len(jobs) > MOST_RUNS:
        raise SimulationError(
            f"that is {len(jobs):,} runs, more than {MOST_RUNS}",
            "give fewer values or policies; large sweeps are split into several commands",
        )
    return jobs


def _job(
    name: str, values: Mapping[str, Value], seed: int, check_every: int, keep_timeline: bool
) -> Job:
    ours = name == ICSCALER
    switches = {key: _switch(key, values) for key in SWITCHES if ours and key in values}
    own = {key: value for key, value in values.items() if key not in switches}
    return Job(
        name,
        own,
        seed,
        check_every=check_every if ours else 0,
        keep_timeline=keep_timeline,
        **switches,
    )


def _switch(key: str, values: Mapping[str, Value]) -> bool:
    value = values[key]
    if not isinstance(value, bool):
        raise SimulationError(f"{ICSCALER}: {key} cannot be {value!r}", "give it true or false")
    return value


def _combinations(
    name: str, given: Mapping[str, Value], settings: Sequence[Setting], *, sweep: bool
) -> Iterator[dict[str, Value]]:
    mine = [one for one in settings if _meant(one, name)]
    grid = [[(one.knob, value) for value in one.values] for one in mine]
    bases: Iterable[Mapping[str, Value]] = [given]
    if sweep:
        bases = [given, *({**one, **given} for one in outline(name))]
    usual = {knob.name: knob.default for knob in knobs_of(name)}
    for base in bases:
        for chosen in product(*grid):
            # Written out, so that a default that is given is not a run of its own.
            yield {**usual, **base, **dict(chosen)}


def _meant(setting: Setting, name: str) -> bool:
    if setting.policy is not None:
        return setting.policy == name
    # What icscaler has depends on the fleet: its settings are always given by its name.
    if name == ICSCALER:
        return setting.knob in SWITCHES
    return any(knob.name == setting.knob for knob in knobs_of(name))


def _check_used(names: Sequence[str], settings: Sequence[Setting]) -> None:
    for one in settings:
        if one.policy is not None and one.policy not in names:
            raise SimulationError(
                f"a setting is for {one.policy}, which is not among the policies to run",
                f"add --policy {one.policy}, or take the setting away",
            )
        if not any(_meant(one, name) for name in names):
            with_it = [name for name in NAMES if _meant(one, name)]
            remedy = (
                f"{', '.join(with_it)} would have it"
                if with_it
                else (
                    f"settings of {ICSCALER} are given by its name: {ICSCALER}.{one.knob}=VALUE; "
                    "--list-policies shows all knobs"
                )
            )
            raise SimulationError(f"none of the policies has a knob '{one.knob}'", remedy)


def _value(text: str) -> Value:
    """A number, true, false, none, or a word."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
