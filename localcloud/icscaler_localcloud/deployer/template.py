"""Reading a template: YAML with short-form intrinsics, parameters, the SAM transform."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import undo_mark_unicode_str_in_template
from samtranslator.yaml_helper import yaml_parse

from icscaler_localcloud.deployer.errors import DeployError

# The transform warns of metrics about itself that nobody collects.
logging.getLogger("samtranslator").addHandler(logging.NullHandler())

SAM_TRANSFORM = "AWS::Serverless-2016-10-31"
# SAM wants code on S3; a local path travels through the transform as a key of this bucket.
LOCAL_BUCKET = "local-path"
_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Globals",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Transform",
    }
)
_PARAMETER_KEYS = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
# Where SAM resources name local code.
_CODE_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
# AWS managed policies that SAM or templates attach to functions, by name. SAM only needs ARNs.
MANAGED_POLICIES = {
    name: f"arn:aws:iam::aws:policy/{path}{name}"
    for name, path in (
        ("AWSLambdaBasicExecutionRole", "service-role/"),
        ("AWSLambdaSQSQueueExecutionRole", "service-role/"),
        ("AWSXrayWriteOnlyAccess", ""),
        ("AWSXRayDaemonWriteAccess", ""),
    )
}


def load(path: Path) -> dict[str, Any]:
    """Parse a template file; DeployError with position when it is no template."""
    try:
        document: Any = json.loads(_parsed(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise DeployError(f"{path.name} is not readable YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise DeployError(f"{path.name} has no Resources section")
    for section in document:
        if section not in _SECTIONS:
            raise DeployError(f"template section {section} is not supported")
    return document


# Parsing and transforming take most of a deployment's time, and tests deploy one template often.
@lru_cache(maxsize=16)
def _parsed(text: str) -> str:
    """The document as JSON (a template holds nothing else; dates become the text they were)."""
    return json.dumps(yaml_parse(text), default=str)


def resolve_parameters(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> dict[str, str | list[str]]:
    """Values of all parameters: given ones, else defaults, checked against their constraints.

    Lists (CommaDelimitedList, List<...>) come out as lists.
    """
    for name in given:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise DeployError(f"the template has no parameter {name} (it has: {known})")
    values: dict[str, str | list[str]] = {}
    for name, parameter in declared.items():
        for key in parameter:
            if key not in _PARAMETER_KEYS:
                raise DeployError(f"parameter {name}: {key} is not supported")
        if name in given:
            text = str(given[name])
        elif "Default" in parameter:
            text = str(parameter["Default"])
        else:
            raise DeployError(f"parameter {name} has no default and no value was given")
        kind = str(parameter.get("Type", "String"))
        if kind.startswith("AWS::SSM::"):
            raise DeployError(f"parameter {name}: type {kind} is not supported")
        is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
        parts = [part.strip() for part in text.split(",")] if is_list else [text]
        for part in parts:
            _check(name, part, parameter, number=kind in ("Number", "List<Number>"))
        values[name] = parts if is_list else text
    return values


def _check(name: str, value: str, parameter: Mapping[str, Any], *, number: bool) -> None:
    problem = _problem(value, parameter, number=number)
    if problem is not None:
        hint = parameter.get("ConstraintDescription")
        raise DeployError(f"parameter {name}: {value!r} {problem}" + (f" ({hint})" if hint else ""))


def _problem(value: str, parameter: Mapping[str, Any], *, number: bool) -> str | None:
    """What is wrong with a parameter's value; None when nothing is."""
    allowed = [str(a) for a in parameter.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"is not one of {', '.join(allowed)}"
    pattern = parameter.get("AllowedPattern")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        return f"does not match {pattern}"
    if number:
        try:
            amount = float(value)
        except ValueError:
            return "is not a number"
        low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    else:
        amount = len(value)
        low, high = parameter.get("MinLength"), parameter.get("MaxLength")
    noun = "" if number else "has a length that "
    if low is not None and amount < float(low):
        return f"{noun}is below the minimum of {low}"
    if high is not None and amount > float(high):
        return f"{noun}is above the maximum of {high}"
    return None


def transform(
    document: Mapping[str, Any], parameters: Mapping[str, str | list[str]]
) -> dict[str, Any]:
    """The template after the SAM transform, unchanged when it asks for none."""
    asked = document.get("Transform", [])
    asked = [asked] if isinstance(asked, str) else asked
    if not asked:
        return dict(document)
    if asked != [SAM_TRANSFORM]:
        raise DeployError(f"transform {', '.join(map(str, asked))} is not supported")
    values = {k: ",".join(v) if isinstance(v, list) else v for k, v in parameters.items()}
    result: dict[str, Any] = json.loads(
        _transformed(json.dumps(_with_local_code(document)), json.dumps(values))
    )
    return result


@lru_cache(maxsize=16)
def _transformed(document: str, parameters: str) -> str:
    try:
        transformed = Translator(None, Parser()).translate(
            json.loads(document),
            parameter_values=json.loads(parameters),
            passthrough_metadata=True,
            get_managed_policy_map=lambda: MANAGED_POLICIES,
        )
    except InvalidDocumentException as error:
        reasons = "; ".join(str(cause.message) for cause in error.causes)
        raise DeployError(f"the SAM transform refuses the template: {reasons}") from None
    return json.dumps(undo_mark_unicode_str_in_template(transformed))


def _with_local_code(document: Mapping[str, Any]) -> dict[str, Any]:
    prepared: dict[str, Any] = deepcopy(dict(document))
    shared = prepared.get("Globals", {}).get("Function", {})
    blocks = [(shared, "CodeUri")] if isinstance(shared, dict) else []
    for resource in prepared["Resources"].values():
        code = _CODE_PROPERTIES.get(resource.get("Type", ""))
        if code is not None:
            blocks.append((resource.get("Properties", {}), code))
    for properties, name in blocks:
        uri = properties.get(name)
        if isinstance(uri, str) and not uri.startswith("s3://"):
            properties[name] = f"s3://{LOCAL_BUCKET}/{uri}"
    return prepared
