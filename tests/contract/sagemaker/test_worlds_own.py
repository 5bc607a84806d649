"""What was made in the world directly (a simulation's fleet) is shown by the API too."""

from __future__ import annotations

from typing import Any

from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import ComponentSpec, ManagedScaling, VariantSpec
from tests.contract.sagemaker.steps import (
    copies_of,
    describe,
    set_copies,
    specification,
    status_of,
    wait_until,
)


def test_a_fleet_of_the_world(cloud: LocalCloud, sagemaker: Any) -> None:
    scaling = ManagedScaling(enabled=True, min_instances=0, max_instances=4)
    cloud.world.create_endpoint(
        "codegen", [VariantSpec("AllTraffic", "ml.p4d.24xlarge", 1, managed_scaling=scaling)]
    )
    wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
    given = specification()
    container = given["Container"]
    spec = ComponentSpec(
        gpus=1,
        cpus=2.0,
        memory_mb=16_384,
        image=container["Image"],
        artifact=container["ArtifactUrl"],
        environment=tuple(container["Environment"].items()),
    )
    cloud.world.create_component("inline", "codegen", "AllTraffic", spec, 1)
    adapter = ComponentSpec(base="inline", artifact="s3://lora/a/")
    wait_until(cloud, lambda: status_of(cloud) == "InService")
    cloud.world.create_component("customer-a", "codegen", "AllTraffic", adapter, 1)

    answer = sagemaker.describe_endpoint(EndpointName="codegen")
    (variant,) = answer["ProductionVariants"]
    assert answer["EndpointConfigName"] == "codegen"
    assert variant["ManagedInstanceScaling"] == {
        "Status": "ENABLED",
        "MinInstanceCount": 0,
        "MaxInstanceCount": 4,
        "ScaleInPolicy": {
            "Strategy": "IDLE_RELEASE",
            "MaximumStepSize": 1,
            "CooldownInMinutes": 20,
        },
    }
    shown = describe(cloud)["Specification"]
    assert shown["ComputeResourceRequirements"] == given["ComputeResourceRequirements"]
    assert shown["Container"]["DeployedImage"]["SpecifiedImage"] == container["Image"]
    assert shown["Container"]["Environment"] == container["Environment"]
    based = describe(cloud, "customer-a")["Specification"]
    assert based["BaseInferenceComponentName"] == "inline"
    assert "ComputeResourceRequirements" not in based
    set_copies(cloud, 2)
    wait_until(cloud, lambda: copies_of(cloud) == (2, 2))


def test_a_classic_variant_of_the_world(cloud: LocalCloud, sagemaker: Any) -> None:
    cloud.world.create_endpoint(
        "alone", [VariantSpec("AllTraffic", "ml.g6e.xlarge", 2, model_name="m", weight=3.0)]
    )
    wait_until(cloud, lambda: status_of(cloud, endpoint="alone") == "InService")
    (variant,) = sagemaker.describe_endpoint(EndpointName="alone")["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 3.0)
    assert "ManagedInstanceScaling" not in variant
