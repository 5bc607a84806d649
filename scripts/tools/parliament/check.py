"""Judge IAM policies with parliament; run by the Python of parliament's own environment.

Reads [{"name": ..., "document": ...}] from standard input and prints every finding. Exits 1 if
there is one: an action AWS does not know, a resource an action can't have, a wildcard too wide.
"""

import json
import sys
from typing import Any

from parliament import analyze_policy_string


def main() -> int:
    """Print findings; 1 if there is one."""
    found = 0
    policies: list[dict[str, Any]] = json.load(sys.stdin)
    for policy in policies:
        analysis = analyze_policy_string(
            json.dumps(policy["document"]), include_community_auditors=True
        )
        for finding in analysis.findings:
            found += 1
            print(f"{policy['name']}: {finding.issue}: {finding.detail} {finding.location}")
    print(f"{len(policies)} policies, {found} findings")
    return 1 if found or not policies else 0


if __name__ == "__main__":
    sys.exit(main())
