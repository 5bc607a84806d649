"""A deployed controller on the local cloud with an endpoint, ready for traffic."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.dynamodb.table import Table
from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_localcloud.cloud import LocalCloud, RunnerKind

ROOT = Path(__file__).parents[2]
ENDPOINT = "shared"
FLEET = """
version: 1
defaults:
  max_copies: 8
  idle_s: 600
  resources: {gpus: 1, cpus: 4, memory_mb: 16384}
  policy: {target_tracking: {metric: concurrency, target_value: 16}}
  limits: {minimum_life_s: 300}
endpoints:
  shared:
    variants:
      main: {instance_type: ml.p4d.24xlarge, max_instances: 2}
models:
  - {name: inline, class: critical}
  - {name: [blocks, flows]}
"""

logging.getLogger("botocore").setLevel(logging.CRITICAL)


class Rig:
    """The stage and its levers."""

    def __init__(self, cloud: LocalCloud, parameters: Mapping[str, str]) -> None:
        self.cloud = cloud
        self.sagemaker = cloud.client("sagemaker")
        self.stack = cloud.deploy(ROOT / "template.yaml", parameters=parameters)
        table = Table(cloud.client("dynamodb"), self.stack.outputs["StateTableName"])
        self.store = DynamoStateStore(table)

    def create_endpoint(self, name: str, *components: str, instances: int = 2) -> None:
        """An endpoint of p4d instances and one-GPU components with one copy each, in service."""
        scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": instances}
        variant = {
            "VariantName": "main",
            "InstanceType": "ml.p4d.24xlarge",
            "InitialInstanceCount": 1,
            "ManagedInstanceScaling": scaling,
        }
        role = "arn:aws:iam::123456789012:role/models"
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ExecutionRoleArn=role, ProductionVariants=[variant]
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.until(lambda: self.endpoint_status(name) == "InService")
        for component in components:
            self.create_component(component, name)
        self.until(lambda: all(self.status(c) == "InService" for c in components))

    def create_single_model_endpoint(self, name: str, instances: int = 1) -> None:
        """A classic endpoint: variant `main` runs the model on instances of one GPU; in service."""
        role = "arn:aws:iam::123456789012:role/models"
        self.sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": "registry/llm:1"}
        )
        variant = {
            "VariantName": "main",
            "ModelName": name,
            "InstanceType": "ml.g5.2xlarge",
            "InitialInstanceCount": instances,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.until(lambda: self.endpoint_status(name) == "InService")

    def create_component(self, name: str, endpoint: str = ENDPOINT) -> None:
        requirements = {
            "NumberOfAcceleratorDevicesRequired": 1,
            "NumberOfCpuCoresRequired": 4,
            "MinMemoryRequiredInMb": 16384,
        }
        self.sagemaker.create_inference_component(
            InferenceComponentName=name,
            EndpointName=endpoint,
            VariantName="main",
            RuntimeConfig={"CopyCount": 1},
            Specification={
                "Container": {"Image": "registry/llm:1", "ArtifactUrl": f"s3://models/{name}/"},
                "ComputeResourceRequirements": requirements,
            },
        )

    def adapt(self, name: str, base: str) -> None:
        """An adapter, which lives in the copies of `base`; in service."""
        self.sagemaker.create_inference_component(
            InferenceComponentName=name,
            EndpointName=ENDPOINT,
            VariantName="main",
            Specification={
                "BaseInferenceComponentName": base,
                "Container": {"ArtifactUrl": f"s3://models/{name}/"},
            },
            RuntimeConfig={"CopyCount": 1},
        )
        self.until(lambda: self.status(name) == "InService")

    def publish(self, text: str = FLEET, expected: str | None = None) -> str:
        file = Path(self._folder) / "fleet.yaml"
        file.write_text(text, encoding="utf-8")
        compiled = compile_fleet(load_fleet(file))
        self.store.publish(compiled.endpoints, compiled.version, expected)
        return compiled.version

    _folder: Path = Path()

    def endpoint_status(self, name: str = ENDPOINT) -> str:
        return str(self.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"])

    def describe(self, name: str) -> Any:
        return self.sagemaker.describe_inference_component(InferenceComponentName=name)

    def status(self, name: str) -> str:
        return str(self.describe(name)["InferenceComponentStatus"])

    def copies(self, name: str) -> int:
        return int(self.describe(name)["RuntimeConfig"]["DesiredCopyCount"])

    def current(self, name: str) -> int:
        return int(self.describe(name)["RuntimeConfig"]["CurrentCopyCount"])

    def until(self, done: Any, limit_s: int = 3600, step_s: int = 30) -> float:
        """Run until `done()`; the virtual seconds it took."""
        began_s = self.cloud.clock.now_s
        while not done():
            assert self.cloud.clock.now_s - began_s < limit_s, "it never came about"
            self.cloud.run_for(step_s)
        return self.cloud.clock.now_s - began_s

    def play(self, minutes: int, **per_minute: int) -> None:
        """Minutes of steady traffic: requests a minute by component, two seconds of work each."""
        for _ in range(minutes):
            at_s = self.cloud.clock.now_s
            for name, count in per_minute.items():
                self.cloud.world.arrive(
                    name, count, at_s, at_s + 60, input_tokens=4500, output_tokens=100
                )
            self.cloud.run_for(60)

    def invoke(self, name: str) -> int | str:
        """One request: its HTTP status, or the refusal's text."""
        runtime = self.cloud.client("sagemaker-runtime")
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=ENDPOINT, InferenceComponentName=name, Body=b"{}"
            )
        except ClientError as error:
            return str(error.response["Error"]["Message"])
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    def wake(self, *components: str, **detail: Any) -> None:
        """A WakeRequested event, as any client would send it."""
        body = detail or {"InferenceComponentNames": components}
        entry = {
            "EventBusName": self.stack.outputs["ControllerBusName"],
            "Source": "test.gateway",
            "DetailType": "WakeRequested",
            "Detail": json.dumps(body),
        }
        assert self.cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def listen(self, kind: str) -> Callable[[], list[Any]]:
        """From now on events of this kind on the controller's bus are kept; those that came."""
        events: Any = self.cloud.client("events")
        sqs: Any = self.cloud.client("sqs")
        bus = self.stack.outputs["ControllerBusName"]
        url = sqs.create_queue(QueueName=kind)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{kind}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        pattern = json.dumps({"detail-type": [kind]})
        events.put_rule(Name=kind, EventBusName=bus, EventPattern=pattern)
        target = {"Id": "queue", "Arn": arn}
        events.put_targets(Rule=kind, EventBusName=bus, Targets=[target])

        def told() -> list[Any]:
            bodies = []
            batch = {"QueueUrl": url, "MaxNumberOfMessages": 10}
            while messages := sqs.receive_message(**batch).get("Messages"):
                bodies += [json.loads(message["Body"]) for message in messages]
                for message in messages:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return bodies

        return told

    def calls(self, operation: str) -> int:
        """How often the SageMaker control plane was asked for this."""
        return int(self.cloud.service("sagemaker").gate.calls[operation])

    def records(self, endpoint: str = ENDPOINT) -> list[Any]:
        return list(self.store.records(endpoint, 0, int(self.cloud.clock.now_s) + 1))

    def looks(self) -> list[dict[str, Any]]:
        """The log lines that end a look."""
        lines = [json.loads(line) for line in self.cloud.log_lines("ReconcileFunction")]
        return [line for line in lines if str(line.get("message", "")).startswith("Look: ")]

    def failures(self) -> list[str]:
        """What went wrong for good: failed invocations' errors."""
        return [str(done.error) for done in self.cloud.lambda_log if not done.ok]

    def visible(self, queue: str) -> int:
        """Messages waiting in a queue of the stack."""
        sqs = self.cloud.client("sqs")
        url = sqs.get_queue_url(QueueName=self.stack.physical_id(queue).rsplit("/", 1)[-1])
        attributes = sqs.get_queue_attributes(
            QueueUrl=url["QueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


@contextmanager
def bare_rig(folder: Path, runner: RunnerKind = "in-process", **parameters: str) -> Iterator[Rig]:
    """The deployed template; no endpoint, nothing published."""
    with LocalCloud(seed=7, runner=runner) as cloud:
        stage = Rig(cloud, parameters)
        stage._folder = folder
        yield stage


@contextmanager
def rig(
    folder: Path,
    fleet: str | None = FLEET,
    runner: RunnerKind = "in-process",
    **parameters: str,
) -> Iterator[Rig]:
    """A rig with components inline, blocks and flows, and `fleet` published."""
    with bare_rig(folder, runner, **parameters) as stage:
        stage.create_endpoint(ENDPOINT, "inline", "blocks", "flows")
        if fleet is not None:
            stage.publish(fleet)
        yield stage
