"""The page stands alone, and draws what was played."""

from __future__ import annotations

import html.parser
import json
import re
from dataclasses import replace

from icscaler_sim.comparison import Entry, page_html
from icscaler_sim.comparison.page import MOST_POINTS, page_data, timelines, title
from icscaler_sim.traces import Trace
from tests.unit.comparison.made_up import JOBS, SCENARIO, content, entries
from tests.unit.simulate.builders import trace


def page() -> str:
    return page_html(content(), SCENARIO.trace, entries())


MARK = '<script id="data" type="application/json">'


def data_of(text: str) -> dict:
    return json.loads(text.split(MARK)[1].split("</script>", maxsplit=1)[0])


def test_it_needs_nothing_else() -> None:
    text = page()
    assert "@" not in re.sub(r"@media", "", text.split("<script")[0])
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)", text)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", text)


def test_a_name_cannot_end_the_script() -> None:
    assert "</script>" in data_of(page())["policies"][0]["classes"]


def test_every_element_that_scripts_ask_for_is_there() -> None:
    text = page()
    known: set[str] = set()

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attributes: list) -> None:
            known.update(value for name, value in attributes if name == "id")

    Reader().feed(text)
    wanted = set(re.findall(r'\$\("([\w-]+)"\)', text))
    assert wanted - known == set()
    assert len(wanted) > 15


def test_it_holds_every_run_and_series() -> None:
    data = data_of(page())
    assert [one["name"] for one in data["policies"]] == list(JOBS)
    series = data["timelines"]
    assert series["demand"]["busy"][0] == 10
    assert "never" not in series["demand"]
    # Bounds are computed at once and have no series.
    assert [data["policies"][run["policy"]]["name"] for run in series["runs"]] == list(JOBS[:-1])
    for run in series["runs"]:
        assert len(run["held"]["busy"]) == series["points"]
        assert sum(run["lost"].get("busy", [0])) <= data["run"]["requests"]


def test_lost_requests_are_drawn_when_they_were_lost() -> None:
    data = page_data(content(), SCENARIO.trace, entries())
    run = next(one for one in data["timelines"]["runs"] if one["policy"] == 0)
    # Asked for at minute 60, in the step of ten minutes that begins then.
    assert run["lost"]["seldom"].index(2) == 6


def test_long_periods_are_drawn_with_wider_steps() -> None:
    steps = 3 * MOST_POINTS - 1
    long: Trace = trace({"busy": [600] * (steps * 10)})
    series = {"timeline": {"busy": [2.0] * steps}, "lost_timeline": {"busy": [1] * steps}}
    found = timelines(long, [Entry(replace(entries()[0].score, **series))])
    assert found is not None
    assert found["step_s"] == 1800
    assert len(found["demand"]["busy"]) == found["points"] == MOST_POINTS
    [run] = found["runs"]
    assert set(run["held"]["busy"]) == {2}
    assert sum(run["lost"]["busy"]) == steps


def test_without_series_there_is_nothing_to_draw() -> None:
    assert timelines(SCENARIO.trace, [Entry(entries()[-1].score)]) is None


def test_titles() -> None:
    shown = content()
    assert title(shown) == "5 policies on made up"
    assert title({**shown, "policies": shown["policies"][:1]}) == "icscaler on made up"
