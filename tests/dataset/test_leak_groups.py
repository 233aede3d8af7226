from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from engine.dataset.candidates import Candidate
from engine.dataset.groups import Grouping, NearClusters, group
from engine.dataset.history import History
from engine.dataset.meter import by_text
from engine.dataset.options import DatasetOptions
from engine.dataset.placing import place
from engine.dataset.rows import Row
from engine.dataset.split import SIDES, Side
from engine.errors import DatasetRefused
from engine.models import Turn

LONG = "Nobody writes so long an answer twice by chance, and not in two notes of one week either: "

words = st.sampled_from(["", "Yes.", "No.", *(f"{LONG}{number}" for number in range(4))])
clusters = st.lists(st.lists(st.integers(0, 25), min_size=2, max_size=4).map(tuple), max_size=4)


def candidate(
    position: int, question: str, *answers: str, document: str = "", name: str = ""
) -> Candidate:
    turns = [Turn("user", question)]
    for answer in answers:
        turns += [Turn("assistant", answer), Turn("user", "And then?")]
    row = Row(name or f"b2-{position:032x}", tuple(turns[:-1]), {}, document or f"d{position}")
    return Candidate(row, position)


def together(grouping: Grouping) -> set[tuple[int, int]]:
    return {pair for places in grouping.groups for pair in combinations(places, 2)}


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 9), st.lists(words, min_size=1, max_size=2)),
        min_size=1,
        max_size=20,
    ),
    clusters,
    clusters,
)
def test_what_belongs_together_is_together_whatever_else_there_is(
    made: list[tuple[int, int, list[str]]],
    both: list[tuple[int, ...]],
    answers: list[tuple[int, ...]],
) -> None:
    rows = [
        candidate(position, f"Question {question}?", *its, document=f"d{document}")
        for position, (document, question, its) in enumerate(made)
    ]
    near = NearClusters(tuple(both), tuple(answers))
    grouping = group(rows, near)
    assert sorted(at for places in grouping.groups for at in places) == list(range(len(rows)))
    found = together(grouping)
    templates = {one.question for one in grouping.templates}
    for one, other in combinations(range(len(rows)), 2):
        first, second = rows[one], rows[other]
        long = [
            {turn.content for turn in row.row.turns if turn.content.startswith(LONG)}
            for row in (first, second)
        ]
        asked = [[turn.content for turn in row.row.turns[:1]] for row in (first, second)]
        same = first.row.turns == second.row.turns
        reasons = (
            first.row.group == second.row.group,
            same,
            bool(long[0] & long[1]),
            any(one in places and other in places for places in both),
            all(long) and any(one in places and other in places for places in answers),
            grouping.same_question
            and asked[0] == asked[1]
            and len(first.row.turns) == len(second.row.turns)
            and not any(asked[0][0] in question for question in templates),
        )
        if any(reasons):
            assert (one, other) in found


def test_near_rows_are_together_through_one_that_is_no_row() -> None:
    rows = [candidate(0, "A?", "1"), candidate(7, "B?", "2"), candidate(9, "C?", "3")]
    grouping = group(rows, NearClusters(both=((0, 3, 7),)))
    assert grouping.groups == ((0, 1), (2,))
    assert grouping.joined["duplicate"] == 1


def test_long_answers_are_together_through_short_ones_and_short_ones_are_not() -> None:
    rows = [
        candidate(0, "A?", LONG + "first"),
        candidate(1, "B?", "Short."),
        candidate(2, "C?", LONG + "second"),
    ]
    grouping = group(rows, NearClusters(answers=((0, 1, 2),)))
    assert grouping.groups == ((0, 2), (1,))


def test_spelling_hides_no_copy() -> None:
    rows = [
        candidate(0, "Why?", LONG + "“so”"),
        candidate(1, "WHY ", "Because."),
        candidate(2, "Else?", LONG.upper() + ' "So"!'),
        candidate(3, "Other?", "Because."),
        candidate(4, "other", "because"),
    ]
    assert group(rows).groups == ((0, 1, 2), (3, 4))
    assert group(rows, same_question=False).groups == ((0, 2), (1,), (3, 4))


