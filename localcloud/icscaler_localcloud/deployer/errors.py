"""What can be wrong with a template."""

from __future__ import annotations


class DeployError(Exception):
    """A template, parameter or resource that cannot be deployed.

    `resource` is the logical id (with its type in the text), `property_name` the property, either
    None where the fault is elsewhere.
    """

    def __init__(
        self,
        message: str,
        *,
        resource: str | None = None,
        resource_type: str | None = None,
        property_name: str | None = None,
    ) -> None:
        self.resource = resource
        self.resource_type = resource_type
        self.property_name = property_name
        where = f"{resource} ({resource_type})" if resource_type else (resource or "")
        if property_name:
            where = f"{where}, property {property_name}" if where else f"property {property_name}"
        super().__init__(f"{where}: {message}" if where else message)
