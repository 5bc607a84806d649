"""The `icscaler endpoint` commands: options in, exit code out."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from icscaler.entities import EndpointConfig
from icscaler.managed_scaling import Drift, drifts
from icscaler_cli import clock
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, open_controller
from icscaler_cli.endpoint.plan import new_config, price_lines
from icscaler_cli.options import Profile, Region, StackName, TableName, Yes, confirm, place_of
from icscaler_cli.output import AwsTroubleError, ExitCode, console, reported_failures, say
from icscaler_cli.switching import refuse_unknown

LEASE_S = 60
POLL_S = 15
DEFAULT_WAIT_S = 1800

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def endpoint() -> None:
    """Put an endpoint's managed scaling right: limits and scale-in policy."""


@dataclass(frozen=True, slots=True)
class _There:
    """An endpoint as it is: its description, its configuration's, and how it drifts."""

    answer: Any
    present: Any
    found: tuple[Drift, ...]


@app.command()
def apply(
    name: Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint of the fleet.")],
    wait: Annotated[
        int, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for it.")
    ] = DEFAULT_WAIT_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Give an endpoint the instance limits and scale-in policy that the published fleet states.

    Makes a new endpoint configuration and updates the endpoint to it; instances and weights stay.
    No look ever does this. It may be repeated: what is done already is not done again.
    """
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            fleet = controller.fleet()
            refuse_unknown(fleet, [name], [])
            stated = fleet.endpoints[name]
            if not _apply(controller, stated, dry_run=dry_run, yes=yes, wait_s=wait):
                raise typer.Exit(ExitCode.INCOMPLETE)


def _apply(
    controller: Controller, stated: EndpointConfig, *, dry_run: bool, yes: bool, wait_s: int
) -> bool:
    sagemaker = controller.client("sagemaker")
    there = _there(sagemaker, stated)
    if not there.found:
        say(f"{stated.name} is as the published fleet states it.")
        return True
    request = new_config(stated.name, there.present, stated.variants)
    if there.answer["EndpointStatus"] != "InService":
        if _pending(there.answer) != request["EndpointConfigName"]:
            status = there.answer["EndpointStatus"]
            raise AwsTroubleError(
                f"{stated.name} is {status} and can't be updated now", "try again when it is not"
            )
        say(f"{stated.name} is being updated to it already.")
        return _wait(sagemaker, stated, wait_s)
    _show(stated, there.found, request)
    if dry_run:
        say("Nothing was done (--dry-run).")
        return True
    confirm(
        yes,
        f"Update {stated.name}?",
        otherwise="add --yes to do it without asking",
        nothing="Nothing was done.",
    )
    _update(controller, sagemaker, stated, request)
    return _wait(sagemaker, stated, wait_s)


def _there(sagemaker: Any, stated: EndpointConfig) -> _There:
    from icscaler.adapters.sagemaker import endpoint_view

    answer = sagemaker.describe_endpoint(EndpointName=stated.name)
    present = sagemaker.describe_endpoint_config(EndpointConfigName=answer["EndpointConfigName"])
    return _There(answer, present, drifts(stated.variants, endpoint_view(answer)))


def _pending(answer: Any) -> str | None:
    name = answer.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    return str(name) if name else None


def _show(stated: EndpointConfig, found: tuple[Drift, ...], request: dict[str, Any]) -> None:
    for drift in found:
        console().print(str(drift))
    for line in price_lines(found, stated.variants):
        console().print(line)
    say(f"The present configuration, so changed, becomes {request['EndpointConfigName']},")
    say(f"and {stated.name} is updated to it, with the instances and weights it has.")
    say("AWS does not say whether limits alone are changed in place; it may move copies to new")
    say("instances, which are billed beside the old ones until then.")


def _update(
    controller: Controller, sagemaker: Any, stated: EndpointConfig, request: dict[str, Any]
) -> None:
    """Under the endpoint's lease, so that no look writes meanwhile."""
    owner, now_s = f"endpoint-apply-{uuid.uuid4()}", int(clock.now_s())
    lease = controller.store.acquire_lease(stated.name, owner, now_s, LEASE_S)
    if lease is None:
        raise AwsTroubleError(
            f"a look or a workflow is at work on {stated.name}", "try again in a minute"
        )
    try:
        _create_config(sagemaker, request)
        sagemaker.update_endpoint(
            EndpointName=stated.name,
            EndpointConfigName=request["EndpointConfigName"],
            RetainAllVariantProperties=True,
        )
    finally:
        controller.store.release(lease)
    say(f"{stated.name} is being updated.")


def _create_config(sagemaker: Any, request: dict[str, Any]) -> None:
    """The name says the content: one that exists is the one an earlier run made."""
    from botocore.exceptions import ClientError

    try:
        sagemaker.create_endpoint_config(**request)
    except ClientError as error:
        if "already exist" not in str(error):
            raise


def _wait(sagemaker: Any, stated: EndpointConfig, wait_s: int) -> bool:
    """Whether it is in service as stated."""
    until_s = clock.now_s() + wait_s
    while True:
        there = _there(sagemaker, stated)
        status = there.answer["EndpointStatus"]
        if status == "InService" and not there.found:
            say(f"{stated.name} is in service as stated.", "bold green")
            return True
        if status in ("Failed", "RollingBack", "UpdateRollbackFailed"):
            reason = there.answer.get("FailureReason", "no reason given")
            raise AwsTroubleError(f"{stated.name} is {status}: {reason}", "AWS's own words above")
        if clock.now_s() >= until_s:
            say(f"{stated.name} is {status}; run the command again to go on waiting.", "yellow")
            return False
        clock.sleep(POLL_S)
