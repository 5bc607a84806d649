"""Components that carry a tag, read from SageMaker: what adoption by tag begins with.

ListTags is one call a component: only the command line makes them, when somebody publishes.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from icscaler.adapters.clients import port_errors
from icscaler.adapters.sagemaker import LIST_PAGE, SageMakerEndpoints
from icscaler.config.tagged import Tagged

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient

_WORKERS = 8


def tagged_components(
    sagemaker: "SageMakerClient",
    described: SageMakerEndpoints,
    endpoints: Iterable[str],
    tag: str,
    at_s: int,
) -> tuple[Tagged, ...]:
    """Those on `endpoints` that carry `tag`, adapters left out (they have no copies of their own).

    Raises `PortError`. An endpoint that does not exist has none.
    """
    places = {
        arn: (name, endpoint)
        for endpoint in endpoints
        for name, arn in _listed(sagemaker, endpoint)
    }
    with ThreadPoolExecutor(_WORKERS) as pool:
        tags = dict(zip(places, pool.map(lambda arn: _tags(sagemaker, arn), places), strict=True))
    carrying = {places[arn][0]: arn for arn, found in tags.items() if tag in found}
    views = described.describe_components(sorted(carrying), at_s) if carrying else {}
    return tuple(
        Tagged(name, places[carrying[name]][1], view.variant, view.resources, tags[carrying[name]])
        for name, view in sorted(views.items())
        if view is not None and view.resources is not None
    )


def _listed(sagemaker: "SageMakerClient", endpoint: str) -> Iterator[tuple[str, str]]:
    with port_errors("sagemaker", "ListInferenceComponents"):
        pages = sagemaker.get_paginator("list_inference_components").paginate(
            EndpointNameEquals=endpoint, PaginationConfig={"PageSize": LIST_PAGE}
        )
        rows: Sequence[tuple[str, str]] = [
            (row["InferenceComponentName"], row["InferenceComponentArn"])
            for page in pages
            for row in page["InferenceComponents"]
        ]
    yield from rows


def _tags(sagemaker: "SageMakerClient", arn: str) -> dict[str, str]:
    with port_errors("sagemaker", "ListTags"):
        pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
