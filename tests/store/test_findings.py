"""What checks found, kept with the text that it is about."""

from __future__ import annotations

from pathlib import Path

from engine.models import Brief, Filter, Link, Turn, example_id
from engine.store import Store
from tests.store.support import NOW, example, filled, flag, found_in, ids, turns


def test_findings_come_back_on_the_card_and_in_the_queue(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 3) as store:
        first, second, _ = ids(store)
        email, mixed = flag("personal", "email"), flag("language", "mixed", turn=-1)
        assert not store.card(first).checked
        store.write_flags("personal", [found_in(store.card(first), email)])
        store.write_flags("language", [found_in(store.card(first), mixed, language="ro")])
        store.write_flags("quality", [found_in(store.card(second), quality=0.25)])

        card = store.card(first)
        assert card.checked
        assert card.flags == (mixed, email)
        assert dict(card.measures) == {"language": "ro"}
        assert store.card(second).flags == ()
        assert [row.flagged for row in store.queue_page(limit=9)] == [True, False, False]
        assert [one.flags for one in store.cards()] == [(mixed, email), (), ()]
        assert store.flag_counts() == [("language", "mixed", 1), ("personal", "email", 1)]
        assert store.languages() == [("ro", 1)]


def test_says_whether_something_is_unchecked(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 2) as store:
        first, second = ids(store)
        store.write_flags("duplicates", [found_in(store.card(one)) for one in (first, second)])
        store.write_flags("quality", [found_in(store.card(first), quality=1.0)])
        assert store.any_unchecked()
        store.write_flags("quality", [found_in(store.card(second), quality=1.0)])
        assert not store.any_unchecked()
        store.append("edit", first, turns=turns("Other?", "Other."), at=NOW)
        assert store.any_unchecked()


def test_a_second_look_takes_the_place_of_the_first(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 1) as store:
        (only,) = ids(store)
        store.write_flags("safety", [found_in(store.card(only), flag("safety", "violent"))])
        store.write_flags("personal", [found_in(store.card(only), flag("personal", "phone"))])
        store.write_flags("safety", [found_in(store.card(only), version="2")])
        assert [one.code for one in store.card(only).flags] == ["phone"]
        assert store.check_versions("safety") == {store.card(only).position: "2"}
        store.forget_flags("personal", [store.card(only).position])
        assert not store.queue_page(limit=1)[0].flagged
        assert store.check_versions("personal") == {}


def test_filters_by_flag_language_and_quality(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 4) as store:
        cards = list(store.cards())
        store.write_flags(
            "all",
            [
                found_in(cards[0], flag("secret", "jwt"), language="en", quality=0.9),
                found_in(cards[1], flag("secret", "password"), language="ro", quality=0.7),
                found_in(cards[2], flag("personal", "email"), language="ro", quality=0.2),
            ],
        )

        def shown(which: Filter) -> list[int]:
            found = [card.position for card in store.cards(which)]
            assert [row.position for row in store.queue_page(which, limit=9)] == found
            assert store.queue_size(which) == len(found)
            return [[card.position for card in cards].index(at) for at in found]

        assert shown(Filter(flags=("secret",))) == [0, 1]
        assert shown(Filter(flags=("secret:jwt", "personal"))) == [0, 2]
        assert shown(Filter(flags=("secret:email",))) == []
        assert shown(Filter(languages=("ro",))) == [1, 2]
        assert shown(Filter(min_quality=0.7)) == [0, 1]
        assert shown(Filter(max_quality=0.5)) == [2]
        assert shown(Filter(languages=("ro",), flags=("secret",), min_quality=0.5)) == [1]


def test_an_edit_forgets_what_was_found_in_the_text_before(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 2) as store:
        first, second = ids(store)
        for identity in (first, second):
            card = store.card(identity)
            store.write_flags(
                "q", [found_in(card, flag("quality", "echo"), language="en", quality=0.4)]
            )
        store.append("edit", first, turns=turns("Other?", "Other."), at=NOW)
        card = store.card(first)
        assert (card.flags, dict(card.measures), card.checked) == ((), {}, False)
        assert store.queue_page(limit=1)[0].flagged is False
        assert store.queue_size(Filter(min_quality=0.0)) == 1
        assert store.languages() == [("en", 1)]
        store.undo(at=NOW)
        assert not store.card(first).checked
        # A decision changes no text.
        store.append("approve", second, at=NOW)
        assert store.card(second).checked


