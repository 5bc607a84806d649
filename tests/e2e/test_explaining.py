"""`icscaler status`, `explain` and `history` on the deployed controller, in virtual time.

One played hour is shared by all tests: they only read, those that change something come last.
"""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from icscaler_cli import clock
from icscaler_localcloud.gateway import ApiCall
from tests.e2e.rig import ENDPOINT, FLEET, ROOT, Rig
from tests.e2e.rig import rig as open_rig
from tests.unit.cli.shell import run

OBJECTIVE = FLEET.replace(
    "  - {name: [blocks, flows]}\n",
    """  - name: blocks
    owner: team-blocks
    policy: {objective: {}}
    concurrent_requests_per_copy: 8
  - {name: flows, observe: true}
""",
)


CALLS: list[ApiCall] = []


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Inline grew by target, blocks by the tournament, flows is observed and was set by hand."""
    folder: Path = tmp_path_factory.mktemp("explaining")
    with open_rig(folder, OBJECTIVE, KeepSnapshots="all") as stage:
        stage.cloud.gateway.listen(CALLS.append)
        stage.play(9, inline=3000, blocks=900)
        stage.sagemaker.update_inference_component_runtime_config(
            InferenceComponentName="flows", DesiredRuntimeConfig={"CopyCount": 2}
        )
        stage.play(5, inline=3000, blocks=900)
        yield stage


@pytest.fixture(autouse=True)
def at_the_clock(played: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(clock, "now_s", lambda: played.cloud.clock.now_s)


def as_json(*line: str) -> Any:
    result = run(*line, "--json")
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("history inline", " -> "),
        ("explain inline", "the same plan"),
        ("explain flows --look", "the same plan"),
    ],
)
def test_the_time_is_that_of_aws_s_replies(
    played: Rig, monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    """A local cloud's may be hours ahead of this machine's: until the first reply nobody knows."""
    asked = len(CALLS)
    now_s = played.cloud.clock.now_s
    monkeypatch.setattr(clock, "now_s", lambda: now_s if len(CALLS) > asked else now_s - 1e6)
    result = run(*line.split())
    assert result.exit_code == 0, result.output
    assert says in result.output


class TestStatus:
    def test_the_fleet_at_a_glance(self, played: Rig) -> None:
        result = run("status")
        assert result.exit_code == 0, result.output
        first = result.stdout.splitlines()[0]
        assert first.startswith("shared: InService, ")
        assert "looked " in first
        rows = {line.split()[0]: line for line in result.stdout.splitlines()[2:] if line.strip()}
        assert rows["inline"].split()[1] == str(played.copies("inline"))
        assert "1 to 8" in rows["inline"]
        assert "team-blocks" in rows["blocks"]
        assert "observed only, by the fleet file" in rows["flows"]

    def test_gpus_add_up(self, played: Rig) -> None:
        found = as_json("status")["endpoints"][ENDPOINT]
        seen = {one["name"]: one for one in found["models"]}
        assert found["gpus_held"] == sum(one["desired"] for one in seen.values())
        assert seen["flows"]["desired"] == played.copies("flows") == 2
        assert found["gpus"] == 8 * found["instances"]
        assert found["max_instances"] == 2
        assert found["gpu_price"] == 0.0

    def test_one_model_in_full(self, played: Rig) -> None:
        result = run("status", "--model", "blocks")
        assert "blocks (interactive, team-blocks)" in result.stdout
        assert "reason   the traffic it saves is worth its GPUs" in result.stdout
        assert "inline" not in result.stdout

    def test_an_unknown_name(self) -> None:
        result = run("status", "--model", "inlin")
        assert result.exit_code == 1
        assert "did you mean inline?" in result.stderr


class TestExplain:
    def test_the_same_plan_byte_for_byte(self) -> None:
        result = run("explain", "inline")
        assert result.exit_code == 0, result.output
        assert "the same plan, byte for byte" in result.stderr
        assert "It follows a target" in result.stderr

    def test_the_rules_that_carried_it(self, played: Rig) -> None:
        found = as_json("explain", "blocks", "--rules", "60")
        assert found["answer"] == "same"
        vote = found["recomputed"]["tournament"]
        assert vote["copies"] == found["recomputed"]["recommended_copies"]
        rules = vote["level_rules"]
        assert sum(one["weight"] for one in rules) == pytest.approx(1)
        assert min(vote["costs_more"].values()) == 0
        (record,) = [
            r for r in played.records() if r.component == "blocks" and r.outcome == "Accepted"
        ][-1:]
        assert record.rules[0].startswith(rules[0]["rule"])
        table = run("explain", "blocks").stdout
        assert rules[0]["rule"] in table
        assert "The cheapest rule wants" in table

    def test_a_time_before_and_the_look_itself(self, played: Rig) -> None:
        records = [r for r in played.records() if r.component == "inline"]
        first = as_json("explain", "inline", "--at", str(records[0].at_s))
        assert first["record"]["to_copies"] == records[0].to_copies
        look = as_json("explain", "inline", "--look")
        assert look["record"] is None
        assert look["answer"] == "same"
        assert look["recomputed"]["desired_copies"] == played.copies("inline")

    def test_before_everything_there_is_nothing(self) -> None:
        result = run("explain", "inline", "--at", "30d")
        assert result.exit_code == 1
        assert "no record of a change of inline" in result.stderr

    @pytest.mark.parametrize("line", ["explain nosuch", "history nosuch"])
    def test_an_unknown_model(self, line: str) -> None:
        result = run(*line.split())
        assert result.exit_code == 1
        assert "no such model in the published fleet: nosuch" in result.stderr

    def test_another_core_is_refused_unless_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "icscaler.adapters.core_version.core_version", lambda: "0123456789abcdef"
        )
        refused = run("explain", "blocks")
        assert refused.exit_code == 4
        assert "decided by other code" in refused.stderr
        assert "weight" not in refused.stdout
        anyway = run("explain", "blocks", "--other-core")
        assert anyway.exit_code == 4
        assert "weight" in anyway.stdout


def test_no_function_calls_anything_that_would_change_an_observed_model(played: Rig) -> None:
    """Refused before any call: flows was set by hand once, by nobody else, whatever was decided."""
    writes = [
        call
        for call in CALLS
        if call.service == "sagemaker" and call.operation.startswith(("Update", "Delete", "Create"))
    ]
    by_functions = [call for call in writes if call.principal is not None]
    assert by_functions  # inline and blocks were scaled
    assert [call for call in by_functions if b'"flows"' in call.request.body] == []
    wishes = {r.to_copies for r in played.records() if r.component == "flows"}
    assert wishes
    assert {r.outcome for r in played.records() if r.component == "flows"} == {"Observed"}


class TestHistory:
    def test_who_changed_what(self, played: Rig) -> None:
        result = run("history", "flows")
        assert result.exit_code == 0, result.output
        assert "first seen" in result.stdout
        assert "somebody else" in result.stdout
        assert "icscaler, observing" in result.stdout
        assert played.calls("UpdateInferenceComponentRuntimeConfig") > 0
        ours = [entry for entry in as_json("history", "inline") if entry["by"] == "icscaler"]
        assert [one["to_copies"] for one in ours if one["outcome"] == "Accepted"][-1] == (
            played.copies("inline")
        )

    def test_nothing_in_that_time(self) -> None:
        result = run("history", "inline", "--from", "30d", "--to", "29d")
        assert result.exit_code == 0
        assert "Nothing changed inline" in result.stderr

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("history inline --from yesterday", "--from yesterday: no such time"),
            ("history inline --from 1h --to 2h", "is not before"),
            ("explain inline --at 25:00", "--at 25:00: no such time"),
        ],
    )
    def test_times_that_mean_nothing(self, line: str, says: str) -> None:
        result = run(*line.split())
        assert result.exit_code == 2
        assert says in result.stderr


def test_the_kill_switch_without_this_command_line(played: Rig) -> None:
    """The plain `aws dynamodb` call of docs/operations.md, and back with the command."""
    text = (ROOT / "docs/operations.md").read_text("utf-8").replace("\\\n", " ")
    (line,) = [one for one in text.splitlines() if one.startswith("aws dynamodb update-item")]
    words = shlex.split(line)[3:]
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert given["--table-name"] == "TABLE"
    played.cloud.client("dynamodb").update_item(
        TableName=played.stack.outputs["StateTableName"],
        Key=json.loads(given["--key"]),
        UpdateExpression=given["--update-expression"],
        ConditionExpression=given["--condition-expression"],
        ExpressionAttributeValues=json.loads(given["--expression-attribute-values"]),
    )
    before = played.calls("UpdateInferenceComponentRuntimeConfig")
    played.play(4)  # without traffic copies would leave
    assert played.calls("UpdateInferenceComponentRuntimeConfig") == before
    said = run("status")
    assert "Paused now: the whole fleet" in said.stderr
    assert "PAUSED" in said.stdout.splitlines()[0]
    assert as_json("status")["paused"] is True
    assert run("resume", "--fleet").exit_code == 0
    played.play(4)
    assert played.calls("UpdateInferenceComponentRuntimeConfig") > before


def test_an_expired_snapshot_is_said(played: Rig) -> None:
    record = [r for r in played.records() if r.component == "inline"][-1]
    dynamodb = played.cloud.client("dynamodb")
    key = {"pk": {"S": f"snapshot#{ENDPOINT}"}, "sk": {"S": f"{record.at_s:010d}#000"}}
    dynamodb.delete_item(TableName=played.stack.outputs["StateTableName"], Key=key)
    result = run("explain", "inline")
    assert result.exit_code == 4
    assert "never kept, or has expired" in result.stderr
    assert f"{record.from_copies} -> {record.to_copies} copies" in result.stdout
