"""Reading YAML: plain values as YAML 1.2 has them, and where each stood."""

from typing import Any

import pytest

from icscaler.config.document import Place, read_document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("true", True, id="true is a boolean"),
        pytest.param("yes", "yes", id="yes is a word"),
        pytest.param("no", "no", id="no is a word (and Norway)"),
        pytest.param("on", "on", id="on is a word"),
        pytest.param("010", 10, id="a leading zero is not octal"),
        pytest.param("1:30", "1:30", id="base sixty is text"),
        pytest.param("1_000", "1_000", id="underscores are text"),
        pytest.param("-7", -7, id="negative number"),
        pytest.param("1e3", 1000.0, id="exponent without a dot is a number"),
        pytest.param(".5", 0.5, id="number without a leading zero"),
        pytest.param("2026-01-01", "2026-01-01", id="a date is text"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", id="a time is text"),
        pytest.param("~", None, id="tilde is nothing"),
        pytest.param("", None, id="empty is nothing"),
        pytest.param('"7"', "7", id="quoted number is text"),
        pytest.param("a-b", "a-b", id="a name is text"),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    document = read_document(f"key: {text}", "f.yaml")
    assert document.problems == []
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert read_document("{1: a, true: b, null: c}", "f.yaml").data == {
        "1": "a",
        "true": "b",
        "null": "c",
    }


def test_places_are_those_of_keys_and_items() -> None:
    document = read_document("a:\n  b: 1\nc:\n- d\n- {e: f}\n", "f.yaml")
    assert document.place(("a", "b")) == Place(2, 3)
    assert document.place(("c", 1, "e")) == Place(5, 4)
    assert document.place(("c", 1, "missing")) == Place(5, 3)
    assert document.place(("nowhere",)) == Place(1, 1)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param(
            "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}",
            {"a": {"k": 1, "l": 2}, "b": {"l": 3, "k": 1}},
            id="own keys win over merged ones",
        ),
        pytest.param(
            "a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}",
            {"a": {"k": 1}, "b": {"k": 2, "l": 2}, "c": {"k": 1, "l": 2}},
            id="earlier merged mappings win",
        ),
        pytest.param('a: {"<<": 1}', {"a": {"<<": 1}}, id="a quoted << is a key"),
        pytest.param("a: &x [1]\nb: *x", {"a": [1], "b": [1]}, id="alias"),
    ],
)
def test_aliases_and_merges(text: str, data: Any) -> None:
    document = read_document(text, "f.yaml")
    assert document.problems == []
    assert document.data == data


def test_a_file_beyond_the_size_limit_is_not_even_parsed() -> None:
    document = read_document("# " + "x" * 2_000_000, "f.yaml")
    assert document.data is None
    assert "larger than" in str(document.problems[0])
