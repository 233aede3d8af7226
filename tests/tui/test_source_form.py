"""What the form of a source shows, and what of it is set."""

from __future__ import annotations

from engine.sources import Detection, Option
from tui.screens.source_form import form_rows, to_set

OPTIONS = (
    Option("column", "The column that asks."),
    Option("noise", "How much is mistyped.", "off", ("off", "some")),
    Option("count", "How many are made.", "100"),
    Option("mode", "Which way.", "", ("in", "out")),
)
FOUND = Detection(
    "table", 0.9, "columns", {"column": "question", "noise": "some"}, {"column": ("a", "question")}
)


def test_what_was_found_stands_in_the_rows_unset() -> None:
    column, noise, count, mode = form_rows(OPTIONS, FOUND, {})
    assert (column.start, column.unset) == ("", "question (found)")
    assert (column.values, column.closed) == (("a", "question"), False)
    assert (noise.start, noise.values, noise.closed) == ("some", ("off", "some"), True)
    assert (count.start, count.unset) == ("", "100")
    # A closed list without a default can also be left alone.
    assert (mode.start, mode.values, mode.unset) == ("", ("", "in", "out"), "not set")


def test_what_was_chosen_goes_before_what_was_found() -> None:
    column, noise, *_ = form_rows(OPTIONS, FOUND, {"column": "a", "noise": "off"})
    assert (column.start, noise.start) == ("a", "off")


def test_without_a_detection_there_are_defaults() -> None:
    column, noise, *_ = form_rows(OPTIONS, None, {})
    assert (column.start, column.unset, noise.start) == ("", "not set", "off")


def test_only_what_was_said_is_set() -> None:
    rows = form_rows(OPTIONS, FOUND, {})
    assert to_set(rows, {}) == {}
    assert to_set(rows, {"column": " a ", "mode": "in"}) == {"column": "a", "mode": "in"}
    # The default has to be said where something else was found.
    assert to_set(rows, {"noise": "off"}) == {"noise": "off"}
    assert to_set(form_rows(OPTIONS, None, {}), {"noise": "off"}) == {}


def test_what_was_set_stays_set_until_it_is_cleared() -> None:
    rows = form_rows(OPTIONS, FOUND, {"column": "question", "noise": "some"})
    assert to_set(rows, {}) == {"column": "question", "noise": "some"}
    assert to_set(rows, {"column": ""}) == {"noise": "some"}
