"""Proof: what was asked for is deployed, nothing failed, the copies are as before, probes pass.

`InService` proves nothing: an update that SageMaker rolled back ends there too.
"""

from dataclasses import dataclass
from typing import Literal

from icscaler.lifecycle import probe as lifecycle_probe
from icscaler.lifecycle.ports import Requests
from icscaler.rollout.entities import Deployed, Job, Probe, Specification
from icscaler.rollout.specification import differences


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
    if job.step.adapter:  # the copies it shows are its base's
        return Finding("proven")
    copies = job.copies_before
    if copies is not None and not job.woken and seen.desired_copies != copies:
        return Finding("other", f"it has {seen.desired_copies} copies and had {copies}")
    if seen.current_copies < seen.desired_copies:
        return Finding("wait", f"{seen.current_copies} of {seen.desired_copies} copies serve")
    return Finding("proven")


def probe(requests: Requests, endpoint: str, component: str, probes: tuple[Probe, ...]) -> str:
    """What the first probe that fails has to say; empty when all pass."""
    for number, each in enumerate(probes, start=1):
        replies = lifecycle_probe.send(requests, endpoint, component, each)
        wrong = lifecycle_probe.problems(each, replies)
        if wrong:
            return f"probe {number}: {'; '.join(wrong)}"[:500]
    return ""
