"""Proof: what was asked for is deployed, nothing failed, the copies are as before, probes pass.

`InService` proves nothing: an update that SageMaker rolled back ends there too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from icscaler.rollout.entities import Deployed, Job, Probe, Specification
from icscaler.rollout.specification import differences
from icscaler.rollout_steps.ports import Prober


@dataclass(frozen=True, slots=True)
class Finding:
    """`proven`, `restored` (the version before is there), `wait` for copies, or `other`."""

    verdict: Literal["proven", "restored", "wait", "other"]
    text: str = ""


def examine(job: Job, seen: Deployed, target: Specification, source: Specification) -> Finding:
    """What a component that is no longer updating shows."""
    if differences(target, seen.specification):
        if not differences(source, seen.specification):
            why = seen.failure_reason or "no reason given"
            return Finding("restored", f"SageMaker rolled it back: {why}")
        paths = ", ".join(differences(target, seen.specification))
        return Finding("other", f"another specification is deployed: {paths}")
    if seen.failure_reason:
        return Finding("other", f"deployed, but SageMaker says: {seen.failure_reason}")
    copies = job.copies_before
    if copies is not None and not job.woken and seen.desired_copies != copies:
        return Finding("other", f"it has {seen.desired_copies} copies and had {copies}")
    if seen.current_copies < seen.desired_copies:
        return Finding("wait", f"{seen.current_copies} of {seen.desired_copies} copies serve")
    return Finding("proven")


def probe(prober: Prober, endpoint: str, component: str, probes: tuple[Probe, ...]) -> str:
    """What the first probe that fails has to say; empty when all pass."""
    for number, each in enumerate(probes, start=1):
        answer = prober.ask(endpoint, component, each.body, each.content_type)
        if answer.status is None or not 200 <= answer.status < 300:
            got = "no answer" if answer.status is None else f"status {answer.status}"
            return f"probe {number}: {got}: {answer.body[:200]}"
        if answer.seconds > each.max_latency_s:
            bound = each.max_latency_s
            return f"probe {number}: took {answer.seconds:.1f} s, more than {bound:g} s"
        if each.expect is not None and not _contains(answer.body, each.expect):
            return f"probe {number}: the answer lacks {json.dumps(each.expect)}"
    return ""


def _contains(body: str, expect: Mapping[str, Any]) -> bool:
    try:
        return _within(json.loads(body), expect)
    except ValueError:
        return False


def _within(found: Any, expect: Any) -> bool:
    """Whether all of `expect` is in `found`, mapping by mapping; lists and values are equal."""
    if isinstance(expect, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and _within(found[key], value) for key, value in expect.items()
        )
    return bool(found == expect)
