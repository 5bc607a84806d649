"""`make deploy-local`: what it compares is found when it is wrong, and nothing is left running.

The comparison itself is tried on the local cloud, so that no emulator has to be installed.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deploy_local
import lookups
import ministack
import ministack_gaps
import pytest
from botocore.exceptions import ClientError
from deployed import Deployed, Expectation
from ministack_gaps import LeftOut, dangling, still_there, without_gaps

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import Stack
from icscaler_localcloud.deployer import template as templates

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
BUS_POLICY = "AWS::Events::EventBusPolicy"


class CloudFormation:
    """Tells of a stack of the local cloud what CloudFormation would."""

    def __init__(self, stack: Stack) -> None:
        self.status = "CREATE_COMPLETE"
        self.outputs = dict(stack.outputs)
        self.rows = [
            {
                "LogicalResourceId": resource.logical_id,
                "ResourceType": resource.type,
                "PhysicalResourceId": resource.physical_id,
            }
            for resource in stack.resources.values()
        ]

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        arn = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{StackName}/1"
        return {"Stacks": [{"StackId": arn, "StackName": StackName, "Outputs": outputs}]}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: str) -> Any:
        rows = [{**row, "ResourceStatus": self.status} for row in self.rows]
        return [{"StackResourceSummaries": rows}]


class Lambda:
    """The local cloud's Lambda, with what it does not tell of functions (code, layers, formats)."""

    def __init__(self, inner: Any, layer: str) -> None:
        self._inner = inner
        self._layer = layer

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._inner, operation)

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803
        told = self._inner.get_function_configuration(FunctionName=FunctionName)
        logging = {**told["LoggingConfig"], "LogFormat": "JSON"}
        layers = [{"Arn": self._layer}]
        return {**told, "CodeSize": 1, "Layers": layers, "LoggingConfig": logging}

    def get_event_source_mapping(self, UUID: str) -> Any:  # noqa: N803
        mappings = self._inner.list_event_source_mappings()["EventSourceMappings"]
        (found,) = (each for each in mappings if each["UUID"] == UUID)
        return found

    def get_layer_version_by_arn(self, Arn: str) -> None:  # noqa: N803
        assert Arn == self._layer

    def get_function_event_invoke_config(self, **_: str) -> None:
        pass


