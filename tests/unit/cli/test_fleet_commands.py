"""`icscaler fleet` as a new user meets it: right and wrong files, tables, regions, credentials."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.unit.cli.shell import TABLE, TEMPLATE, run

FLEET = """
version: 1
defaults:
  max_copies: 4
  resources: {gpus: 1, memory_mb: 20000}
  policy: {target_tracking: {metric: concurrency, target_value: 16}}
endpoints:
  shared: {variants: {AllTraffic: {instance_type: ml.g5.12xlarge, max_instances: 2}}}
models:
  - name: [chat, code]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, "utf-8")
    return path


def in_force() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("fleet", "show", "--json").stdout)
    return found


def test_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, "icscaler 0.1.0\n")


@pytest.mark.parametrize("command", ["demo", "fleet", "look", "pause", "release", "resume"])
def test_help_says_of_a_command_what_the_command_says_of_itself(command: str) -> None:
    listed = " ".join(run("--help").output.replace("│", " ").split())
    own_help = " ".join(run(command, "--help").output.split())
    usage = r"COMMAND \[ARGS\]\.\.\. |\[ENDPOINT\]\.\.\. "
    first_sentence = re.sub(f"^({usage})", "", own_help.partition("[OPTIONS] ")[2])
    assert f"{command} {first_sentence.partition('.')[0]}." in listed


def test_help_lists_the_commands() -> None:
    listed = run("fleet", "--help").output
    assert all(name in listed for name in ("validate", "publish", "show", "schema"))


def test_an_unknown_command_is_wrong_usage() -> None:
    assert run("fleet", "validte").exit_code == 2
    assert run("flet").exit_code == 2


class TestValidate:
    def test_a_right_file(self, file: Path) -> None:
        result = run("fleet", "validate", str(file))
        assert result.exit_code == 0
        assert "2 models on 1 endpoint, version" in result.stderr
        assert result.stdout == ""

    def test_a_wrong_file_names_place_and_remedy(self, file: Path) -> None:
        file.write_text(FLEET + "    max_copy: 3\n    class: critcal\n", "utf-8")
        result = run("fleet", "validate", str(file))
        assert result.exit_code == 1
        assert f"{file}:11:5: error: models[0].max_copy: unknown key" in result.stderr
        assert 'did you mean "max_copies"?' in result.stderr
        assert "1 error" in result.stderr

    def test_square_brackets_are_text_and_no_markup(self, file: Path) -> None:
        file.write_text(FLEET + "    owner: [red]\n", "utf-8")
        assert "models[0].owner: must be text" in run("fleet", "validate", str(file)).stderr

    def test_warnings_are_said_and_do_not_fail(self, file: Path) -> None:
        file.write_text(FLEET + "  - {name: 'x-*', class: batch}\n", "utf-8")
        result = run("fleet", "validate", str(file))
        assert result.exit_code == 0
        assert "is valid (1 warning)" in result.stderr

    def test_json_of_a_right_file(self, file: Path) -> None:
        result = run("fleet", "validate", "--json", str(file))
        found = json.loads(result.stdout)
        assert (found["valid"], found["problems"], len(found["version"])) == (True, [], 12)

    def test_json_of_a_wrong_file(self, file: Path) -> None:
        file.write_text(FLEET + "    max_copy: 3\n", "utf-8")
        result = run("fleet", "validate", "--json", str(file))
        (problem,) = json.loads(result.stdout)["problems"]
        assert result.exit_code == 1
        assert result.stderr == ""
        assert (problem["line"], problem["key"]) == (11, "models[0].max_copy")
        assert problem["severity"] == "error"

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        result = run("fleet", "validate", str(tmp_path / "flet.yaml"))
        assert result.exit_code == 1
        assert "cannot be read: no such file" in result.stderr

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        assert run("fleet", "validate", str(tmp_path)).exit_code == 1

    def test_an_expired_override_is_noticed(self, file: Path) -> None:
        override = "{select: {name: chat}, until: 2020-01-01T00:00:00Z, reason: old, paused: true}"
        file.write_text(FLEET + f"overrides: [{override}]\n", "utf-8")
        assert "has expired" in run("fleet", "validate", str(file)).stderr


def test_schema_is_the_one_in_the_documentation() -> None:
    documented = Path(__file__).parents[3] / "docs" / "fleet.schema.json"
    assert json.loads(run("fleet", "schema").stdout) == json.loads(documented.read_text("utf-8"))


