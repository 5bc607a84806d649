"""Deploys a SAM template to the local cloud.

What is demonstrated is what is deployed: the template goes through AWS's own SAM transform, its
intrinsics are resolved, and every resource is created with every property it states. A resource
type or property the deployer does not know is an error that names both, never skipped.
"""

from icscaler_localcloud.deployer.errors import DeployError
from icscaler_localcloud.deployer.stack import Resource, Stack, deploy

__all__ = ["DeployError", "Resource", "Stack", "deploy"]
