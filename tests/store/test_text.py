"""Any text that a Python string can hold goes into the database and comes back."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.models import Example, Filter, Provenance, Role, Skipped, Turn, example_id
from engine.store import Store
from engine.store.packing import (
    dump_texts,
    dump_turns,
    label,
    load_mapping,
    load_turns,
    pack,
    search_query,
    unpack,
)
from tests.store.support import NOW, turns
from tests.support.properties import tries

NASTY = "nul \x00, lone \ud83d and \udc00, pair \ud83d\ude00, esc \x1b[31m, \r\n, \x85, ‮ 日本 [b]"

any_text = st.text(st.characters(codec=None, exclude_categories=())) | st.just(NASTY)
roles: st.SearchStrategy[Role] = st.sampled_from(("system", "user", "assistant", "tool"))
any_turns = st.lists(st.builds(Turn, roles, any_text), max_size=5).map(tuple)


@given(any_text)
def test_packing_is_exact(text: str) -> None:
    packed = pack(text)
    assert unpack(packed) == text
    if isinstance(packed, str):
        packed.encode()
        assert "\0" not in packed


@given(any_turns)
def test_turns_come_back(some: tuple[Turn, ...]) -> None:
    assert load_turns(dump_turns(some)) == some


@given(st.dictionaries(any_text, any_text))
def test_mappings_come_back(some: dict[str, str]) -> None:
    assert dict(load_mapping(dump_texts(some))) == some


@given(any_text, any_text, any_turns)
def test_a_label_is_one_short_line(heading: str, title: str, some: tuple[Turn, ...]) -> None:
    line = label(heading, title, some)
    assert len(line) <= 80
    assert len(line.splitlines()) <= 1


def test_a_label_is_the_first_thing_that_says_something() -> None:
    some = turns("\n  What  now? \nReally", "Go.")
    assert label("Heading", "Title", some) == "Heading"
    assert label(" ", "Title", some) == "Title"
    assert label("", "", some) == "What now?"
    assert label("", "", (Turn("assistant", "Go."), Turn("user", "Where?"))) == "Where?"
    assert label("", "", (Turn("assistant", "Go."),)) == "Go."
    assert label("", "", ()) == ""
    assert label("x" * 81, "", some) == "x" * 79 + "…"
    assert label("x" * 80, "", some) == "x" * 80


@given(any_text)
def test_a_query_is_made_of_quoted_words(text: str) -> None:
    assert re.fullmatch(r'("[^"]+"\*?( |$))*', search_query(text))


@settings(
    max_examples=tries(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(any_turns, any_text, any_text, st.lists(any_text, max_size=3, unique=True), any_turns)
def test_an_example_of_any_text_goes_through_the_store(
    tmp_path: Path,
    some: tuple[Turn, ...],
    path: str,
    heading: str,
    tags: list[str],
    edited: tuple[Turn, ...],
) -> None:
    where = Provenance("", path, 1, 2, heading, path, tuple(tags), heading, path)
    file = tmp_path / "any.db"
    store = Store.open(file)
    source = store.add_source("vault", path)
    found = Example(example_id(some), heading, some, where, metadata={path: heading})
    skipped = Skipped(source.id, path, 0, heading, path)
    store.record_scan(source.id, [found], [skipped], 1, at=NOW)
    card = store.card(found.id)
    assert card.example.turns == some
    assert card.example.provenance.path == path
    assert card.example.provenance.tags == tuple(tags)
    assert dict(card.example.metadata) == {path: heading}
    assert store.skips(source.id) == [skipped]
    assert {tag for tag, _ in store.tags()} == set(tags)
    assert store.kinds() == [(heading, 1)]
    for tag in filter(None, tags):
        assert store.queue_size(Filter(tag=tag)) == 1
    if heading:
        assert store.queue_size(Filter(kinds=(heading,))) == 1
    if edited:
        entry = store.append("edit", found.id, turns=edited, at=NOW)
        assert store.journal() == [entry]
        assert store.card(found.id).turns == edited
    store.queue_page(Filter(text=heading))
    store.set_meta(path, heading)
    assert store.get_meta(path) == heading
    store.remove_source(source.id)
    store.close()
    file.unlink()
