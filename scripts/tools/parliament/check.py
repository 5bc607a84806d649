"""Judge IAM policies with parliament; run by the Python of parliament's own environment.

Reads [{"name": ..., "document": ...}] from standard input and prints every finding. Exits 1 if
there is one: an action AWS does not know, a resource an action can't have, a wildcard too wide.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from parliament import analyze_policy_string

Key = tuple[str, str, str]
ACCEPTED: Mapping[Key, str] = {
    ("RESOURCE_MISMATCH", "states:DescribeExecution", "arn:*:states:*:*:express:*:*:*"): (
        "asks for both kinds of execution at once; ours are standard ones"
    ),
    ("PERMISSIONS_MANAGEMENT_ACTIONS", "logs:putresourcepolicy", ""): (
        "a state machine that writes logs needs it, as the Step Functions guide says"
    ),
}
"""(issue, action, ARN asked for) of findings that do not hold here, each with the reason."""


def keys(finding: Any) -> Iterator[Key]:
    """What a finding is about, action by action."""
    detail = finding.detail if isinstance(finding.detail, list) else ()
    for one in detail:
        yield finding.issue, one["action"], one["required_format"]
    for action in finding.location.get("actions", ()):
        yield finding.issue, action, ""


def main() -> int:
    """Print findings; 1 if there is one."""
    found, met = 0, set()
    policies: list[dict[str, Any]] = json.load(sys.stdin)
    for policy in policies:
        analysis = analyze_policy_string(
            json.dumps(policy["document"]), include_community_auditors=True
        )
        for finding in analysis.findings:
            about = set(keys(finding))
            if about and about <= ACCEPTED.keys():
                met |= about
                continue
            found += 1
            print(f"{policy['name']}: {finding.issue}: {finding.detail} {finding.location}")
    for key in ACCEPTED.keys() - met:
        found += 1
        print(f"{' '.join(key)}: accepted, and not found any more: mend {__file__}")
    print(f"{len(policies)} policies, {found} findings, {len(met)} kinds accepted")
    return 1 if found or not policies else 0


if __name__ == "__main__":
    sys.exit(main())
