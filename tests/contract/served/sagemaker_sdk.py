"""The `sagemaker` SDK, which knows nothing of this project; run by test_sagemaker_sdk.py.

Its own words from deployment to deletion; prints what it saw as JSON. It waits by polling with
`time.sleep`, which here lets the served cloud's time pass.
"""

import json
import os
import sys
import time
import urllib.request

import boto3
from sagemaker import Model, Predictor, Session
from sagemaker.compute_resource_requirements import ResourceRequirements
from sagemaker.deserializers import JSONDeserializer
from sagemaker.enums import EndpointType
from sagemaker.serializers import JSONSerializer
from sagemaker_core.resources import InferenceComponent
from sagemaker_core.shapes import InferenceComponentRuntimeConfig

NAME = "sdk"
ROLE = "arn:aws:iam::123456789012:role/models"
SEEN = {}


def advance(seconds):
    """What `icscaler local advance` does."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_icscaler/advance"
    urllib.request.urlopen(url, json.dumps({"seconds": seconds}).encode()).read()


def deploy(session):
    model = Model(
        image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/llm:1",
        model_data="s3://models/llm.tar.gz",
        role=ROLE,
        predictor_cls=Predictor,
        sagemaker_session=session,
        name=NAME,
    )
    resources = ResourceRequirements(
        requests={"num_accelerators": 1, "num_cpus": 2, "memory": 1024, "copies": 1}
    )
    return model.deploy(
        initial_instance_count=1,
        instance_type="ml.g5.2xlarge",
        endpoint_name=NAME,
        endpoint_type=EndpointType.INFERENCE_COMPONENT_BASED,
        inference_component_name=NAME,
        resources=resources,
        serializer=JSONSerializer(),
        deserializer=JSONDeserializer(),
        # Room for both versions of two copies during an update.
        managed_instance_scaling={"MinInstanceCount": 0, "MaxInstanceCount": 4},
    )


def scale():
    """In the words of the library under version 3, which has none for zero copies: it drops a 0."""
    component = InferenceComponent.get(inference_component_name=NAME)
    component.update_runtime_configs(
        desired_runtime_config=InferenceComponentRuntimeConfig(copy_count=1)
    )
    component.wait_for_status("InService")
    SEEN["scaled in"] = component.refresh().runtime_config.current_copy_count


def main():
    time.sleep = lambda seconds: advance(max(1, seconds))
    session = Session(boto_session=boto3.Session(), default_bucket="models")
    predictor = deploy(session)
    SEEN["answer"] = sorted(predictor.predict({"inputs": "def f():"}))
    listed = session.list_inference_components(endpoint_name_equals=NAME)
    SEEN["listed"] = [one["InferenceComponentName"] for one in listed["InferenceComponents"]]
    specification = {
        "ComputeResourceRequirements": {
            "NumberOfAcceleratorDevicesRequired": 1,
            "NumberOfCpuCoresRequired": 2,
            "MinMemoryRequiredInMb": 2048,
        },
        "ModelName": NAME,
    }
    session.update_inference_component(
        NAME, specification=specification, runtime_config={"CopyCount": 2}, wait=True
    )
    seen = session.describe_inference_component(NAME)
    SEEN["memory"] = seen["Specification"]["ComputeResourceRequirements"]["MinMemoryRequiredInMb"]
    SEEN["copies"] = seen["RuntimeConfig"]["CurrentCopyCount"]
    SEEN["status"] = seen["InferenceComponentStatus"]
    scale()
    session.delete_inference_component(NAME, wait=True)
    predictor.delete_endpoint()
    advance(900)
    SEEN["endpoints"] = session.sagemaker_client.list_endpoints()["Endpoints"]
    json.dump(SEEN, sys.stdout)


if __name__ == "__main__":
    main()
