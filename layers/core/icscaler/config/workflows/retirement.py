"""The input of `retire_model`."""

from typing import Annotated

from pydantic import Field

from icscaler.config.settings import Part
from icscaler.config.values import AwsName
from icscaler.retirement.record import Retire


class RetireModel(Part):
    """A model to be taken away, with everything that was kept for it."""

    inference_component: AwsName = Field(
        description="The inference component.", examples=["codegen-review"]
    )
    force: bool = Field(default=False, description="Also while it has traffic.", examples=[True])
    adapters: bool = Field(
        default=False, description="Retire the adapters loaded into it first.", examples=[True]
    )
    sagemaker_model: bool = Field(
        default=False,
        description="Delete the SageMaker model that it was made from, too.",
        examples=[True],
    )
    quiet_s: Annotated[int, Field(ge=60, le=86_400)] = Field(
        default=900,
        description="Without `force` it must have had no request for this many seconds.",
        examples=[900],
    )
    patience_s: Annotated[int, Field(ge=60, le=14_400)] = Field(
        default=3600, description="How long each step may take.", examples=[3600]
    )

    def retire(self) -> Retire:
        """As the workflow uses it."""
        return Retire(
            component=self.inference_component,
            force=self.force,
            adapters=self.adapters,
            sagemaker_model=self.sagemaker_model,
            quiet_s=self.quiet_s,
            patience_s=self.patience_s,
        )
