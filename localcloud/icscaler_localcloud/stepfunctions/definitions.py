"""Reading definitions: moto's parser, and what else Step Functions refuses at creation.

Also refused, in words that say so, is what this interpreter cannot do faithfully: a machine that
would run differently on AWS must not run here at all. The list is in
`docs/design/003-local-step-functions.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    Resource,
    ServiceResource,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)

from icscaler_localcloud.stepfunctions.expressions import ExpressionError, check
from icscaler_localcloud.stepfunctions.integrations import operation_of, supported

MAX_DEFINITION_BYTES = 1024 * 1024
# Optimized integrations that are answered here.
_OPTIMIZED = frozenset({"dynamodb", "events", "lambda", "sns", "sqs", "states"})
_LOCAL = "not supported by the local cloud"


class DefinitionError(Exception):
    """The definition is refused: `code` and `location` as ValidateStateMachineDefinition has."""

    def __init__(self, message: str, *, location: str = "", code: str = "") -> None:
        super().__init__(f"{message} at {location}" if location else message)
        self.message = message
        self.location = location
        self.code = code or "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition that can run."""

    text: str
    program: Program
    timeout_s: int | None
    awaits_children: bool
    """Does a task wait for a child execution (`.sync`)?"""


@lru_cache(maxsize=512)
def read(text: str) -> Definition:
    """Parse and check a definition; DefinitionError says what is wrong where.

    Programs keep no state of the executions that run them, so one serves all.
    """
    if len(text.encode()) > MAX_DEFINITION_BYTES:
        raise DefinitionError("The definition is larger than 1 MiB", code="INVALID_JSON")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DefinitionError(str(error), code="INVALID_JSON") from None
    if not isinstance(document, dict):
        raise DefinitionError("The definition must be an object", code="INVALID_JSON")
    found = list(_states(document, "", "JSONPath"))
    for location, name, state, states, language in found:
        _check_state(location, name, state, states, language)
    try:
        program: Any = AmazonStateLanguageParser.parse(text)[0]
    except ASLParserException as error:
        raise DefinitionError(str(error).removeprefix("ASLParserException ")) from None
    except Exception as error:  # moto's preprocessor raises whatever comes to hand
        raise DefinitionError(str(error) or type(error).__name__) from None
    timeout = program.timeout_seconds
    return Definition(
        text,
        program,
        timeout_s=timeout.timeout_seconds if timeout is not None else None,
        awaits_children=any(".sync" in str(s.get("Resource", "")) for _, _, s, _, _ in found),
    )


State = Mapping[str, Any]


def _states(
    machine: State, prefix: str, language: str
) -> Iterator[tuple[str, str, State, State, str]]:
    """(location, name, state, its siblings, its query language) of all states, nested too."""
    language = str(machine.get("QueryLanguage", language))
    states = machine.get("States")
    if not isinstance(states, dict) or machine.get("StartAt") not in states:
        raise DefinitionError(
            "StartAt must name one of States",
            location=f"{prefix}/StartAt",
            code="MISSING_TRANSITION_TARGET",
        )
    for name, state in states.items():
        location = f"{prefix}/States/{name}"
        if not isinstance(state, dict):
            raise DefinitionError("A state must be an object", location=location)
        spoken = str(state.get("QueryLanguage", language))
        yield location, name, state, states, spoken
        for number, branch in enumerate(state.get("Branches", ())):
            yield from _states(branch, f"{location}/Branches[{number}]", spoken)
        for member in ("ItemProcessor", "Iterator"):
            if member in state:
                yield from _states(state[member], f"{location}/{member}", spoken)


def _check_state(location: str, name: str, state: State, states: State, language: str) -> None:
    _check_targets(location, state, states)
    if any(catcher.get("Next") == name for catcher in state.get("Catch", ())):
        raise DefinitionError(f"a Catch back to its own state is {_LOCAL}", location=location)
    if state.get("Type") == "Map":
        _check_map(location, state)
    if state.get("Type") == "Task":
        _check_task(location, state)
    elif "TimeoutSeconds" in state or "HeartbeatSeconds" in state:
        raise DefinitionError("Only Task states have time limits", location=location)
    if language == "JSONata":
        for path, text in _texts(state, ("Branches", "ItemProcessor", "Iterator")):
            _check_expression(f"{location}{path}", text)


def _check_targets(location: str, state: State, states: State) -> None:
    ends = ("Next" in state) + (state.get("End") is True)
    if ends != (state.get("Type") not in ("Choice", "Fail", "Succeed")):
        raise DefinitionError(
            "Every state but Choice, Fail and Succeed has exactly one of Next and End, those none",
            location=location,
        )
    transitions = [state, *state.get("Catch", ()), *state.get("Choices", ())]
    targets = [t["Next"] for t in transitions if "Next" in t] + [
        state[member] for member in ("Default",) if member in state
    ]
    for target in targets:
        if target not in states:
            raise DefinitionError(
                f"Missing 'Next' target: {target}",
                location=location,
                code="MISSING_TRANSITION_TARGET",
            )


def _check_map(location: str, state: State) -> None:
    processor = state.get("ItemProcessor", {})
    mode = processor.get("ProcessorConfig", {}).get("Mode", "INLINE")
    distributed = mode == "DISTRIBUTED" or any(
        member in state for member in ("ItemReader", "ItemBatcher", "ResultWriter")
    )
    if distributed:
        raise DefinitionError(f"a distributed Map is {_LOCAL}", location=location)


def _check_task(location: str, state: State) -> None:
    arn = str(state.get("Resource", ""))
    try:
        resource: Any = Resource.from_resource_arn(arn)
    except RuntimeError as error:
        raise DefinitionError(str(error), location=location) from None
    if ":states:" in arn and ":activity:" in arn:
        raise DefinitionError(f"an activity is {_LOCAL}", location=location)
    if not isinstance(resource, ServiceResource):
        return
    condition = resource.condition
    if resource.service_name != "aws-sdk" and resource.service_name not in _OPTIMIZED:
        raise DefinitionError(f"{arn} is {_LOCAL}", location=location)
    if condition in ("sync", "sync:2") and resource.service_name != "states":
        raise DefinitionError(f"{condition} of {arn} is {_LOCAL}", location=location)
    _check_arguments(location, state, resource)


def _check_arguments(location: str, state: State, resource: Any) -> None:
    """A service, an action, and members that exist."""
    try:
        operation = operation_of(resource)
    except UnknownServiceError:
        operation = None
    if operation is None:
        raise DefinitionError(
            "The resource provided is not recognized. The value is not a valid resource ARN, or "
            f"the resource is not available in this region: {state['Resource']}",
            location=f"{location}/Resource",
        )
    arguments = state.get("Arguments", state.get("Parameters"))
    if not isinstance(arguments, dict) or operation.input_shape is None:
        return
    known = {_plain(member) for member in supported(resource) or operation.input_shape.members}
    for member in arguments:
        if _plain(member.removesuffix(".$")) not in known:
            raise DefinitionError(
                f'The field "{member}" is not supported by Step Functions', location=location
            )


def _plain(member: str) -> str:
    return member.replace("_", "").lower()


def _texts(value: Any, left_out: tuple[str, ...] = (), path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in left_out:
                yield from _texts(item, (), f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (), f"{path}[{number}]")


def _check_expression(location: str, text: str) -> None:
    if not (text.startswith("{%") and text.endswith("%}")):
        return
    try:
        check(text[2:-2].strip())
    except ExpressionError as error:
        raise DefinitionError(error.cause, location=location) from None
