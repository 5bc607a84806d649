"""Operations on state machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.moto_seams import new_id
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.stepfunctions.definitions import Definition, DefinitionError, read
from icscaler_localcloud.stepfunctions.machines import Machine, Revision, may_be_assumed
from icscaler_localcloud.stepfunctions.paging import page

if TYPE_CHECKING:
    from icscaler_localcloud.stepfunctions.executions import Execution
    from icscaler_localcloud.stepfunctions.service import StepFunctions

Params = Mapping[str, Any]
# What `.sync` takes (Developer Guide, "IAM policies for integrated services", Step Functions).
_CHILD_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
_RULE_ACTIONS = ("PutTargets", "PutRule", "DescribeRule")
_SETTINGS = ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")


class MachineApi:
    """The state machines of one account and Region."""

    def __init__(self, service: StepFunctions) -> None:
        self._service = service
        self._by_arn: dict[str, Machine] = {}
        self.operations: dict[str, Callable[[Params], Mapping[str, Any] | None]] = {
            "CreateStateMachine": self._create,
            "UpdateStateMachine": self._update,
            "DeleteStateMachine": self._delete,
            "DescribeStateMachine": self._describe,
            "ListStateMachines": self._list,
            "ValidateStateMachineDefinition": self._validate,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    def get(self, arn: str) -> Machine:
        """The machine of this ARN (not of a version or alias); ServiceError when there is none."""
        if arn not in self._by_arn:
            raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return self._by_arn[arn]

    def execution_ended(self, execution: Execution) -> None:
        """A machine that is being deleted goes with its last running execution."""
        machine = self._by_arn.get(execution.revision.machine_arn)
        if machine is not None and machine.deleting:
            self._remove_if_idle(machine)

    # -- changing

    def _create(self, params: Params) -> Mapping[str, Any]:
        cloud, name = self._service.cloud, params["name"]
        if params.get("type", "STANDARD") != "STANDARD":
            raise ServiceError(
                "StateMachineTypeNotSupported",
                "State Machine Type Not Supported: the local cloud runs standard workflows only",
            )
        if params.get("publish"):
            raise ServiceError(
                "ValidationException", "versions are not supported by the local cloud"
            )
        definition = _read(params["definition"])
        self._check_role(params["roleArn"], definition)
        arn = f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:{name}"
        known = self._by_arn.get(arn)
        if known is not None:
            same = known.revision.definition.text == definition.text
            if known.deleting or not same or known.revision.role_arn != params["roleArn"]:
                raise ServiceError(
                    "StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'"
                )
            return {"stateMachineArn": arn, "creationDate": known.created_s}
        now_s = cloud.clock.now_s
        revision = Revision(arn, name, params["roleArn"], definition, "INITIAL")
        settings = {key: params[key] for key in _SETTINGS if key in params}
        tags = {tag["key"]: tag["value"] for tag in params.get("tags", ())}
        self._by_arn[arn] = Machine(arn, name, revision, now_s, now_s, settings, tags)
        return {"stateMachineArn": arn, "creationDate": now_s}

    def _update(self, params: Params) -> Mapping[str, Any]:
        machine = self._existing(params)
        if not any(key in params for key in ("definition", "roleArn", *_SETTINGS)):
            raise ServiceError(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, the "
                "EncryptionConfiguration or the TracingConfiguration must be specified",
            )
        old = machine.revision
        definition = _read(params["definition"]) if "definition" in params else old.definition
        role_arn = params.get("roleArn", old.role_arn)
        self._check_role(role_arn, definition)
        machine.revision = Revision(machine.arn, machine.name, role_arn, definition, new_id())
        machine.settings |= {key: params[key] for key in _SETTINGS if key in params}
        machine.updated_s = self._service.cloud.clock.now_s
        return {"updateDate": machine.updated_s, "revisionId": machine.revision.revision_id}

    def _delete(self, params: Params) -> Mapping[str, Any]:
        machine = self._by_arn.get(params["stateMachineArn"])
        if machine is not None:
            machine.deleting = True
            self._remove_if_idle(machine)
        return {}

    def _remove_if_idle(self, machine: Machine) -> None:
        if all(e.ending is not None for e in self._service.of_machine(machine.arn)):
            self._by_arn.pop(machine.arn, None)

    def _check_role(self, role_arn: str, definition: Definition) -> None:
        cloud = self._service.cloud
        if not cloud.enforce_iam:
            return
        role = cloud.iam.roles.get(role_arn)
        if role is None or not may_be_assumed(role.trust, "states.amazonaws.com"):
            raise ServiceError(
                "AccessDeniedException",
                "Neither the global service principal states.amazonaws.com, nor the regional one "
                f"is authorized to assume the provided role. ({role_arn})",
            )
        # Step Functions learns of a child's end by a rule that it makes in the role's name.
        rule = f"arn:aws:events:{cloud.region}:{cloud.account}:rule/{_CHILD_RULE}"
        if definition.awaits_children and not all(
            cloud.iam.allows(role_arn, f"events:{action}", rule) for action in _RULE_ACTIONS
        ):
            raise ServiceError(
                "AccessDeniedException", f"'{role_arn}' is not authorized to create managed-rule."
            )

    # -- looking

    def _existing(self, params: Params) -> Machine:
        machine = self.get(params["stateMachineArn"])
        if machine.deleting:
            raise ServiceError(
                "StateMachineDeleting", f"State Machine Is Being Deleted: '{machine.arn}'"
            )
        return machine

    def _describe(self, params: Params) -> Mapping[str, Any]:
        machine = self.get(params["stateMachineArn"])
        return {
            **_summary(machine),
            "status": machine.status,
            "definition": machine.revision.definition.text,
            "roleArn": machine.revision.role_arn,
            "revisionId": machine.revision.revision_id,
            "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
            "tracingConfiguration": {"enabled": False},
            **machine.settings,
        }

    def _list(self, params: Params) -> Mapping[str, Any]:
        shown, token = page(list(self._by_arn.values()), params, newest_first=False)
        return {"stateMachines": [_summary(machine) for machine in shown], "nextToken": token}

    def _validate(self, params: Params) -> Mapping[str, Any]:
        try:
            read(params["definition"])
        except DefinitionError as error:
            problem = {"severity": "ERROR", "code": error.code, "message": error.message}
            problem |= {"location": error.location} if error.location else {}
            return {"result": "FAIL", "diagnostics": [problem], "truncated": False}
        return {"result": "OK", "diagnostics": [], "truncated": False}

    # -- tags

    def _tagged(self, params: Params) -> Machine:
        arn = params["resourceArn"]
        if arn not in self._by_arn:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return self._by_arn[arn]

    def _tag(self, params: Params) -> Mapping[str, Any]:
        self._tagged(params).tags.update({tag["key"]: tag["value"] for tag in params["tags"]})
        return {}

    def _untag(self, params: Params) -> Mapping[str, Any]:
        tags = self._tagged(params).tags
        for key in params["tagKeys"]:
            tags.pop(key, None)
        return {}

    def _list_tags(self, params: Params) -> Mapping[str, Any]:
        tags = self._tagged(params).tags
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def _read(text: str) -> Definition:
    try:
        return read(text)
    except DefinitionError as error:
        raise ServiceError(
            "InvalidDefinition", f"Invalid State Machine Definition: '{error.code}: {error}'"
        ) from None


def _summary(machine: Machine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created_s,
    }
