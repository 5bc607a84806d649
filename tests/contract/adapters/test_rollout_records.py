"""`rollout_steps.ports.Records` on the state table: versions, first starts, people, expiry."""

from dataclasses import replace
from typing import Any

import pytest

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.dynamodb.rollout_items import KEPT_S
from icscaler.adapters.dynamodb.table import Table
from icscaler.ports import PortError
from icscaler.rollout.entities import Job, JobPhase, Rollout, Status
from icscaler.rollout.plan import make_plan
from icscaler.rollout_steps.ports import ConflictError, Listed
from tests.contract.adapters.test_dynamodb import interposed
from tests.unit.rollout.sights import AT_S, component, request, sight

ASKED = request("a")
MADE = make_plan(ASKED, sight(component("a")))
ROLLOUT = Rollout(ASKED, replace(MADE, steps={}), started_s=AT_S)
JOB = Job("a", "shared", MADE.steps["a"], made_s=AT_S)
ID = ASKED.rollout_id


@pytest.fixture
def records(table: Table) -> DynamoStateStore:
    return DynamoStateStore(table)


def test_the_first_start_counts(records: DynamoStateStore) -> None:
    first = records.create(ROLLOUT, "execution-1", [JOB])
    other = replace(ROLLOUT, started_s=AT_S + 60)
    again = records.create(other, "execution-2", [replace(JOB, phase=JobPhase.STUCK)])
    assert again == first == records.rollout(ID)
    assert (again.execution, again.rollout) == ("execution-1", ROLLOUT)
    assert records.jobs(ID) == {"a": JOB}


def test_a_second_writer_is_refused(records: DynamoStateStore) -> None:
    kept = records.create(ROLLOUT, "execution-1", [JOB])
    saved = records.save(kept, replace(ROLLOUT, wave=1))
    with pytest.raises(ConflictError):
        records.save(kept, replace(ROLLOUT, wave=2))
    assert records.rollout(ID) == saved
    assert records.save(saved, replace(ROLLOUT, wave=2)).version == 3


def test_a_write_whose_reply_was_lost_is_no_conflict(
    records: DynamoStateStore, table_client: Any
) -> None:
    def twice(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        method(**arguments)
        return method(**arguments)

    kept = records.create(ROLLOUT, "execution-1", [JOB])
    saved = interposed(table_client, twice).save(kept, replace(ROLLOUT, wave=1))
    assert records.rollout(ID) == saved


def test_the_list_knows_what_still_holds_something(records: DynamoStateStore) -> None:
    kept = records.create(ROLLOUT, "execution-1", [JOB])
    assert records.listed(active=True) == (Listed(ID, "Running", AT_S, "execution-1"),)
    kept = records.save(kept, replace(ROLLOUT, status=Status.COMPLETED))
    assert [one.status for one in records.listed(active=True)] == ["Completed"]
    records.close(kept)
    assert records.listed(active=True) == ()
    assert [one.rollout_id for one in records.listed(active=False)] == [ID]


def test_jobs_are_kept_one_by_one(records: DynamoStateStore) -> None:
    records.create(ROLLOUT, "execution-1", [JOB, replace(JOB, component="b")])
    records.save_job(ID, replace(JOB, phase=JobPhase.UPDATED, started_s=AT_S + 5))
    assert {name: str(job.phase) for name, job in records.jobs(ID).items()} == {
        "a": "Updated",
        "b": "Waiting",
    }
    assert records.job(ID, "c") is None


def test_what_people_decide_adds_up(records: DynamoStateStore) -> None:
    records.create(ROLLOUT, "execution-1", [JOB])
    assert records.token(ID) is None
    records.put_token(ID, "token", "approve wave 2")
    records.approve_waves(ID, [2], "ada")
    records.approve_waves(ID, [3], "grace")
    records.pause_rollout(ID, True, "ada")
    records.abort_rollout(ID, "grace", "too slow")
    found = records.control(ID)
    assert (found.paused, found.aborted, found.approved) == (True, True, (2, 3))
    assert (found.by, found.reason, records.token(ID)) == ("grace", "too slow", "token")
    records.pause_rollout(ID, False, "ada")
    assert not records.control(ID).paused
    with pytest.raises(PortError, match="no rollout"):
        records.abort_rollout("another", "ada", "no such one")


def test_all_of_it_expires(records: DynamoStateStore, table: Table) -> None:
    records.create(ROLLOUT, "execution-1", [JOB])
    records.approve_waves(ID, [1], "ada")
    items = [*table.query(f"rollout#{ID}"), *table.query("rollouts")]
    assert {item["sk"]: item["expires_at_s"] for item in items} == dict.fromkeys(
        ("header", "control", "job#a", ID), AT_S + KEPT_S
    )
