"""What an app left in a text is flagged, with a place and a reason."""

from __future__ import annotations

import pytest

from engine.models import Flag, Turn
from engine.quality.apptext import AppTextCheck


def _flags(answer: str, question: str = "What is it?") -> tuple[Flag, ...]:
    return AppTextCheck().look([Turn("user", question), Turn("assistant", answer)]).flags


@pytest.mark.parametrize(
    ("answer", "code", "place"),
    [
        ("So \ue210new\ue211 it is", "private-use", "\ue210"),
        ("So \U000f0001 it is", "private-use", "\U000f0001"),
        ("It \ufffc is", "private-use", "\ufffc"),
        ("Yes\U000e0069\U000e0067 it is", "tag-characters", "\U000e0069\U000e0067"),
        ("It is deep 【12†source】.", "mark", "【12†source】"),
        ("See [it](sandbox:/mnt/data/a.csv)", "mark", "[it](sandbox:/mnt/data/a.csv)"),
        (":::writing{id=1}\nIt is deep", "mark", ":::writing{id=1}"),
        ("I've put the essay in the canvas.", "elsewhere", "I've put the essay in the canvas"),
        ("The sheet is ready. Click below to download it.", "elsewhere", "is ready. Click below"),
        ("Your poem is ready! It is on the right.", "elsewhere", "is ready! It is on the right"),
        ("I've drafted your letter above.", "elsewhere", "I've drafted your letter above"),
        ("J'ai créé l'artefact.", "elsewhere", "J'ai créé l'artefact"),
        ("Am scris eseul în canvas.", "elsewhere", "Am scris eseul în canvas"),
    ],
)
def test_each_code_with_its_place_and_reason(answer: str, code: str, place: str) -> None:
    (flag,) = _flags(answer)
    assert (flag.kind, flag.code, flag.turn) == ("app-text", code, 1)
    assert answer[flag.start : flag.end] == place
    assert flag.score >= 0.5
    assert flag.reason


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("Plain words, 【注意】 and [1].", "What?"),
        (
            "England \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "Which?",
        ),
        ("It is 【12†source】, a citation.", "What is 【12†source】 here?"),
        ("`turn0search1` is a reference.", "What?"),
        ("Use the arc method on the canvas element.", "How do I draw a circle on a canvas?"),
        ("Open the menu, and click File to download it.", "How do I save?"),
        ("Roses are red,\nviolets blue.\n\nI wrote the poem in the canvas.", "A poem!"),
        ("He painted on canvas. I like it.", "Who?"),
        ("I created the canvas with tkinter.", "What?"),
        ("I wrote it in the canvas. " + "It is deep and cold. " * 40, "What?"),
    ],
)
def test_sound_text_has_no_flag(answer: str, question: str) -> None:
    assert [flag for flag in _flags(answer, question) if flag.turn == 1] == []


@pytest.mark.parametrize(
    "prompt",
    [
        "My prompt \ue0b0 here",
        # In the middle of a sentence a mark may be spoken of, and is not taken out.
        "Explain water citeturn0search1 now",
        "Say more: text【12†source】 here [citation:1] and there",
    ],
)
def test_the_words_of_a_person_count_less(prompt: str) -> None:
    (flag,) = AppTextCheck().look([Turn("user", prompt), Turn("assistant", "Yes.")]).flags
    assert flag.score < 0.5
    asked = Turn("user", "Why does it write 【12†source】 behind sentences?")
    assert not AppTextCheck().look([asked]).flags
