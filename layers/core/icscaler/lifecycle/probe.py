"""Probes: does a model answer as it should? Requests, and what is expected of the replies."""

import json
from collections.abc import Iterator, Sequence

import jmespath

from icscaler.lifecycle.ports import Reply, Requests
from icscaler.rollout.entities import Probe

OK = 200


def send(
    requests: Requests, endpoint: str, component: str, probe: Probe, variant: str | None = None
) -> tuple[Reply, ...]:
    """All requests of a probe, one after the other; after one that failed no more are sent.

    `variant`: of a single-model variant, which has no component.
    """
    replies: list[Reply] = []
    for _ in range(probe.requests):
        payload = probe.payload.encode()
        replies.append(requests.send(endpoint, component, payload, probe.content_type, variant))
        if replies[-1].status != OK:
            break
    return tuple(replies)


def problems(probe: Probe, replies: Sequence[Reply]) -> tuple[str, ...]:
    """What is wrong with the replies; nothing: the model answers as it should."""
    return tuple(dict.fromkeys(_problems(probe, replies)))


def _problems(probe: Probe, replies: Sequence[Reply]) -> Iterator[str]:
    for reply in replies:
        if reply.status != OK:
            yield reply.problem or f"the model answered with status {reply.status}"
            continue
        if probe.max_latency_s is not None and reply.latency_s > probe.max_latency_s:
            yield (
                f"the answer took {reply.latency_s:.2f} s, more than the {probe.max_latency_s:g} s "
                "allowed"
            )
        yield from _unmet(probe, reply.body)


def _unmet(probe: Probe, body: bytes) -> Iterator[str]:
    if not probe.expect:
        return
    try:
        answer = json.loads(body)
    except ValueError:
        yield "the answer is not JSON"
        return
    for expectation in probe.expect:
        found = jmespath.search(expectation.path, answer)
        if found is None:
            yield f"the answer has no {expectation.path}"
        elif not expectation.any and found != expectation.equals:
            yield (
                f"{expectation.path} is {json.dumps(found)}, not {json.dumps(expectation.equals)}"
            )
