"""pydantic's errors in the words of the fleet file: what is wrong, and what to write instead."""

import re
from typing import Any

from icscaler.config.problems import Path, did_you_mean

# Words that people bring along from Kubernetes, Application Auto Scaling and SageMaker's own API.
_FOREIGN_WORDS = {
    "minreplicas": "min_copies",
    "min_replicas": "min_copies",
    "mincapacity": "min_copies",
    "min_capacity": "min_copies",
    "min": "min_copies",
    "maxreplicas": "max_copies",
    "max_replicas": "max_copies",
    "maxcapacity": "max_copies",
    "max_capacity": "max_copies",
    "max": "max_copies",
    "copies": "min_copies",
    "replicas": "min_copies",
    "copy_count": "min_copies",
    "instancetype": "instance_type",
    "maxinstancecount": "max_instances",
    "targetvalue": "target_value",
    "target": "target_value",
    "idle": "idle_s",
    "idle_timeout": "idle_s",
    "scale_to_zero_after": "idle_s",
    "scaleincooldown": "scale_in_cooldown_s",
    "scaleoutcooldown": "scale_out_cooldown_s",
    "accelerators": "gpus",
    "numberofacceleratordevicesrequired": "gpus",
    "numberofcpucoresrequired": "cpus",
    "minmemoryrequiredinmb": "memory_mb",
    "memory": "memory_mb",
    "memory_gb": "memory_mb",
    "priority": "class",
    "base": "adapter_of",
    "names": "name",
    "pattern": "name",
    "enabled": "paused",
    "team": "owner",
    "expires": "until",
    "tags": "labels",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d)")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping (`key: value` lines)",
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
    "tuple_type": "a list (`- item` lines)",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}


def keys_at(schema: dict[str, Any], path: Path) -> tuple[str, ...]:
    """The keys that the JSON Schema knows for the mapping at `path`; empty where any are fine."""
    node = schema
    for part in path:
        node = _behind_reference(schema, node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
            if not isinstance(node, dict):
                return ()
    return tuple(sorted(_behind_reference(schema, node).get("properties", {})))


def _behind_reference(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if reference := node.get("$ref"):
        found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
        return found
    return node


def shown(value: Any) -> str:
    """A value as the file's author would recognise it, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def seconds_meant(value: Any) -> int | None:
    """The seconds that a text like `15m` or `2 h` stands for; None when it is none."""
    found = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    return round(float(found[1]) * _SECONDS[found[2]]) if found else None


def worded(error: Any, path: Path, schema: dict[str, Any]) -> tuple[str, str]:
    """Problem and remedy for one item of `ValidationError.errors()` at `path`."""
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    key = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return _unknown_key(key, keys_at(schema, path[:-1]))
    if kind == "missing":
        return f'"{key}" is missing', f"add `{key}:` here"
    if kind == "value_error":
        return _split(str(context["error"]), key, value)
    if kind == "literal_error":
        allowed = context["expected"].replace("'", "")
        return f"must be {allowed}, not {shown(value)}", did_you_mean(
            str(value), allowed.replace(" or ", ", ").split(", ")
        )
    if kind in _KINDS:
        return _wrong_kind(key, _KINDS[kind], value)
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"must be {word} {context[bound]:g}, not {shown(value)}", ""
    if kind in ("string_too_short", "string_too_long"):
        bound = context.get("min_length", context.get("max_length"))
        word = "at least" if kind == "string_too_short" else "at most"
        return f"must have {word} {bound} characters, has {len(value)}", ""
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        word = "at least" if kind == "too_short" else "at most"
        return f"needs {word} {bound} of them, has {context.get('actual_length', 'more')}", ""
    return str(error["msg"]), ""


def _unknown_key(key: str, known: tuple[str, ...]) -> tuple[str, str]:
    foreign = _FOREIGN_WORDS.get(key.lower().replace("-", "_"))
    near = f'did you mean "{foreign}"?' if foreign in known else did_you_mean(key, known)
    return "unknown key", near or f"keys here: {', '.join(known)}"


def _wrong_kind(key: str, wanted: str, value: Any) -> tuple[str, str]:
    problem = f"must be {wanted}, not {shown(value)}"
    seconds = seconds_meant(value)
    if key.endswith("_s") and seconds is not None:
        return problem, f"durations are whole seconds: write {seconds}"
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?", value) and "number" in wanted:
        return problem, "take the quotes away"
    if wanted == "true or false" and str(value).lower() in ("yes", "no", "on", "off"):
        meant = "true" if str(value).lower() in ("yes", "on") else "false"
        return problem, f"write {meant}"
    if wanted == "true or false" and str(value).lower() in ("true", "false"):
        return problem, "take the quotes away"
    if wanted == "text" and not isinstance(value, dict | list):
        return (
            problem,
            f'put it in quotes: "{str(value).lower() if value in (True, False) else value}"',
        )
    return problem, ""


def _split(message: str, key: str, value: Any) -> tuple[str, str]:
    """Our validators' messages are "problem; remedy"."""
    problem, _, remedy = message.partition("; ")
    seconds = seconds_meant(value)
    if key.endswith("_s") and seconds is not None:
        remedy = f"durations are whole seconds: write {seconds}"
    return problem, remedy
