"""What a variant's instances offer: the catalogue, as the fleet file corrects it."""

from icscaler.config.instances import CATALOGUE
from icscaler.config.schema import HardwareKeys, ScaleInKeys, VariantKeys
from icscaler.entities import VariantConfig
from icscaler.managed_scaling import ScaleIn


def missing_hardware(keys: VariantKeys) -> tuple[str, ...]:
    """The figures that neither the catalogue nor the file knows."""
    if keys.instance_type in CATALOGUE:
        return ()
    stated = keys.hardware.model_fields_set if keys.hardware else frozenset()
    return tuple(name for name in HardwareKeys.model_fields if name not in stated)


def _scale_in(keys: ScaleInKeys | None) -> ScaleIn | None:
    return ScaleIn(**keys.model_dump()) if keys is not None else None


def variant_config(keys: VariantKeys) -> VariantConfig:
    """The compiled variant; for one whose hardware is fully known (`missing_hardware`)."""
    known = CATALOGUE.get(keys.instance_type)
    figures: dict[str, float] = (
        {"gpus": known.gpus, "cpus": known.cpus, "memory_mb": known.memory_mb} if known else {}
    )
    if keys.hardware is not None:
        figures |= keys.hardware.stated()
    return VariantConfig(
        instance_type=keys.instance_type,
        gpus=int(figures["gpus"]),
        cpus=float(figures["cpus"]),
        memory_mb=int(figures["memory_mb"]),
        max_instances=keys.max_instances,
        usd_per_hour=keys.usd_per_hour,
        min_instances=keys.min_instances,
        scale_in=_scale_in(keys.scale_in),
    )


def known_variant(instance_type: str) -> VariantConfig | None:
    """A variant of such instances by the catalogue alone; None where it does not know them."""
    if instance_type not in CATALOGUE:
        return None
    return variant_config(VariantKeys(instance_type=instance_type))
