"""CloudFormation's intrinsic functions, conditions and pseudo parameters.

Source: CloudFormation Template Reference, "Intrinsic function reference". Supported: Ref,
Fn::GetAtt, Sub, Join, If, Select, Split, FindInMap, Base64, the condition functions and
`Condition`. Others (ImportValue, Cidr, Transform, ...) are refused by name.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from icscaler_localcloud.deployer.errors import DeployError

NO_VALUE = object()
"""What !Ref AWS::NoValue becomes; the property or list item that holds it disappears."""

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")


class Resolver:
    """Resolves values of one template.

    `reference(logical_id)` gives what Ref means for a created resource, `attribute(logical_id,
    name)` what GetAtt does; both raise DeployError for what does not exist.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str | list[str]],
        pseudo: Mapping[str, str],
        reference: Callable[[str], str],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._mappings = template.get("Mappings", {})
        self._conditions = template.get("Conditions", {})
        self._parameters = parameters
        self._pseudo = pseudo
        self._reference = reference
        self._attribute = attribute
        self._known: dict[str, bool] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": lambda v: base64.b64encode(str(self.resolve(v)).encode()).decode(),
            "Fn::Equals": lambda v: self.resolve(v[0]) == self.resolve(v[1]),
            "Fn::And": lambda v: all(self.truth(item) for item in v),
            "Fn::Or": lambda v: any(self.truth(item) for item in v),
            "Fn::Not": lambda v: not self.truth(v[0]),
        }

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic replaced; NO_VALUE members are gone."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in self._functions:
                    return self._functions[name](argument)
                if str(name).startswith("Fn::"):
                    raise DeployError(f"intrinsic function {name} is not supported")
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not NO_VALUE}
        if isinstance(value, (list, tuple)):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        return value

    def condition(self, name: str) -> bool:
        """Is the named condition true?"""
        if name not in self._conditions:
            raise DeployError(f"there is no condition {name}")
        if name not in self._known:
            self._known[name] = self.truth(self._conditions[name])
        return self._known[name]

    def truth(self, value: Any) -> bool:
        """The truth of a condition expression."""
        if isinstance(value, Mapping) and set(value) == {"Condition"}:
            return self.condition(value["Condition"])
        return bool(self.resolve(value))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        return self._reference(name)

    def _get_att(self, value: Any) -> str:
        logical_id, _, attribute = (
            value.partition(".") if isinstance(value, str) else (value[0], ".", value[1])
        )
        return self._attribute(logical_id, str(self.resolve(attribute)))

    def _sub(self, value: Any) -> str:
        text, variables = (value, {}) if isinstance(value, str) else (value[0], value[1])

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(self.resolve(variables[name]))
            if "." in name:
                return self._get_att(name)
            return str(self._ref(name))

        return _SUBSTITUTION.sub(replacement, text)

    def _join(self, value: Any) -> str:
        separator, items = value
        return str(separator).join(str(item) for item in self.resolve(items))

    def _if(self, value: Any) -> Any:
        name, then, otherwise = value
        return self.resolve(then if self.condition(name) else otherwise)

    def _select(self, value: Any) -> Any:
        index, items = int(self.resolve(value[0])), self.resolve(value[1])
        if not 0 <= index < len(items):
            raise DeployError(f"Fn::Select: index {index} of {len(items)} items")
        return items[index]

    def _split(self, value: Any) -> list[str]:
        return str(self.resolve(value[1])).split(value[0])

    def _find_in_map(self, value: Any) -> Any:
        path = [self.resolve(part) for part in value]
        found: Any = self._mappings
        for part in path:
            if not isinstance(found, Mapping) or part not in found:
                raise DeployError(f"Fn::FindInMap: nothing at {'/'.join(map(str, path))}")
            found = found[part]
        return found


def references(value: Any) -> Iterator[str]:
    """Every name a value refers to by Ref, GetAtt or Sub (parameters and pseudo ones included)."""
    if isinstance(value, Mapping):
        for name, argument in value.items():
            if name == "Ref":
                yield argument
            elif name == "Fn::GetAtt":
                yield argument.partition(".")[0] if isinstance(argument, str) else argument[0]
            elif name == "Fn::Sub":
                yield from _sub_references(argument)
            else:
                yield from references(argument)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)


def _sub_references(argument: Any) -> Iterator[str]:
    text, variables = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
    for literal, name in _SUBSTITUTION.findall(text):
        if not literal and name not in variables:
            yield name.partition(".")[0]
    yield from references(list(variables.values()))
