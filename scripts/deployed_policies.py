"""Print the permission policies of every role the template creates, as JSON, from the local cloud.

The template is deployed in both of its modes, so the policies are printed as AWS would see them:
references resolved, conditions decided. Run by .venv's Python.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from icscaler_localcloud.cloud import LocalCloud

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"


def policies(mode: str) -> Iterator[dict[str, Any]]:
    """{"name": role and policy, "document": the policy} of each inline policy of each role."""
    with LocalCloud() as cloud:
        stack = cloud.deploy(TEMPLATE, parameters={"Mode": mode})
        iam = cloud.client("iam")
        for role in stack.of_type("AWS::IAM::Role"):
            for name in iam.list_role_policies(RoleName=role.physical_id)["PolicyNames"]:
                policy = iam.get_role_policy(RoleName=role.physical_id, PolicyName=name)
                yield {
                    "name": f"{role.logical_id} {name} (Mode={mode})",
                    "document": policy["PolicyDocument"],
                }


if __name__ == "__main__":
    json.dump([*policies("act"), *policies("observe")], sys.stdout)