def test_a_question_that_very_many_ask_joins_nothing_and_is_told() -> None:
    rows = [candidate(n, "How was your day?", f"Day {n}.") for n in range(30)]
    rows += [candidate(30 + n, f"What about {n // 2}?", f"Thing {n}.") for n in range(70)]
    grouping = group(rows)
    assert len(grouping.groups) == 30 + 35
    assert [(one.question, one.rows) for one in grouping.templates] == [("How was your day?", 30)]
    # Copies stay together all the same.
    copies = [*rows, candidate(200, "how was your day", "day 3")]
    assert (3, 100) in together(group(copies))


def test_a_question_of_all_rows_does_not_make_them_one_group() -> None:
    rows = [candidate(0, "Q?", "One."), candidate(1, "Q?", "Two.")]
    grouping = group(rows)
    assert grouping.groups == ((0,), (1,))
    assert not grouping.same_question
    assert grouping.joined["question"] == 0


def test_whether_a_system_message_is_there_makes_no_question_another() -> None:
    plain = candidate(0, "Why is it so?", "One.")
    others = [candidate(n, f"Q{n}?", f"A{n}.") for n in range(2, 60)]
    system = candidate(1, "Why is it so?", "Two.")
    row = system.row
    system = Candidate(Row(row.id, (Turn("system", "Be kind."), *row.turns), {}, row.group), 1)
    assert (0, 1) in together(group([plain, system, *others]))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.integers(0, 30),
            words.filter(bool),
            st.sampled_from(["ro", "en"]),
            st.lists(st.sampled_from("abc"), max_size=2),
            st.sampled_from([None, None, *SIDES]),
        ),
        min_size=2,
        max_size=40,
    ),
    clusters,
    st.integers(0, 20),
    st.sampled_from([0.0, 0.2]),
    st.randoms(),
)
def test_no_group_is_on_two_sides_and_nothing_is_trained_on_that_is_held_out(
    made: list[tuple[int, int, str, str, list[str], Side | None]],
    both: list[tuple[int, ...]],
    seed: int,
    test: float,
    shuffler: random.Random,
) -> None:
    rows, before = [], {}
    for position, (document, question, answer, language, tags, side) in enumerate(made):
        one = candidate(position, f"Question {question}?", answer, document=f"d{document}")
        row = replace(one.row, metadata={"kind": "qa", "tags": tags})
        rows.append(replace(one, row=row, language=language))
        if side is not None:
            before[row.id] = side
    options = DatasetOptions(0.25, seed, "", None, test_fraction=test)
    near, history = NearClusters(both=tuple(both)), History(before)
    grouping = group(rows, near)
    try:
        sides = place(rows, grouping, options, history)
    except DatasetRefused:
        return
    assert set(sides) == ({*SIDES} if test else {"train", "validation"})
    for places in grouping.groups:
        assert len({sides[at] for at in places}) == 1
        old = {before[rows[at].row.id] for at in places if rows[at].row.id in before}
        if len(old) == 1 and (test or old != {"test"}):
            assert {sides[at] for at in places} == old
        if "train" in old:
            assert sides[places[0]] == "train"
    by_side = {side: [one.row for one, its in zip(rows, sides, strict=True) if its == side]
               for side in SIDES}  # fmt: skip
    if not both:
        for held_out in (by_side["validation"], by_side["test"]):
            found = by_text(held_out, by_side["train"])
            assert not any(one.equal or (one.long and one.answer >= 1) for one in found)
    order = list(range(len(rows)))
    shuffler.shuffle(order)
    shuffled = [rows[at] for at in order]
    again = place(shuffled, group(shuffled, near), options, history)
    assert [again[order.index(at)] for at in range(len(rows))] == sides
