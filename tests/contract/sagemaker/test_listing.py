"""List operations: pages, orders and filters, over more components than a page holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from tests.contract.sagemaker.steps import (
    component,
    config,
    copies_of,
    gone,
    make_endpoint,
    refused,
    set_copies,
    status_of,
    variant,
    wait_until,
)

COUNT = 250


@pytest.fixture
def fleet(cloud: LocalCloud) -> LocalCloud:
    """250 components created one second apart; every tenth on variant `b`."""
    big = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 40}
    make_endpoint(
        cloud,
        variant(VariantName="a", ManagedInstanceScaling=big),
        variant(VariantName="b", ManagedInstanceScaling=big),
    )
    sagemaker = cloud.client("sagemaker")
    for index in range(COUNT):
        sagemaker.create_inference_component(
            **component(f"model-{index:03}", VariantName="b" if index % 10 == 0 else "a")
        )
        cloud.run_for(1)
    return cloud


def names(answer: dict[str, Any]) -> list[str]:
    return [entry["InferenceComponentName"] for entry in answer["InferenceComponents"]]


def all_names(sagemaker: Any, **params: Any) -> list[str]:
    pages = sagemaker.get_paginator("list_inference_components").paginate(**params)
    return [name for page in pages for name in names(page)]


def test_pages_orders_and_filters(fleet: LocalCloud, sagemaker: Any) -> None:
    rising = [f"model-{index:03}" for index in range(COUNT)]
    first = sagemaker.list_inference_components()
    assert names(first) == rising[:-11:-1], "ten a page, newest first"
    assert all_names(sagemaker) == rising[::-1]
    assert all_names(sagemaker, PaginationConfig={"PageSize": 100}) == rising[::-1]
    assert all_names(sagemaker, SortOrder="Ascending") == rising
    assert all_names(sagemaker, SortBy="Name", SortOrder="Ascending") == rising
    assert all_names(sagemaker, NameContains="-24") == rising[249:239:-1]
    assert all_names(sagemaker, VariantNameEquals="b") == rising[240::-10]
    assert all_names(sagemaker, EndpointNameEquals="codegen", MaxResults=100) == rising[::-1]
    assert all_names(sagemaker, EndpointNameEquals="other") == []
    made = sagemaker.describe_inference_component(InferenceComponentName="model-100")
    moment = made["CreationTime"]
    assert all_names(sagemaker, CreationTimeAfter=moment) == rising[:100:-1]
    assert all_names(sagemaker, CreationTimeBefore=moment) == rising[99::-1]


def test_what_happens_between_two_pages_shifts_nothing(fleet: LocalCloud, sagemaker: Any) -> None:
    order = {"SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 100}
    wait_until(fleet, lambda: status_of(fleet, "model-249") == "InService")
    first = sagemaker.list_inference_components(**order)
    sagemaker.delete_inference_component(InferenceComponentName="model-050")
    wait_until(fleet, lambda: gone(fleet, "model-050"))
    sagemaker.create_inference_component(**component("model-1000", VariantName="a"))
    second = sagemaker.list_inference_components(NextToken=first["NextToken"], **order)
    assert names(first)[-1] == "model-099"
    assert names(second)[:2] == ["model-100", "model-1000"]


def test_status_and_modification(fleet: LocalCloud, sagemaker: Any) -> None:
    assert len(all_names(sagemaker, StatusEquals="Creating")) == COUNT - len(
        all_names(sagemaker, StatusEquals="InService")
    )
    wait_until(fleet, lambda: all_names(sagemaker, StatusEquals="Creating") == [])
    assert len(all_names(sagemaker, StatusEquals="InService")) == COUNT
    before = datetime.fromtimestamp(fleet.clock.now_s, tz=UTC)
    fleet.run_for(60)
    set_copies(fleet, 2, "model-007")
    assert all_names(sagemaker, LastModifiedTimeAfter=before) == ["model-007"]
    assert all_names(sagemaker, StatusEquals="Updating") == ["model-007"]
    by_status = all_names(sagemaker, SortBy="Status", SortOrder="Descending")
    assert by_status[0] == "model-007"
    assert copies_of(fleet, "model-007")[0] == 2
    (summary,) = sagemaker.list_inference_components(NameContains="model-007")[
        "InferenceComponents"
    ]
    assert "RuntimeConfig" not in summary, "List shows no copy counts"


def test_tokens_belong_to_their_query(fleet: LocalCloud, sagemaker: Any) -> None:
    token = sagemaker.list_inference_components()["NextToken"]
    expected = ("ValidationException", "Invalid pagination token.")
    for params in ({"NameContains": "x"}, {"SortOrder": "Ascending"}):
        assert refused(sagemaker.list_inference_components, NextToken=token, **params) == expected
    assert refused(sagemaker.list_inference_components, NextToken="nonsense") == expected
    assert refused(sagemaker.list_endpoints, NextToken=token) == expected
    assert len(names(sagemaker.list_inference_components(NextToken=token, MaxResults=100))) == 100


def test_other_lists(cloud: LocalCloud, sagemaker: Any) -> None:
    for index in range(12):
        cloud.run_for(1)
        sagemaker.create_endpoint_config(**config(f"config-{index:02}"))
        sagemaker.create_model(ModelName=f"model-{index:02}", PrimaryContainer={"Image": "i"})
    for operation, member, field, prefix in (
        ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", "config"),
        ("list_models", "Models", "ModelName", "model"),
    ):
        pages = list(sagemaker.get_paginator(operation).paginate())
        found = [[entry[field] for entry in page[member]] for page in pages]
        assert found == [
            [f"{prefix}-{i:02}" for i in range(11, 1, -1)],
            [f"{prefix}-01", f"{prefix}-00"],
        ]
    make_endpoint(cloud, name="one")
    make_endpoint(cloud, name="two")
    endpoints = sagemaker.list_endpoints(SortBy="Name", SortOrder="Ascending")["Endpoints"]
    assert [(e["EndpointName"], e["EndpointStatus"]) for e in endpoints] == [
        ("one", "InService"),
        ("two", "InService"),
    ]
    assert sagemaker.list_endpoints(StatusEquals="Failed")["Endpoints"] == []