class Stage:
    """The template on the local cloud, and ways to spoil it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.document, left_out = without_gaps(templates.load(TEMPLATE))
        self.stack = cloud.deploy(TEMPLATE, parameters={"WakeAlarm": "disabled", "Mode": "act"})
        self.cloudformation = CloudFormation(self.stack)
        for each in left_out:
            self.drop_row(each.name)
        self.given = {"Mode": "act"}

    def clients(self, service: str) -> Any:
        if service == "cloudformation":
            return self.cloudformation
        client = self.cloud.client(service)
        (layer,) = self.stack.of_type("AWS::Lambda::LayerVersion")
        return Lambda(client, layer.physical_id) if service == "lambda" else client

    def findings(self) -> list[str]:
        return Deployed(self.clients, "icscaler", Expectation(self.document, self.given)).findings()

    def drop_row(self, name: str) -> None:
        rows = self.cloudformation.rows
        rows[:] = [row for row in rows if row["LogicalResourceId"] != name]

    def delete_alarm(self) -> None:
        names = [self.stack.physical_id("LateEndpointsAlarm")]
        self.cloud.client("cloudwatch").delete_alarms(AlarmNames=names)

    def drop_rule_target(self) -> None:
        rule = self.stack.physical_id("DispatchFunctionEndpointStateChange")
        events = self.cloud.client("events")
        ids = [each["Id"] for each in events.list_targets_by_rule(Rule=rule)["Targets"]]
        events.remove_targets(Rule=rule, Ids=ids)

    def widen_role(self) -> None:
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
        self.cloud.client("iam").put_role_policy(
            RoleName=self.stack.physical_id("DispatchRole"),
            PolicyName="more",
            PolicyDocument=f'{{"Version": "2012-10-17", "Statement": [{statement!r}]}}'.replace(
                "'", '"'
            ),
        )

    def rename_output(self) -> None:
        outputs = self.cloudformation.outputs
        outputs["Novelty"] = outputs.pop("LookQueueUrl")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with LocalCloud() as opened:
        yield Stage(opened)


def test_what_the_template_says_is_what_is_deployed(stage: Stage) -> None:
    deployed = Deployed(stage.clients, "icscaler", Expectation(stage.document, stage.given))
    assert deployed.findings() == []
    assert len(deployed.resources) > 40
    assert {each.type for each in deployed.resources} <= lookups.LOOKUPS.keys()
    assert [each.name for each in deployed.resources if each.retained] == ["StateTable"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(
            lambda stage: stage.drop_row("TickSchedule"),
            ["TickSchedule is missing from the stack"],
            id="missing resource",
        ),
        pytest.param(
            lambda stage: stage.document["Resources"].pop("LateEndpointsAlarm"),
            ["LateEndpointsAlarm: nothing in the template accounts for it"],
            id="resource of nobody",
        ),
        pytest.param(
            Stage.delete_alarm,
            ["LateEndpointsAlarm is in the stack's list only", "has no alarm"],
            id="only in the list",
        ),
        pytest.param(
            Stage.drop_rule_target,
            ["DispatchFunctionEndpointStateChange", "has other targets"],
            id="rule without its target",
        ),
        pytest.param(
            lambda stage: stage.given.update(Mode="observe"),
            ["ReconcileFunction: Environment.Variables.ICSCALER_MODE is 'act', not 'observe'"],
            id="function's environment",
        ),
        pytest.param(
            lambda stage: stage.document["Globals"]["Function"].update(MemorySize=512),
            ["DispatchFunction: MemorySize is '1024', not '512'"],
            id="function's memory",
        ),
        pytest.param(Stage.widen_role, ["DispatchRole: policies.more"], id="role's permissions"),
        pytest.param(
            Stage.rename_output,
            ["output LookQueueUrl is missing", "output Novelty: nothing"],
            id="outputs",
        ),
        pytest.param(
            lambda stage: stage.cloudformation.outputs.update(LookQueueUrl="elsewhere"),
            ["output LookQueueUrl is 'elsewhere', not"],
            id="output's value",
        ),
        pytest.param(
            lambda stage: setattr(stage.cloudformation, "status", "CREATE_FAILED"),
            ["LookQueue is CREATE_FAILED"],
            id="status",
        ),
    ],
)
def test_a_difference_is_found(
    stage: Stage, spoil: Callable[[Stage], Any], says: list[str]
) -> None:
    spoil(stage)
    found = "\n".join(stage.findings())
    assert [text for text in says if text not in found] == [], found


def test_what_a_deletion_leaves_behind_is_found(stage: Stage) -> None:
    deployed = Deployed(stage.clients, "icscaler", Expectation(stage.document, stage.given))
    assert "StateTable" in {each.name for each in deployed.resources}
    stage.delete_alarm()
    table = stage.stack.physical_id("StateTable")
    stage.cloud.client("dynamodb").delete_table(TableName=table)
    left = list(deployed.leftovers())
    assert "StateTable (AWS::DynamoDB::Table) should have been retained" in left
    assert "LookQueue (AWS::SQS::Queue) is still there" in left
    assert not [each for each in left if each.startswith("LateEndpointsAlarm")]


# ---------------------------------------------------------------- gaps


def test_only_what_the_emulator_lacks_is_left_out() -> None:
    document = templates.load(TEMPLATE)
    reduced, left_out = without_gaps(document)
    gone = {each.name for each in left_out}
    assert reduced["Resources"].keys() | gone == document["Resources"].keys()
    for each in left_out:
        assert each.type == document["Resources"][each.name]["Type"]
        assert each.reason
    kinds = {each.type for each in left_out}
    assert kinds <= {gap.type for gap in ministack_gaps.GAPS}
    assert BUS_POLICY in kinds
    assert list(dangling(reduced, left_out)) == []


@pytest.mark.parametrize("section", ["Resources", "Outputs"])
def test_a_reference_to_something_left_out_is_found(section: str) -> None:
    user = {"Type": "T", "Value": {"Fn::GetAtt": ["Gone", "Arn"]}}
    [finding] = dangling({section: {"User": user}}, [LeftOut("Gone", "T", "why")])
    assert finding.startswith("User refers to Gone")


class Emulator:
    """CloudFormation that refuses a stack at once with some words, or accepts it."""

    def __init__(self, says: str) -> None:
        self._says = says

    def create_stack(self, **_: str) -> None:
        if self._says:
            error = {"Error": {"Code": "ValidationError", "Message": self._says}}
            raise ClientError(error, "CreateStack")  # type: ignore[arg-type]

    def get_paginator(self, _: str) -> Any:
        return self

    def get_waiter(self, _: str) -> Any:
        return self

    def wait(self, **_: Any) -> None:
        pass

    def delete_stack(self, **_: str) -> None:
        pass


@pytest.mark.parametrize(
    ("says", "findings"),
    [
        pytest.param(ministack_gaps.GAPS[0].refusal, 0, id="still a gap"),
        pytest.param("", 1, id="no gap any more"),
        pytest.param("Rate exceeded", 1, id="refused for another reason"),
    ],
)
def test_a_gap_must_still_be_one(says: str, findings: int) -> None:
    assert len(list(still_there(Emulator(says), ministack_gaps.GAPS[:1]))) == findings


# ---------------------------------------------------------------- the process


def stub(folder: Path, body: str) -> Path:
    program = folder / "stub.py"
    program.write_text(f"#!{sys.executable}\n{body}", encoding="utf-8")
    program.chmod(0o755)
    return program


SERVER = """
import http.server, os, pathlib
pathlib.Path("pid").write_text(str(os.getpid()))
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
address = (os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"]))
http.server.HTTPServer(address, Handler).serve_forever()
"""
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SERVER}"


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("body", [SERVER, STUBBORN], ids=["polite", "stubborn"])
def test_the_emulator_ends_though_its_user_fails(
    tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ministack, "STOP_S", 0.5)

    def fail() -> None:
        with ministack.serving(stub(tmp_path, body), tmp_path) as url:
            host, port = url.removeprefix("http://").split(":")
            assert host == "127.0.0.1"
            socket.create_connection((host, int(port)), timeout=5).close()
            raise KeyError("of the user")

    with pytest.raises(KeyError, match="of the user"):
        fail()
    assert gone(int((tmp_path / "pid").read_text()))


def test_an_emulator_that_does_not_start_is_said(tmp_path: Path) -> None:
    def start() -> None:
        with ministack.serving(stub(tmp_path, "raise SystemExit('no port')"), tmp_path):
            pytest.fail("it is not up")

    with pytest.raises(ministack.MiniStackError, match=r"ended with 1, see .*ministack\.log"):
        start()
    assert "no port" in (tmp_path / "ministack.log").read_text()


def test_clients_reach_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    environment = ministack.client_environment("http://127.0.0.1:1")
    assert "AWS_PROFILE" not in environment
    assert "secret" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


# ---------------------------------------------------------------- the whole


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Building and serving cost nothing, and the signal handler stays."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(deploy_local, "sam_build", lambda: "built")
    monkeypatch.setattr(deploy_local, "python_tool", lambda _: tmp_path)
    stub(tmp_path, SERVER).rename(tmp_path / "ministack")
    monkeypatch.setattr(deploy_local, "FOLDER", tmp_path)


@pytest.mark.usefixtures("pretend")
class TestMain:
    def test_no_finding_is_success(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        left = [LeftOut("Alarm", "AWS::CloudWatch::Alarm", "it can't")]
        monkeypatch.setattr(deploy_local.Life, "run", lambda _: left)
        assert deploy_local.main() == 0
        out = capsys.readouterr().out
        assert "not deployed here: Alarm (AWS::CloudWatch::Alarm): it can't" in out

    def test_a_finding_fails(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def run(life: deploy_local.Life) -> list[LeftOut]:
            life.report.add("deploy", ["a queue is missing"], 1.0)
            return []

        monkeypatch.setattr(deploy_local.Life, "run", run)
        assert deploy_local.main() == 1
        assert "FINDING deploy: a queue is missing" in capsys.readouterr().out

    def test_a_missing_tool_fails_and_is_said(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def nothing(name: str) -> Path:
            raise deploy_local.MissingError(f"{name} could not be installed")

        monkeypatch.setattr(deploy_local, "python_tool", nothing)
        assert deploy_local.main() == 1
        assert "FINDING ministack could not be installed" in capsys.readouterr().out


def test_a_type_that_is_not_known_to_be_lacking_is_pointed_out(tmp_path: Path) -> None:
    log = tmp_path / "sam-deploy.log"
    log.write_text("Error: Template format error: Unrecognized resource types: [AWS::New::Thing]")
    said = deploy_local.failure("deploy", 1, log)
    assert "sam deploy ended with 1" in said
    assert "scripts/ministack_gaps.py" in said
