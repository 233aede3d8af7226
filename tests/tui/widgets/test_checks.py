"""What is said when checks end, and what the title line says while they go on."""

from __future__ import annotations

import pytest

from engine.errors import EmbeddingModelMissing
from engine.quality.stage import CheckFailure, CheckReport
from engine.similarity import DedupReport
from tui.messages import Check, ChecksEnded
from tui.widgets.checks import checks_words
from tui.widgets.frame import check_words

NEAR = DedupReport(compared=182, flags={"exact": 4, "near": 8, "same-question": 5})
SOME = CheckReport(looked=182, flags={"secret": 3, "personal": 1})


def test_one_sentence_says_what_was_found() -> None:
    words, hint, kind = checks_words(ChecksEnded(SOME, NEAR))
    assert words == (
        "checked 182 examples: 3 with secrets, 1 with personal data, 12 near-duplicates"
    )
    assert "f on Curate" in hint
    assert kind == "done"


def test_what_asks_nothing_of_a_person_is_not_said() -> None:
    nothing = CheckReport(current=182)
    assert checks_words(ChecksEnded(nothing, DedupReport()))[0] == ""
    assert checks_words(ChecksEnded(CheckReport(looked=1), DedupReport(), few=1))[0] == ""
    assert "nothing is new" in checks_words(ChecksEnded(nothing, None, by_hand=True))[0]


def test_what_was_left_out_is_told_to_who_asks() -> None:
    report = CheckReport(looked=2, left_out={"length": "the base is not here"})
    assert checks_words(ChecksEnded(report, None))[1] == ""
    hint = checks_words(ChecksEnded(report, None, by_hand=True))[1]
    assert hint == "length was not checked: the base is not here"


def test_failures_and_rules_are_named() -> None:
    failed = CheckReport(looked=1, failed=(CheckFailure("b2-1", "length", "it broke", "look"),))
    words, hint, kind = checks_words(ChecksEnded(failed, None))
    assert "1 example could not be checked: it broke" in words
    assert (hint, kind) == ("look", "error")
    decided = CheckReport(looked=4, decided={"reject": 2, "approve": 1})
    assert "your rules decided 3" in checks_words(ChecksEnded(decided, None))[0]


def test_a_stopped_run_and_a_failed_one() -> None:
    assert "stopped" in checks_words(ChecksEnded(CheckReport(cancelled=True), None))[0]
    assert "stopped" in checks_words(ChecksEnded(SOME, DedupReport(cancelled=True)))[0]
    assert checks_words(ChecksEnded(None, None, EmbeddingModelMissing("gone")))[0] == ""


@pytest.mark.parametrize(
    ("width", "words"),
    [(40, "▶ near-duplicates 12%"), (20, "▶ 12%"), (3, "▶"), (0, "")],
)
def test_the_title_says_it_in_the_room_there_is(width: int, words: str) -> None:
    assert check_words(Check("near-duplicates", 12), width) == words