@pytest.mark.usefixtures("stack")
class TestPublish:
    def test_first_publication_is_what_show_shows(self, file: Path) -> None:
        result = run("fleet", "publish", str(file), "--yes")
        assert result.exit_code == 0, result.output
        assert "+ shared/chat: interactive, 0 to 4 copies" in result.stderr
        found = in_force()
        assert found["version"] in result.stderr
        assert sorted(found["endpoints"]["shared"]["models"]) == ["chat", "code"]

    def test_show_for_people(self, file: Path) -> None:
        run("fleet", "publish", str(file), "--yes")
        result = run("fleet", "show", "--table", TABLE)
        assert result.exit_code == 0
        (chat,) = [line for line in result.stdout.splitlines() if " chat " in line]
        assert chat.split()[:6] == ["shared", "chat", "interactive", "0", "to", "4"]

    def test_show_before_anything_is_published(self) -> None:
        result = run("fleet", "show")
        assert result.exit_code == 0
        assert "Nothing is published" in result.stderr
        assert in_force() == {"version": None, "endpoints": {}, "unmanaged": {}}

    def test_changes_are_shown_by_model(self, file: Path) -> None:
        run("fleet", "publish", str(file), "--yes")
        file.write_text(
            FLEET.replace("[chat, code]", "chat").replace("16}}", "20}}")
            + "  - {name: eval, class: batch}\n",
            "utf-8",
        )
        result = run("fleet", "publish", str(file), "--yes")
        assert "~ shared/chat: policy.target_value 16.0 -> 20.0" in result.stderr
        assert "- shared/code: no longer managed, its copies stay" in result.stderr
        assert "+ shared/eval: batch, 0 to 4 copies" in result.stderr
        assert sorted(in_force()["endpoints"]["shared"]["models"]) == ["chat", "eval"]

    def test_the_same_fleet_again_is_nothing_to_do(self, file: Path) -> None:
        run("fleet", "publish", str(file), "--yes")
        before = in_force()
        file.write_text("# a comment\n" + FLEET, "utf-8")
        result = run("fleet", "publish", str(file))
        assert (result.exit_code, in_force()) == (0, before)
        assert "in force already" in result.stderr

    def test_diff_changes_nothing_and_says_how_to_publish(self, file: Path) -> None:
        result = run("fleet", "diff", str(file))
        assert result.exit_code == 0
        assert "+ shared/chat" in result.stderr
        assert f"icscaler fleet publish {file} --expect none" in result.stderr
        assert in_force()["version"] is None

    def test_an_invalid_file_leaves_the_last_good_version(self, file: Path) -> None:
        run("fleet", "publish", str(file), "--yes")
        before = in_force()
        file.write_text(FLEET + "    max_copies: -1\n", "utf-8")
        assert run("fleet", "publish", str(file), "--yes").exit_code == 1
        assert in_force() == before

    def test_nobody_to_confirm_publishes_nothing(self, file: Path) -> None:
        result = run("fleet", "publish", str(file), stdin="y\n")
        assert result.exit_code == 2
        assert "--yes" in result.stderr
        assert in_force()["version"] is None

    @pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2)])
    def test_somebody_is_asked(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
    ) -> None:
        monkeypatch.setattr("icscaler_cli.options.somebody_is_here", lambda: True)
        result = run("fleet", "publish", str(file), stdin=answer)
        assert result.exit_code == code
        assert (in_force()["version"] is not None) == (code == 0)

    def test_expected_version(self, file: Path) -> None:
        assert run("fleet", "publish", str(file), "--yes", "--expect", "none").exit_code == 0
        version = in_force()["version"]
        file.write_text(FLEET + "    owner: me\n", "utf-8")
        refused = run("fleet", "publish", str(file), "--yes", "--expect", "none")
        assert refused.exit_code == 3
        assert f"version {version} is in force, not none" in refused.stderr
        assert in_force()["version"] == version
        assert run("fleet", "publish", str(file), "--yes", "--expect", version).exit_code == 0
        assert in_force()["version"] != version

    def test_somebody_publishing_in_between_is_a_conflict(
        self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = tmp_path / "other.yaml"
        other.write_text(FLEET + "    owner: somebody-else\n", "utf-8")

        def meanwhile(_yes: bool, _question: str, **_said: str) -> None:
            monkeypatch.undo()
            monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
            assert run("fleet", "publish", str(other), "--yes").exit_code == 0

        monkeypatch.setattr("icscaler_cli.fleet_publish.confirm", meanwhile)
        result = run("fleet", "publish", str(file))
        assert result.exit_code == 3
        assert "somebody published in between" in result.stderr
        owners = {m["owner"] for m in in_force()["endpoints"]["shared"]["models"].values()}
        assert owners == {"somebody-else"}


def test_any_endpoint_that_speaks_aws_will_do(
    nobody: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("cloudformation", region_name="us-east-1")
        client.create_stack(StackName="icscaler", TemplateBody=json.dumps(TEMPLATE))
        assert run("fleet", "publish", str(file), "--yes").exit_code == 0
        assert sorted(in_force()["endpoints"]) == ["shared"]
    finally:
        server.stop()


@pytest.mark.usefixtures("stack")
class TestWrongPlace:
    def test_a_table_that_is_not_there(self, file: Path) -> None:
        result = run("fleet", "publish", str(file), "--yes", "--table", "nosuch")
        assert result.exit_code == 3
        assert "there is no such table: table nosuch" in result.stderr

    def test_a_stack_that_is_not_there(self) -> None:
        result = run("fleet", "show", "--stack", "nosuch")
        assert result.exit_code == 3
        assert "there is no such stack: stack nosuch" in result.stderr

    def test_the_right_stack_in_the_wrong_region(self) -> None:
        result = run("fleet", "show", "--region", "eu-west-1")
        assert result.exit_code == 3
        assert "stack icscaler in eu-west-1" in result.stderr

    def test_a_stack_of_something_else(self) -> None:
        template = json.dumps({**TEMPLATE, "Outputs": {}}).replace(TABLE, "other")
        boto3.client("cloudformation").create_stack(StackName="other", TemplateBody=template)
        result = run("fleet", "show", "--stack", "other")
        assert result.exit_code == 3
        assert "no output StateTableName" in result.stderr

    def test_table_and_stack_exclude_each_other(self) -> None:
        assert run("fleet", "show", "--table", "a", "--stack", "b").exit_code == 2


class TestNoAccess:
    def test_no_region(self) -> None:
        result = run("fleet", "show")
        assert result.exit_code == 3
        assert "no AWS Region" in result.stderr

    def test_no_credentials(self) -> None:
        result = run("fleet", "show", "--region", "us-east-1")
        assert result.exit_code == 3
        assert "no usable AWS credentials" in result.stderr
        assert "aws sso login" in result.stderr

    def test_an_unknown_profile(self) -> None:
        result = run("fleet", "show", "--region", "us-east-1", "--profile", "nobody")
        assert result.exit_code == 3
        assert "nobody" in result.stderr

    def test_a_region_with_impossible_characters(self) -> None:
        result = run("fleet", "show", "--region", "us east 1")
        assert result.exit_code == 3

    def test_an_endpoint_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        result = run("fleet", "show", "--region", "us-east-1", "--table", TABLE)
        assert result.exit_code == 3
        assert "127.0.0.1:9" in result.stderr
        assert "AWS_ENDPOINT_URL" in result.stderr

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("AccessDeniedException", "not allowed"),
            ("ExpiredTokenException", "refuses the credentials"),
            ("UnrecognizedClientException", "refuses the credentials"),
            ("ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded"),
        ],
    )
    @pytest.mark.usefixtures("stack")
    def test_refusals_by_aws(
        self, monkeypatch: pytest.MonkeyPatch, code: str, message: str
    ) -> None:
        from botocore.client import BaseClient
        from botocore.exceptions import ClientError

        def refuse(_self: Any, operation: str, _arguments: Any) -> Any:
            error = {"Error": {"Code": code, "Message": "as AWS says it"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]

        monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
        result = run("fleet", "show", "--table", TABLE)
        assert result.exit_code == 3
        assert message in result.stderr
        assert "as AWS says it" in result.stderr


def test_checking_a_file_loads_no_aws_library(file: Path) -> None:
    """A laptop without an account validates in a moment; and boto3 is slow to load."""
    import subprocess
    import sys

    script = (
        "import sys; from icscaler_cli.main import app\n"
        f"app(['fleet', 'validate', {str(file)!r}], standalone_mode=False)\n"
        "assert 'boto3' not in sys.modules and 'botocore' not in sys.modules\n"
        "assert 'icscaler_cli.demo' not in sys.modules\n"
        "assert 'numpy' not in sys.modules and 'moto' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
