"""Schedules from the file to what the core reads."""

from datetime import datetime
from zoneinfo import ZoneInfo, reset_tzpath

import pytest

from icscaler.bounds import bounds_at
from icscaler.config.compile import compile_fleet
from icscaler.config.cron import parse_cron
from icscaler.config.load import load_fleet
from icscaler.config.zones import zone
from icscaler.entities import EndpointConfig
from icscaler.reasons import Reason
from icscaler.schedules.cron import Cron

FLEET = """
version: 1
defaults:
  max_copies: 4
  resources: {gpus: 1, memory_mb: 16384}
  policy: {target_tracking: {metric: concurrency, target_value: 8}}
endpoints:
  llm: {variants: {AllTraffic: {instance_type: ml.g5.12xlarge, max_instances: 4}}}
  other: {variants: {AllTraffic: {instance_type: ml.g5.12xlarge}}}
models:
  - {name: chat, endpoint: llm, class: critical}
  - {name: code, endpoint: llm, group: product}
  - {name: nightly, endpoint: other, class: batch}
calendars:
  holidays: {days: ["12-25", "02-29", 2027-03-29]}
schedules:
  - name: office-hours
    select: {endpoint: llm}
    time_zone: Europe/Berlin
    start: 0 8 * * mon-fri
    end: 0 18 * * *
    not_on: holidays
    min_copies: 2
  - name: quiet
    select: {group: product}
    time_zone: Europe/Berlin
    from: 2027-08-01
    until: 2027-08-31
    min_copies: 0
    max_copies: 1
overrides:
  - {select: {name: code}, until: 2027-08-04T00:00:00Z, from: 2027-08-03T00:00:00Z, reason: fair,
     min_copies: 3, max_copies: 5}
"""


def fleet(text: str = FLEET) -> dict[str, EndpointConfig]:
    return compile_fleet(load_fleet(text)).endpoints


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp())


def test_an_endpoint_carries_the_schedules_of_its_models_and_their_clocks() -> None:
    endpoints = fleet()
    assert list(endpoints["llm"].schedules) == ["office-hours", "quiet"]
    assert endpoints["llm"].zones == {"Europe/Berlin": zone("Europe/Berlin")}
    assert endpoints["other"].schedules == endpoints["other"].zones == {}
    assert endpoints["llm"].models["code"].schedules == ("office-hours", "quiet")


def test_an_objective_during_windows_reaches_the_core() -> None:
    text = FLEET.replace("min_copies: 2", "in_time_fraction: 0.999\n    deadline_s: 5")
    found = fleet(text)["llm"].schedules["office-hours"]
    assert (found.in_time_fraction, found.deadline_s, found.ready_by_start) == (0.999, 5.0, True)
    whole, decimal = (
        fleet(text.replace("deadline_s: 5", f"deadline_s: {n}")) for n in ("5", "5.0")
    )
    assert whole["llm"].version == decimal["llm"].version


@pytest.mark.parametrize(
    ("when", "model", "floor", "by", "ceiling"),
    [
        ("2027-02-01T07:49", "chat", 1, Reason.MIN_COPIES, 4),
        ("2027-02-01T07:50", "chat", 2, "office-hours", 4),
        ("2027-02-01T18:00", "chat", 1, Reason.MIN_COPIES, 4),
        ("2027-03-29T12:00", "chat", 1, Reason.MIN_COPIES, 4),
        ("2029-12-25T12:00", "chat", 1, Reason.MIN_COPIES, 4),
        ("2028-02-29T12:00", "chat", 1, Reason.MIN_COPIES, 4),
        ("2028-03-01T12:00", "chat", 2, "office-hours", 4),
        ("2027-08-02T12:00", "code", 0, "quiet", 1),
        ("2027-08-03T12:00", "code", 3, Reason.OVERRIDE, 5),
        ("2027-07-30T23:59", "code", 0, Reason.MIN_COPIES, 4),
        ("2027-08-01T00:00", "code", 0, "quiet", 1),
        ("2027-08-31T23:59", "code", 0, "quiet", 1),
        ("2027-09-01T00:00", "code", 0, Reason.MIN_COPIES, 4),
    ],
)
def test_the_last_that_holds_wins_key_by_key(when, model, floor, by, ceiling) -> None:
    config = fleet()["llm"]
    found = bounds_at(config, config.models[model], at(when), start_up_s=600)
    assert (found.floor.copies, found.floor.by or found.floor.reason) == (floor, by)
    assert found.ceiling.copies == ceiling


def test_a_schedule_changes_the_version_and_its_order_too() -> None:
    first = compile_fleet(load_fleet(FLEET)).version
    head, _, rest = FLEET.partition("  - name: quiet")
    quiet, mark, overrides = rest.partition("overrides:")
    begin, office, _ = head.partition("  - name: office-hours")
    swapped = f"{begin}  - name: quiet{quiet}{office}{head.partition(office)[2]}{mark}{overrides}"
    assert compile_fleet(load_fleet(swapped)).version != first


def test_fields_of_cron() -> None:
    found = parse_cron("*/20 8-10,22 1,15 JAN-mar sun,5-7/2")
    assert found == Cron((0, 20, 40), (8, 9, 10, 22), (1, 15), (1, 2, 3), (0, 5), True)
    assert parse_cron("0 0 * * 7").weekdays == (0,)
    assert not parse_cron("0 0 */2 * mon").either_day


NO_CRON = (
    "|* * * *|60 * * * *|* 24 * * *|* * 0 * *|* * 31 4,6 *|* * * 13 *|* * * * 8|1-|5-1 * * * *|"
    "*/0 * * * *|a * * * *|1,,2 * * * *|\u0663 * * * *"
)


@pytest.mark.parametrize("text", NO_CRON.split("|"))
def test_what_is_no_cron_expression(text: str) -> None:
    with pytest.raises(ValueError, match="; "):
        parse_cron(text)


def test_zones_are_known_where_the_system_has_no_database() -> None:
    """As in some of Lambda's images: the layer brings one of its own."""
    reset_tzpath(to=[])
    try:
        berlin = ZoneInfo.no_cache("Europe/Berlin")
    finally:
        reset_tzpath()
    offset = datetime(2027, 7, 1, tzinfo=berlin).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 7200
