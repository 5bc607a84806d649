"""The first step of a retirement: may it go, and who goes with it?"""

from collections.abc import Sequence

from icscaler.lifecycle.ports import ComponentFacts
from icscaler.lifecycle.run import RUNNING, Answer, RefusedError, Run, ready
from icscaler.onboarding.record import WORKFLOW as ONBOARDING
from icscaler.onboarding.record import Onboarding
from icscaler.ports import SeriesRequest
from icscaler.retirement.deps import Deps
from icscaler.retirement.record import WORKFLOW, Retire, Retirement
from icscaler.retirement.steps import LOOK_S

MINUTE_S = 60
STEPS = 3
SPARE_ROUNDS = 30


def plan(run: Run, asked: Retire, deps: Deps, at_s: int) -> Answer:
    """Decide once; a repetition finds what was put down. A second retirement goes on where the
    first one ended."""
    before, version = deps.store.read_workflow(WORKFLOW, asked.component, Retirement)
    if before is not None and before.run == run.name:
        return _answer(before, asked)
    _refuse_company(before, deps)
    facts = deps.works.component(asked.component)
    record = Retirement(asked.component, run.name, run.arn, at_s, "", phase_s=at_s)
    if facts is not None:
        _from_facts(record, facts, asked, deps, at_s)
    elif before is not None:
        # It is gone already: what was kept for it still has to go.
        record.endpoint, record.adapters = before.endpoint, before.adapters
        record.sagemaker_model, record.removed = before.sagemaker_model, before.removed
    else:
        record.endpoint = deps.store.endpoint_of(asked.component) or ""
        if not record.endpoint:
            raise RefusedError(
                f"there is no component {asked.component}, and nothing is left of one"
            )
    deps.store.write_workflow(WORKFLOW, asked.component, record, version, at_s)
    return _answer(record, asked)


def _answer(record: Retirement, asked: Retire) -> Answer:
    """With how often the state machine may ask again before something must be wrong."""
    first = f"after its adapters {', '.join(record.adapters)}" if record.adapters else "alone"
    return ready(
        f"{record.component} leaves endpoint {record.endpoint} {first}",
        rounds=STEPS * asked.patience_s // LOOK_S + SPARE_ROUNDS,
    )


def _refuse_company(before: Retirement | None, deps: Deps) -> None:
    """Two workflows must not work on one component."""
    if before is None:
        return
    if before.open and before.arn and deps.executions.status(before.arn) == RUNNING:
        raise RefusedError(f"{before.component} is being retired by execution {before.run}")


def _from_facts(
    record: Retirement, facts: ComponentFacts, asked: Retire, deps: Deps, at_s: int
) -> None:
    onboarding, _ = deps.store.read_workflow(ONBOARDING, facts.name, Onboarding)
    being_onboarded = onboarding is not None and onboarding.open and onboarding.arn
    if (
        onboarding is not None
        and being_onboarded
        and deps.executions.status(onboarding.arn) == RUNNING
    ):
        raise RefusedError(
            f"{facts.name} is being onboarded by execution {onboarding.runs[-1]}; stop it first"
        )
    if deps.endpoints.scalable_targets([facts.name]):
        raise RefusedError(
            f"Application Auto Scaling owns the copies of {facts.name} and would bring them back; "
            "deregister its scalable target first"
        )
    record.endpoint, record.is_adapter = facts.endpoint, facts.base is not None
    record.sagemaker_model = facts.model if asked.sagemaker_model else None
    record.adapters = () if record.is_adapter else _adapters(facts, deps, at_s)
    if record.adapters and not asked.adapters:
        raise RefusedError(
            f"adapters are loaded into {facts.name}: {', '.join(record.adapters)}; retire them "
            "first, or say `adapters: true`"
        )
    if not asked.force:
        _refuse_traffic([facts.name, *record.adapters], asked.quiet_s, deps, at_s)


def _adapters(base: ComponentFacts, deps: Deps, at_s: int) -> tuple[str, ...]:
    """An adapter reserves nothing; the list of components does not tell whose adapter it is."""
    listed = [one.name for one in deps.endpoints.list_components(base.endpoint)]
    views = deps.endpoints.describe_components(listed, at_s)
    maybe = [name for name in listed if (v := views.get(name)) is None or v.resources is None]
    found = (deps.works.component(name) for name in maybe if name != base.name)
    return tuple(sorted(one.name for one in found if one is not None and one.base == base.name))


def _refuse_traffic(names: Sequence[str], quiet_s: int, deps: Deps, at_s: int) -> None:
    start_s = (at_s - quiet_s) // MINUTE_S * MINUTE_S
    wanted = [SeriesRequest(n, start_s, concurrency=True, heartbeat=False) for n in names]
    minutes = deps.metrics.minutes(wanted, at_s)
    for name in names:
        if name not in minutes:
            raise RefusedError(f"the metrics of {name} can't be read now; `force: true` goes on")
        requests = sum(minute.invocations or 0 for minute in minutes[name])
        in_flight = max((m.concurrency_per_copy or 0 for m in minutes[name]), default=0)
        if requests or in_flight:
            raise RefusedError(
                f"{name} has traffic: {requests:g} requests in the last {quiet_s} s; wait until "
                "its clients have left, or say `force: true`"
            )
