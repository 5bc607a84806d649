"""A fleet's life through the deployed functions: diff, publish, roll back, schedules, groups."""

import json
from pathlib import Path

import pytest

from tests.e2e.rig import ENDPOINT, FLEET
from tests.e2e.rig import rig as open_rig
from tests.e2e.test_release import at_the_clock


def test_diff_publish_and_roll_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "next.yaml"
    file.write_text(FLEET + "  - {name: 'flows*', max_copies: 0}\n", "utf-8")
    with open_rig(tmp_path) as stage:
        operator = at_the_clock(stage, monkeypatch)
        stage.create_component("stranger")
        stage.play(12, flows=5, inline=5, blocks=5)

        said = operator.run(f"fleet diff {file}")
        assert said.exit_code == 0, said.output
        assert (
            "~ shared/flows: max_copies 8 -> 0; 1 copy, to 0 (RecentlyUsed 1, MaxCopies 0) "
            "instead of 1" in said.output
        )
        assert "would treat 1 model otherwise than now" in said.output
        assert "On shared but in no file, and left alone: stranger" in said.output
        found = json.loads(operator.run(f"fleet diff {file} --json").stdout)
        assert found["unmanaged"] == {ENDPOINT: ["stranger"]}
        assert {e["model"]: e["differs"] for e in found["effects"]} == {
            "blocks": False,
            "flows": True,
            "inline": False,
        }
        assert stage.copies("flows") == 1, "a diff changes nothing"

        first = found["in_force"]
        done = operator.run(f"fleet publish {file} --yes --expect {first}")
        assert done.exit_code == 0, done.output
        stage.play(2, flows=5)
        assert (stage.copies("flows"), stage.copies("stranger")) == (0, 1)
        assert "left alone: stranger" in operator.run("fleet show").output

        back = operator.run("fleet rollback --yes")
        assert back.exit_code == 0, back.output
        assert f"Version {first} is in force." in back.output
        stage.play(4, flows=5)
        assert stage.copies("flows") == 1
        listed = json.loads(operator.run("fleet versions --json").stdout)
        assert [one["in_force"] for one in listed] == [True, False]
        again = operator.run(f"fleet rollback {listed[1]['version']} --yes --expect {first}")
        assert again.exit_code == 0, again.output

        arn = stage.describe("stranger")["InferenceComponentArn"]
        tags = [{"Key": "scaled", "Value": "batch"}, {"Key": "scaled:max_copies", "Value": "2"}]
        stage.sagemaker.add_tags(ResourceArn=arn, Tags=tags)
        file.write_text(FLEET + "adoption: {tag: scaled}\n", "utf-8")
        adopted = operator.run(f"fleet publish {file} --yes")
        assert adopted.exit_code == 0, adopted.output
        assert "1 component with the tag scaled found" in adopted.output
        assert "+ shared/stranger: batch, 0 to 2 copies" in adopted.output
        stage.play(20)
        assert stage.copies("stranger") == 0, "unused, so unloaded like any other"


SCHEDULED = (
    FLEET.replace("[blocks, flows]}", "[blocks, flows], group: generators}")
    + """schedules:
  - name: hourly
    select: {name: inline}
    time_zone: Asia/Kolkata
    start: 0,30 * * * *
    lasts_s: 600
    min_copies: 3
"""
)


def test_a_group_wakes_as_one_and_a_schedule_is_ready_in_time(tmp_path: Path) -> None:
    with open_rig(tmp_path, SCHEDULED) as stage:
        stage.until(lambda: stage.copies("blocks") == 0)
        assert stage.copies("flows") == 0, "they go together"
        assert isinstance(stage.invoke("flows"), str), "refused, for want of a copy"
        stage.until(lambda: stage.copies("flows") == 1, limit_s=300)
        assert stage.copies("blocks") == 1
        (record,) = [
            one
            for one in stage.store.records(ENDPOINT, 0, int(stage.cloud.clock.now_s), "blocks")
            if one.to_copies == 1 and one.from_copies == 0
        ]
        assert record.steps[-1] == "Group 1 by flows"

        starts = 1800
        stage.until(lambda: stage.cloud.clock.now_s % starts < 60, step_s=15)
        assert stage.current("inline") == 3, "they serve when the window begins"
        stage.until(lambda: stage.copies("inline") == 1)