def test_a_finding_about_a_text_that_changed_meanwhile_is_left_out(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 1) as store:
        (only,) = ids(store)
        late = found_in(store.card(only), flag("quality", "echo"))
        store.append("edit", only, turns=turns("Other?", "Other."), at=NOW)
        assert store.write_flags("quality", [late]) == 0
        assert store.card(only).flags == ()


def test_findings_go_with_their_example(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 2) as store:
        card = store.card(ids(store)[0])
        store.write_flags("quality", [found_in(card, flag("quality", "echo"))])
        store.remove_source(store.sources()[0].id)
        assert store.flag_counts() == []
        assert store.check_versions("quality") == {}


def test_a_new_version_in_the_same_place_is_not_what_was_looked_at(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 1) as store:
        (before,) = ids(store)
        store.write_flags("quality", [found_in(store.card(before), flag("quality", "echo"))])
        changed = example(0, text=turns("Question 0?", "Answer 0, and more of it."))
        store.record_scan(store.sources()[0].id, [changed], [], 1, at=NOW)
        assert store.card(changed.id).flags == ()
        assert not store.card(changed.id).checked


def test_any_text_can_be_flagged(tmp_path: Path) -> None:
    odd = example(0, text=turns("Lone \ud83d?", "nul\0 it's"))
    with filled(tmp_path / "db", [odd]) as store:
        card = store.card(odd.id)
        assert store.write_flags("q", [found_in(card, flag("quality", "gibberish"))]) == 1
        assert store.card(odd.id).flags[0].code == "gibberish"


def test_links_are_kept_by_model_and_replaced_whole(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 3) as store:
        one, two, three = (card.position for card in store.cards())
        near, far = Link("both", one, two, 0.97), Link("prompt", two, three, 0.8)
        store.save_links("m1", linked={one: "a", two: "b", three: "c"}, links=[far, near])
        store.save_links("m2", linked={one: "a"}, links=[])
        assert store.linked("m1") == {one: "a", two: "b", three: "c"}
        assert [store.link_key("m1", at) for at in (two, three + 1)] == ["b", ""]
        assert store.links("m1") == [near, far]
        assert store.links("m1", "both") == [near]
        assert store.links("m1", threshold=0.9) == [near]
        assert store.links("m2") == []
        assert store.link_models() == ["m1", "m2"]
        store.save_links("m1", linked={two: "bb"}, links=[near], dropped=[three])
        assert store.linked("m1") == {one: "a", two: "bb"}
        assert store.links("m1") == [near]


def test_links_to_what_is_gone_are_not_shown(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 2) as store:
        one, two = (card.position for card in store.cards())
        store.save_links("m", linked={one: "a", two: "b"}, links=[Link("both", one, two, 1.0)])
        store.remove_source(store.sources()[0].id)
        assert store.links("m") == []
        # What is gone is still known to have taken part: the next look repairs the forest.
        assert store.linked("m") == {one: "a", two: "b"}


def test_two_openings_see_each_others_findings(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with filled(path, 1) as store, Store.open(path) as other:
        card = store.card(ids(store)[0])
        other.write_flags("q", [found_in(card, flag("quality", "echo"))])
        assert store.card(card.example.id).flags
        assert example_id(card.turns) == card.example.id
        assert card.turns[0] == Turn("user", "Question 0?")


def test_links_of_a_text_that_changed_are_marked(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 2) as store:
        first, second = ids(store)
        one, two = (card.position for card in store.cards())
        store.save_links("m", linked={one: "a", two: "b"}, links=[])
        for answer in ("Other.", "Another."):
            store.append("edit", first, turns=turns("Other?", answer), at=NOW)
        store.append("approve", second, at=NOW)
        assert store.linked("m") == {one: "!a", two: "b"}


def test_briefs_tell_of_every_example_without_its_text(tmp_path: Path) -> None:
    with filled(tmp_path / "db", 2) as store:
        cards = list(store.cards())
        store.write_flags("q", [found_in(cards[1], quality=0.5)])
        store.append("approve", cards[0].example.id, at=NOW)
        source = store.sources()[0].id
        assert store.briefs() == [
            Brief(cards[0].position, cards[0].example.id, source, "approved", None),
            Brief(cards[1].position, cards[1].example.id, source, "undecided", 0.5),
        ]
        assert [card.position for card in store.cards_at(store.positions())] == [
            card.position for card in cards
        ]
