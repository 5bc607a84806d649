"""Fault switches by their names, as a served cloud is steered: all of them, with clear refusals."""

import re
from collections.abc import Iterator

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.faults import FOREVER
from icscaler_localcloud.faults.levers import LeverError, Levers, catalogue
from tests.contract.sagemaker.steps import make_component, make_endpoint

SETTINGS = {
    "service": "sqs",
    "operation": "SendMessage",
    "function": "f",
    "per_s": "2",
    "seconds": "30",
    "lane": "events",
    "whose": "sqs",
    "instance_type": "ml.g5.xlarge",
    "count": "1",
    "endpoint": "codegen",
    "variant": "AllTraffic",
    "name": "inline",
    "factor": "2.5",
}


@pytest.fixture(scope="module")
def levers() -> Iterator[Levers]:
    with LocalCloud() as cloud:
        make_endpoint(cloud)
        make_component(cloud)
        yield Levers(cloud)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: str(entry["fault"]))
def test_every_switch_can_be_put_on_by_text_and_taken_off(
    levers: Levers, entry: dict[str, str]
) -> None:
    required = re.sub(r"\[[^]]*\]", "", entry["settings"]).split()
    assert entry["does"]
    levers.put_on(entry["fault"], settings={name: SETTINGS[name] for name in required})
    assert entry["fault"] in {one["fault"] for one in levers.on()}
    levers.clear()
    assert levers.on() == []


def test_settings_in_their_order_and_by_name(levers: Levers) -> None:
    levers.put_on("throttle", ["sqs", "SendMessage"], {"times": "forever", "chance": "0.5"})
    (on,) = levers.on()
    assert on == {
        "fault": "throttle",
        "service": "sqs",
        "operation": "SendMessage",
        "times": FOREVER,
        "chance": 0.5,
        "hits": 0,
    }
    levers.clear()


@pytest.mark.parametrize(
    ("name", "given", "settings", "says"),
    [
        pytest.param("explode", [], {}, "not one of throttle, ", id="no switch"),
        pytest.param("clear", [], {}, "not one of", id="no switch of its own"),
        pytest.param("throttle", [], {}, "throttle needs service", id="missing"),
        pytest.param("throttle", ["sqs"], {"service": "sns"}, "service is given twice", id="twice"),
        pytest.param("throttle", ["sqs"], {"chnace": 1}, "no setting chnace; it has", id="unknown"),
        pytest.param("start_cold", list("abcde"), {}, "has only 3 settings", id="too many"),
        pytest.param("throttle", ["sqs"], {"times": "2.5"}, "not a whole number", id="half"),
        pytest.param("throttle", ["sqs"], {"times": True}, "not a whole number", id="truth"),
        pytest.param("throttle", ["sqs"], {"times": 0}, "too small", id="never"),
        pytest.param("throttle", ["sqs"], {"chance": 2}, "within 0..1", id="chance"),
        pytest.param("throttle", [7], {}, "not text", id="a number for a name"),
        pytest.param("slow", ["sqs"], {"seconds": "nan"}, "not a number", id="NaN"),
        pytest.param("lose_deliveries", ["post"], {}, "one of events, scheduler", id="lane"),
        pytest.param("skew_clock", ["mine"], {"seconds": 1}, "one of events", id="clock"),
        pytest.param("spoil_series", ["Bad"], {}, "one of PartialData", id="status"),
        pytest.param("lose_deliveries", ["queue"], {}, "SQS loses no message", id="queue"),
        pytest.param("stuck_updating", ["nobody"], {}, "nobody", id="component"),
        pytest.param("lose_instance", ["nobody", "x"], {}, "nobody", id="endpoint"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    levers: Levers, name: str, given: list[object], settings: dict[str, object], says: str
) -> None:
    with pytest.raises(LeverError, match=says):
        levers.put_on(name, given, settings)
    assert levers.on() == []
