"""`icscaler release`, `pause`, `resume`, `look`: wrong usage, wrong places, no access.

What they do on a deployed controller: tests/e2e/test_release.py.
"""

import json

import boto3
import pytest

from tests.unit.cli.shell import TABLE, TEMPLATE, run

COMMANDS = [
    pytest.param(("release", "--all", "--yes"), id="release"),
    pytest.param(("pause", "--fleet"), id="pause"),
    pytest.param(("resume", "--fleet"), id="resume"),
    pytest.param(("adopt", "--all"), id="adopt"),
    pytest.param(("compare",), id="compare"),
    pytest.param(("status",), id="status"),
    pytest.param(("explain", "chat"), id="explain"),
    pytest.param(("history", "chat"), id="history"),
    pytest.param(("endpoint", "apply", "shared", "--yes"), id="endpoint apply"),
    pytest.param(("look",), id="look"),
]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("release", "name --all", id="nothing to release"),
        pytest.param("release --all --model a", "name --all, or", id="all and a name"),
        pytest.param("release --all --floor 0", "--floor", id="floor of nothing"),
        pytest.param("release --all --wait -1", "--wait", id="wait of less than nothing"),
        pytest.param(
            "release --all --alarm-prefix x/", "a stack tells it itself", id="prefix of a stack"
        ),
        pytest.param(
            "release --all --table t --alarm-prefix icscaler",
            "the prefix ends with /",
            id="prefix that others' alarms may have",
        ),
        pytest.param("release --all --table t --stack s", "exclude each other", id="two places"),
        pytest.param("pause", "nothing is named", id="pause nothing"),
        pytest.param("adopt", "name --all", id="adopt nothing"),
        pytest.param("adopt --all --model a", "name --all, or", id="adopt all and a name"),
        pytest.param("resume", "nothing is named", id="resume nothing"),
        pytest.param("pause --fleet --table t --stack s", "exclude each other", id="pause where"),
    ],
)
def test_wrong_usage(line: str, says: str) -> None:
    result = run(*line.split())
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.usefixtures("stack")
class TestWrongPlace:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_the_right_stack_in_the_wrong_region(self, command: tuple[str, ...]) -> None:
        result = run(*command, "--region", "eu-west-1")
        assert result.exit_code == 3
        assert "there is no such stack: stack icscaler in eu-west-1" in result.stderr

    @pytest.mark.parametrize("command", COMMANDS)
    def test_a_stack_of_something_else(self, command: tuple[str, ...]) -> None:
        template = json.dumps({**TEMPLATE, "Outputs": {}}).replace(TABLE, "other")
        boto3.client("cloudformation").create_stack(StackName="other", TemplateBody=template)
        result = run(*command, "--stack", "other")
        assert result.exit_code == 3
        assert "no output StateTableName" in result.stderr

    @pytest.mark.parametrize("command", COMMANDS[:-1])
    def test_a_table_that_is_not_there(self, command: tuple[str, ...]) -> None:
        result = run(*command, "--table", "nosuch")
        assert result.exit_code == 3
        assert "there is no such table: table nosuch" in result.stderr

    def test_nothing_published(self) -> None:
        assert run("look").exit_code == 0
        assert run("release", "--all", "--yes").exit_code == 0
        assert run("status").exit_code == 0
        for line in ("pause --fleet", "resume --fleet", "explain chat", "history chat"):
            result = run(*line.split())
            assert result.exit_code == 1
            assert "nothing is published" in result.stderr
        assert run("adopt", "--all").exit_code == 1
        assert run("compare").exit_code == 3

    def test_a_name_where_nothing_is_published(self) -> None:
        result = run("release", "--model", "chat", "--yes")
        assert result.exit_code == 1
        assert "no such model in the published fleet: chat" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
class TestNoAccess:
    def test_no_region(self, command: tuple[str, ...]) -> None:
        result = run(*command)
        assert result.exit_code == 3
        assert "no AWS Region" in result.stderr

    def test_no_credentials(self, command: tuple[str, ...]) -> None:
        result = run(*command, "--region", "us-east-1")
        assert result.exit_code == 3
        assert "no usable AWS credentials" in result.stderr

    def test_an_unknown_profile(self, command: tuple[str, ...]) -> None:
        result = run(*command, "--region", "us-east-1", "--profile", "nobody")
        assert result.exit_code == 3
        assert "nobody" in result.stderr
