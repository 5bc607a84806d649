"""The record of rolling updates: a partition for each, and one that lists them all.

| pk | sk | what | written by |
|---|---|---|---|
| `rollout#<id>` | `header` | rollout (packed), version, execution | its execution's steps |
| `rollout#<id>` | `job#<component>` | job (packed) | its own steps; starts: the rollout's |
| `rollout#<id>` | `control` | paused, aborted, approved, by, reason, token, question | people |
| `rollouts` | `<id>` | status, started_s, execution, active | the rollout's steps |
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from icscaler.adapters import codec
from icscaler.adapters.dynamodb.table import Item, TableItems
from icscaler.ports import PortError
from icscaler.rollout.entities import Control, Job, Rollout
from icscaler.rollout_steps.ports import ConflictError, Kept, Listed

T = TypeVar("T")

ALL = "rollouts"
KEPT_S = 400 * 86_400


class RolloutItems(TableItems):
    """`rollout_steps.ports.Records` on the state table."""

    def create(self, rollout: Rollout, execution: str, jobs: Sequence[Job]) -> Kept:
        rollout_id = rollout.request.rollout_id
        expires_at_s = rollout.started_s + KEPT_S
        # Jobs first: a header that is there is whole. A second start leaves the first one's jobs.
        if self._table.get(_pk(rollout_id), "header") is None:
            self._table.write_all([_job_item(rollout_id, job) for job in jobs])
        item: Item = {
            "pk": _pk(rollout_id),
            "sk": "header",
            "rollout": codec.pack(rollout),
            "version": 1,
            "execution": execution,
            "expires_at_s": expires_at_s,
        }
        self._table.put(item, "attribute_not_exists(version)")
        found = self.rollout(rollout_id)
        if found is None:
            raise PortError(f"state table: rollout {rollout_id} vanished while it was created")
        if found.execution == execution:
            self._list(found, active=True)
        return found

    def rollout(self, rollout_id: str) -> Kept | None:
        item = self._table.get(_pk(rollout_id), "header")
        if item is None:
            return None
        return Kept(_unpacked(item, "rollout", Rollout), int(item["version"]), item["execution"])

    def save(self, kept: Kept, rollout: Rollout) -> Kept:
        rollout_id, following = rollout.request.rollout_id, kept.version + 1
        data = codec.pack(rollout)
        update = self._table.update(
            _pk(rollout_id),
            "header",
            "SET rollout = :rollout, version = :next",
            {":rollout": data, ":next": following, ":now": kept.version},
            condition="version = :now",
        )
        lost_reply = update.item.get("version") == following and update.item.get("rollout") == data
        if not update.done and not lost_reply:
            raise ConflictError(f"state table: rollout {rollout_id} was changed meanwhile")
        saved = Kept(rollout, following, kept.execution)
        if rollout.status is not kept.rollout.status:
            self._list(saved, active=True)
        return saved

    def close(self, kept: Kept) -> None:
        """Nothing is held any more: the sweeper need not look at it again."""
        self._list(kept, active=False)

    def _list(self, kept: Kept, *, active: bool) -> None:
        rollout = kept.rollout
        item: Item = {
            "pk": ALL,
            "sk": rollout.request.rollout_id,
            "status": str(rollout.status),
            "started_s": rollout.started_s,
            "execution": kept.execution,
            "active": active,
            "expires_at_s": rollout.started_s + KEPT_S,
        }
        self._table.put(item)

    def listed(self, *, active: bool) -> tuple[Listed, ...]:
        found = [
            Listed(item["sk"], item["status"], int(item["started_s"]), item["execution"])
            for item in self._table.query(ALL)
            if item["active"] or not active
        ]
        return tuple(sorted(found, key=lambda one: one.started_s))

    def jobs(self, rollout_id: str) -> dict[str, Job]:
        items = self._table.query(_pk(rollout_id), "job#")
        jobs = [_unpacked(item, "job", Job) for item in items]
        return {job.component: job for job in jobs}

    def job(self, rollout_id: str, component: str) -> Job | None:
        item = self._table.get(_pk(rollout_id), f"job#{component}")
        return None if item is None else _unpacked(item, "job", Job)

    def save_job(self, rollout_id: str, job: Job) -> None:
        self._table.write_all([_job_item(rollout_id, job)])

    # ------------------------------------------------------------ people

    def control(self, rollout_id: str) -> Control:
        item = self._table.get(_pk(rollout_id), "control") or {}
        return Control(
            paused=bool(item.get("paused", False)),
            aborted=bool(item.get("aborted", False)),
            approved=tuple(sorted(int(number) for number in item.get("approved", ()))),
            by=item.get("by", ""),
            reason=item.get("reason", ""),
        )

    def pause_rollout(self, rollout_id: str, paused: bool, by: str) -> None:
        """From the next component on nothing starts, or does again."""
        change, values = "SET paused = :paused, #by = :by", {":paused": paused, ":by": by}
        self._decide(rollout_id, change, values, {"#by": "by"})

    def abort_rollout(self, rollout_id: str, by: str, reason: str) -> None:
        """What was updated is to be rolled back."""
        change = "SET aborted = :yes, #by = :by, reason = :reason"
        values = {":yes": True, ":by": by, ":reason": reason}
        self._decide(rollout_id, change, values, {"#by": "by"})

    def approve_waves(self, rollout_id: str, waves: Sequence[int], by: str) -> None:
        """Waves (counted from 1) that may start."""
        values = {":by": by, ":waves": frozenset(str(number) for number in waves)}
        added = " ADD approved :waves"
        self._decide(rollout_id, "SET #by = :by", values, {"#by": "by"}, added)

    def put_token(self, rollout_id: str, token: str, question: str) -> None:
        change, values = "SET #token = :token, question = :q", {":token": token, ":q": question}
        self._decide(rollout_id, change, values, {"#token": "token"})

    def _decide(
        self,
        rollout_id: str,
        change: str,
        values: dict[str, Any],
        names: dict[str, str],
        added: str = "",
    ) -> None:
        """Write to the control item, which is kept as long as the rollout's own."""
        found = self.rollout(rollout_id)
        if found is None:
            raise PortError(f"state table: there is no rollout {rollout_id}")
        self._table.update(
            _pk(rollout_id),
            "control",
            f"{change}, expires_at_s = :expires{added}",
            {**values, ":expires": found.rollout.started_s + KEPT_S},
            names=names,
        )

    def token(self, rollout_id: str) -> str | None:
        item = self._table.get(_pk(rollout_id), "control") or {}
        token = item.get("token")
        return str(token) if token else None


def _pk(rollout_id: str) -> str:
    return f"rollout#{rollout_id}"


def _job_item(rollout_id: str, job: Job) -> Item:
    item: Item = {"pk": _pk(rollout_id), "sk": f"job#{job.component}", "job": codec.pack(job)}
    if since_s := max(job.made_s, job.started_s or 0):
        item["expires_at_s"] = since_s + KEPT_S
    return item


def _unpacked(item: Item, name: str, kind: type[T]) -> T:
    try:
        return codec.unpack(item[name], kind)
    except codec.CodecError as error:
        raise PortError(f"state table: {item['pk']} / {item['sk']}: {error}") from error
