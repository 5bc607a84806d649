"""The endpoint configuration that `icscaler endpoint apply` makes, and what it says it costs."""

from dataclasses import replace
from typing import Any

from icscaler.entities import VariantConfig
from icscaler.managed_scaling import Drift, ScaleIn
from icscaler_cli.endpoint.plan import new_config, price_lines

P4D = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 589_824, max_instances=4, usd_per_hour=25.0)
STATED = {"main": replace(P4D, min_instances=2, scale_in=ScaleIn("CONSOLIDATION", 3, 10))}


def present(**scaling: Any) -> dict[str, Any]:
    variant = {
        "VariantName": "main",
        "InstanceType": "ml.p4d.24xlarge",
        "InitialInstanceCount": 1,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, **scaling},
    }
    return {
        "EndpointConfigName": "old",
        "EndpointConfigArn": "arn:aws:sagemaker:::endpoint-config/old",
        "ProductionVariants": [variant, {"VariantName": "other", "InitialInstanceCount": 1}],
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/models",
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }


def test_only_what_is_stated_changes() -> None:
    before = present(MaxInstanceCount=2)
    request = new_config("shared", before, STATED)
    assert set(request) == {"EndpointConfigName", "ProductionVariants", "ExecutionRoleArn"}
    main, other = request["ProductionVariants"]
    assert main == {
        **before["ProductionVariants"][0],
        "InitialInstanceCount": 2,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": 2,
            "MaxInstanceCount": 4,
            "ScaleInPolicy": {
                "Strategy": "CONSOLIDATION",
                "MaximumStepSize": 3,
                "CooldownInMinutes": 10,
            },
        },
    }
    assert other == {"VariantName": "other", "InitialInstanceCount": 1}


def test_the_name_is_made_of_the_content() -> None:
    one, same = (new_config("shared", present(MaxInstanceCount=2), STATED) for _ in range(2))
    assert one == same
    stated = {"main": replace(P4D, max_instances=5)}
    assert new_config("shared", present(), stated) != one
    long = new_config("e" * 63, present(), STATED)["EndpointConfigName"]
    assert len(long) == 63


def test_prices_of_limits() -> None:
    drifts = (
        Drift("main", "min_instances", 2, 0),
        Drift("main", "scale_in.strategy", "CONSOLIDATION", "IDLE_RELEASE"),
    )
    (line,) = price_lines(drifts, STATED)
    assert line == ("main: at least $36,500 a month instead of $0 (2 instead of 0 ml.p4d.24xlarge)")
    (line,) = price_lines(drifts, {"main": replace(P4D, usd_per_hour=None)})
    assert "is not known" in line
