"""Laws of paging, whatever the rows, the order and the page size."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from icscaler_localcloud.apikit.listing import Row, page

STATUSES = ("Creating", "InService", "Updating")


@st.composite
def fleets(draw: st.DrawFn) -> list[Row]:
    names = draw(st.lists(st.from_regex(r"[a-c]{1,3}", fullmatch=True), unique=True, max_size=30))
    return [
        Row(
            name,
            draw(st.integers(0, 3)),
            partial(dict, Name=name),
            status=draw(st.sampled_from(STATUSES)),
        )
        for name in names
    ]


QUERIES = st.fixed_dictionaries(
    {"MaxResults": st.integers(1, 7)},
    optional={
        "SortBy": st.sampled_from(["Name", "CreationTime", "Status"]),
        "SortOrder": st.sampled_from(["Ascending", "Descending"]),
        "StatusEquals": st.sampled_from(STATUSES),
        "NameContains": st.sampled_from(["a", "b", "ab"]),
    },
)


def walk(rows: list[Row], query: dict[str, Any]) -> list[list[str]]:
    pages, token = [], None
    while True:
        asked = query | ({"NextToken": token} if token else {})
        shown, token = page(rows, asked, operation="List")
        pages.append([entry["Name"] for entry in shown])
        if token is None:
            return pages


@given(fleets(), QUERIES)
def test_pages_are_the_whole_list_cut_in_order(rows: list[Row], query: dict[str, Any]) -> None:
    pages = walk(rows, query)
    (whole,) = walk(rows, query | {"MaxResults": 1000})
    assert [name for part in pages for name in part] == whole
    assert all(len(part) == query["MaxResults"] for part in pages[:-1])
    assert len(pages[-1]) <= query["MaxResults"]
    wanted = {
        row.name
        for row in rows
        if query.get("StatusEquals") in (None, row.status)
        and query.get("NameContains", "") in row.name
    }
    assert set(whole) == wanted
    assert len(whole) == len(wanted)
    by_name = {row.name: row for row in rows}
    values = [by_name[name].sort_value(query.get("SortBy", "CreationTime")) for name in whole]
    descending = query.get("SortOrder", "Descending") == "Descending"
    assert values == sorted(values, reverse=descending)


@given(fleets(), QUERIES, st.data())
def test_rows_that_stay_are_shown_exactly_once(
    rows: list[Row], query: dict[str, Any], data: st.DataObject
) -> None:
    first, token = page(rows, query, operation="List")
    left = [row for row in rows if data.draw(st.booleans())] if rows else []
    seen = [entry["Name"] for entry in first]
    while token is not None:
        shown, token = page(left, query | {"NextToken": token}, operation="List")
        seen += [entry["Name"] for entry in shown]
    assert len(seen) == len(set(seen))
    (whole,) = walk(left, query | {"MaxResults": 1000})
    assert set(whole) <= set(seen)
