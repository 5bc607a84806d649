"""An endpoint: its variants, its status, and when it shows Updating."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from icscaler_sim.world.instances import Variant
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.specs import EndpointStatus, EndpointView, VariantSpec, VariantView


class Endpoint:
    """One endpoint: Creating until its instances are up, later Updating while any come or go."""

    __slots__ = (
        "_on_gone",
        "created_s",
        "failure_reason",
        "images",
        "kernel",
        "modified_s",
        "name",
        "status",
        "variants",
    )

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        variants: Sequence[VariantSpec],
        on_gone: Callable[[Endpoint], None],
    ) -> None:
        self.kernel = kernel
        self.name = name
        self.status: EndpointStatus = "Creating"
        self.created_s = self.modified_s = kernel.now_s
        self.failure_reason: str | None = None
        self.images: set[str] = set()
        """Images in the endpoint's cache (`image_cache` "endpoint")."""
        self._on_gone = on_gone
        self.variants = {spec.name: Variant(kernel, self, spec) for spec in variants}

    def start(self) -> None:
        """Launch the first instances."""
        for variant in self.variants.values():
            for _ in range(max(variant.spec.initial_instances, variant.min_instances)):
                variant.launch()

    def refresh(self) -> None:
        """Something may have changed: bring the status in line."""
        complete = all(variant.complete for variant in self.variants.values())
        if self.status == "Deleting":
            if not any(variant.instances for variant in self.variants.values()):
                self._on_gone(self)
        elif complete and self.status in ("Creating", "Updating"):
            self._set("InService")
        elif not complete and self.status == "InService":
            self._set("Updating")

    def fail(self, reason: str) -> None:
        """A single-model variant's container did not start."""
        self.failure_reason = reason
        if self.status == "Creating":
            self._set("Failed")

    def delete(self) -> None:
        """Let everything go; `on_gone` is called at the end."""
        self._set("Deleting")
        for variant in self.variants.values():
            variant.close()
        self.kernel.after(
            self.kernel.draw(self.kernel.settings.status_settle_s, "delete", self.name),
            self.refresh,
        )

    def _set(self, status: EndpointStatus) -> None:
        self.status = status
        self.modified_s = self.kernel.now_s

    def view(self) -> EndpointView:
        """As `DescribeEndpoint` shows it."""
        return EndpointView(
            name=self.name,
            status=self.status,
            created_s=self.created_s,
            modified_s=self.modified_s,
            failure_reason=self.failure_reason,
            variants=tuple(
                VariantView(
                    spec=variant.spec,
                    current_instances=variant.current_instances,
                    desired_instances=variant.desired_instances,
                    weight=variant.weight,
                    desired_weight=variant.weight,
                )
                for variant in self.variants.values()
            ),
        )
