"""The state table on DynamoDB: `DynamoStateStore`. Its layout: docs/design/001-state-table.md."""

from icscaler.adapters.dynamodb.fleet_items import FleetItems
from icscaler.adapters.dynamodb.overlay_items import OverlayItems
from icscaler.adapters.dynamodb.record_items import RecordItems
from icscaler.adapters.dynamodb.rollout_items import RolloutItems
from icscaler.adapters.dynamodb.takeover_items import TakeoverItems
from icscaler.adapters.dynamodb.workflow_items import WorkflowItems

__all__ = ["DynamoStateStore"]


class DynamoStateStore(
    FleetItems, WorkflowItems, OverlayItems, RecordItems, RolloutItems, TakeoverItems
):
    """`ports.StateStore` on one table; one base class for each kind of partition."""
