"""What we tell others: the CopyCountChanged event and the notices to people."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from icscaler.adapters import notifier
from icscaler.entities import NoticeItem
from icscaler.ports import DecisionRecord
from icscaler.reasons import Notice

AT_S = 1_780_304_460


def item(number: int = 0, text: str = "No room.") -> NoticeItem:
    return NoticeItem(Notice.SHORTAGE, f"model-{number}", text)


def test_the_sample_of_copy_count_changed_is_what_is_sent(repository: Path) -> None:
    sample = json.loads(
        (repository / "events" / "emitted_copy_count_changed.json").read_text(encoding="utf-8")
    )
    record = DecisionRecord(
        endpoint="code-generation",
        component="flow-generation",
        at_s=AT_S,
        from_copies=0,
        to_copies=1,
        outcome="Accepted",
        steps=("WokenByWakeRequest 1",),
        config_version="v7",
        attempt_id=sample["detail"]["AttemptId"],
    )
    assert notifier.change_detail(record) == sample["detail"]
    assert (sample["source"], sample["detail-type"]) == (notifier.SOURCE, "CopyCountChanged")
    detail = notifier.change_detail(replace(record, variant="AllTraffic"))
    assert "InferenceComponentName" not in detail, "a variant is none"
    assert (detail["VariantName"], detail["Model"]) == ("AllTraffic", "flow-generation")


def test_the_sample_of_fleet_published_is_what_is_sent(repository: Path) -> None:
    sample = json.loads((repository / "events" / "alarms_fleet_published.json").read_text("utf-8"))
    entry = notifier.fleet_published(sample["detail"]["ConfigVersion"], "icscaler")
    assert json.loads(entry.pop("Detail")) == sample["detail"]
    assert entry == {
        "Source": sample["source"],
        "DetailType": sample["detail-type"],
        "EventBusName": "icscaler",
    }


@pytest.mark.parametrize(
    ("notices", "subject"),
    [
        pytest.param([item()], "icscaler: Shortage (model-0) on code", id="one"),
        pytest.param(
            [item(1), item(2), item(3)],
            "icscaler: Shortage (model-1) on code and 2 more",
            id="more",
        ),
        pytest.param(
            [NoticeItem(Notice.METRICS_VANISHED, "code", "x")],
            "icscaler: MetricsVanished on code",
            id="about the endpoint itself",
        ),
        pytest.param(
            [NoticeItem(Notice.SHORTAGE, "m\n\u00e9", "x")],
            "icscaler: Shortage (m??) on code",
            id="only what SNS accepts",
        ),
    ],
)
def test_subjects(notices: list[NoticeItem], subject: str) -> None:
    assert notifier.notice_subject("code", notices) == subject


def test_a_subject_has_at_most_a_hundred_characters() -> None:
    long = NoticeItem(Notice.COMPONENT_MISSING, "m" * 63, "x")
    subject = notifier.notice_subject("e" * 63, [long])
    assert len(subject) == 100
    assert subject.endswith("...")


def test_the_text_says_where_when_and_what() -> None:
    assert notifier.notice_text("code", [item(1), item(2, "Still none.")], AT_S).splitlines() == [
        "Endpoint code, 2026-06-01 09:01:00 UTC",
        "",
        "Shortage: No room.",
        "Shortage: Still none.",
    ]


def test_a_flood_of_notices_is_cut_and_says_so() -> None:
    text = notifier.notice_text("code", [item(n) for n in range(1000)], AT_S)
    assert text.splitlines()[-1] == "... and 800 more"
    assert len(text.encode()) < 256 * 1024
