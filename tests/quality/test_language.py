"""Languages told, and what doesn't fit together."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CheckError
from engine.language import KNOWN, related
from engine.models import Flag, Turn
from engine.quality.language import COMMON, UNTOLD, Detector, LanguageCheck
from engine.quality.language.requests import asks_for_language
from tests.support.properties import tries

EN = "The garden is quiet in the morning, and I drink my coffee there before anybody is awake."
RO = (
    "Dimineața, grădina este liniștită și îmi beau cafeaua acolo, înainte să se trezească ceilalți."
)
RO_PLAIN = (
    "Dimineata gradina este linistita si imi beau cafeaua acolo, inainte sa se trezeasca toti."
)
DE = "Am Morgen ist der Garten still, und ich trinke dort meinen Kaffee, bevor jemand wach ist."
FR = "Le matin, le jardin est calme et j'y bois mon café avant que les autres se réveillent."
SENTENCES = {"en": EN, "ro": RO, "de": DE, "fr": FR}
MORE = {
    "es": "Por la mañana el jardín está tranquilo y allí tomo mi café antes que nadie.",
    "it": "La mattina il giardino è silenzioso e ci bevo il caffè prima che si sveglino gli altri.",
    "hu": "Reggel csendes a kert, és ott iszom meg a kávémat, mielőtt bárki felébredne.",
    "ru": "Утром в саду тихо, и я пью там кофе, пока никто ещё не проснулся.",
    "zh": "早上花园里很安静，大家还没醒的时候我在那里喝咖啡。",
    "ja": "朝の庭は静かで、誰も起きないうちにそこでコーヒーを飲みます。",
    "ca": "Al matí el jardí està tranquil i hi prenc el cafè abans que ningú es desperti.",
    "lt": "Rytą sode tylu, ir aš ten geriu kavą, kol niekas dar nepabudo.",
    "vi": "Buổi sáng khu vườn yên tĩnh và tôi uống cà phê ở đó trước khi mọi người thức dậy.",
}


def conversation(*texts: str) -> list[Turn]:
    return [
        Turn("user" if number % 2 == 0 else "assistant", text) for number, text in enumerate(texts)
    ]


def codes(flags: tuple[Flag, ...]) -> list[str]:
    return [flag.code for flag in flags]


@pytest.mark.parametrize(
    ("language", "text"), [*SENTENCES.items(), *MORE.items(), ("ro", RO_PLAIN)]
)
def test_a_sentence_is_told(language: str, text: str) -> None:
    told = Detector().tell(text)
    assert told.language == language
    assert 0.5 <= told.confidence <= 1


@pytest.mark.parametrize("text", ["", " ", "OK", "42", "Paris.", "3.14159", "x", "!?", "A1 B2 C3"])
def test_too_little_is_not_told(text: str) -> None:
    finding = LanguageCheck().look([Turn("assistant", text)])
    assert finding.flags == ()
    assert finding.measures == {"language": "", "language.confidence": 0.0}


@pytest.mark.parametrize(
    "text",
    [
        "```python\nfor word in the_list_of_words:\n    print(word)\n```",
        "https://example.org/the/house/that/is/on/the/hill",
        "`git commit` /usr/local/share/doc someone@example.org",
        "def read(path):\n    return open(path).read()",
        "<div class='the-house'><span id='of-the-rising-sun'></span></div>",
    ],
)
def test_code_and_addresses_are_in_no_language(text: str) -> None:
    assert LanguageCheck().look([Turn("assistant", text)]).measures["language"] == ""


def test_code_does_not_hide_the_language_around_it() -> None:
    code = "```python\nfor line in the_file:\n    print('this is the line', line)\n```"
    text = f"{RO}\n\n{code}\n\n{RO}"
    finding = LanguageCheck().look([Turn("assistant", text)])
    assert finding.measures["language"] == "ro"
    assert finding.flags == ()


def test_an_example_is_in_the_language_of_its_answers() -> None:
    finding = LanguageCheck().look(conversation(EN, RO))
    assert finding.measures["language"] == "ro"
    assert LanguageCheck().look(conversation(RO, "Da.")).measures["language"] == "ro"


def test_an_answer_in_another_language_is_flagged() -> None:
    (flag,) = LanguageCheck().look(conversation(EN, RO)).flags
    assert (flag.kind, flag.code, flag.turn) == ("language", "answer-differs", 1)
    assert "en" in flag.reason
    assert "ro" in flag.reason
    assert flag.score > 0.5


@pytest.mark.parametrize(
    "request_",
    [f"Translate into Romanian, please: {EN}", f"Please answer this in Romanian: {EN}"],
)
def test_where_another_language_was_asked_for_the_score_is_low(request_: str) -> None:
    (flag,) = LanguageCheck().look(conversation(request_, RO)).flags
    assert flag.code == "answer-differs"
    assert flag.score < 0.4
    assert "asked for" in flag.reason


def test_the_system_may_ask_for_a_language() -> None:
    turns = [Turn("system", "Always answer in Romanian."), *conversation(EN, RO)]
    (flag,) = LanguageCheck().look(turns).flags
    assert flag.turn == 2
    assert flag.score < 0.4


def test_a_text_that_was_given_may_be_answered_in_its_language() -> None:
    question = f"What is this text about? Tell me in a sentence or two, please.\n\n{RO} {RO_PLAIN}"
    assert LanguageCheck().look(conversation(question, EN)).flags == ()
    assert LanguageCheck().look(conversation(question, RO)).flags == ()


def test_a_passage_in_another_language_is_flagged_where_it_stands() -> None:
    text = f"{EN} {EN}\n\n{RO}\n\n{EN}"
    (flag,) = LanguageCheck().look([Turn("assistant", text)]).flags
    assert (flag.code, flag.turn) == ("mixed", 0)
    assert text[flag.start : flag.end] == RO
    assert "ro" in flag.reason


def test_where_a_translation_was_asked_for_a_mixture_scores_low() -> None:
    answer = f"{EN} {EN}\n\n{RO}\n\n{EN}"
    (flag,) = LanguageCheck().look(conversation(f"Translate this, and explain: {EN}", answer)).flags
    assert flag.code == "mixed"
    assert flag.score < 0.4


@pytest.mark.parametrize(("open_", "close"), ["„”", "“”", "«»", '""', ("> ", "")])
def test_a_quotation_in_another_language_is_not_flagged(open_: str, close: str) -> None:
    text = f"{EN} He wrote:\n{open_}{RO}{close}\n{EN}"
    finding = LanguageCheck().look([Turn("assistant", text)])
    assert finding.flags == ()
    assert finding.measures["language"] == "en"


def test_foreign_words_alone_are_no_mixture() -> None:
    text = (
        f"{EN} We call it joie de vivre, or Gemütlichkeit, and on Sundays a dolce far niente. {EN}"
    )
    assert LanguageCheck().look([Turn("assistant", text)]).flags == ()


def test_answers_in_two_languages_are_flagged_once_for_the_example() -> None:
    flags = LanguageCheck().look(conversation(EN, EN, EN, RO, EN, EN)).flags
    assert sorted(codes(flags)) == ["answer-differs", "mixed"]
    as_asked = LanguageCheck().look(conversation(EN, EN, RO, RO)).flags
    assert codes(as_asked) == ["mixed"]
    assert as_asked[0].turn == -1
    assert as_asked[0].score < 0.4


def test_an_unexpected_language_is_flagged_only_if_something_is_expected() -> None:
    turns = conversation(DE, DE)
    assert LanguageCheck().look(turns).flags == ()
    assert LanguageCheck(expected=("de",)).look(turns).flags == ()
    (flag,) = LanguageCheck(expected=("EN", "ro-RO")).look(turns).flags
    assert (flag.code, flag.turn) == ("unexpected", -1)
    assert "de" in flag.reason
    assert LanguageCheck(expected=("en",)).look(conversation("Ja?", "42")).flags == ()


def test_only_the_given_languages_are_considered() -> None:
    check = LanguageCheck(languages=("en", "de"))
    assert check.look([Turn("assistant", RO)]).measures["language"] in ("", "en", "de")
    assert check.look([Turn("assistant", DE)]).measures["language"] == "de"


@pytest.mark.parametrize("code", ["", "xx", "english", "e", "tlh"])
def test_an_unknown_language_is_refused(code: str) -> None:
    with pytest.raises(CheckError) as refused:
        LanguageCheck(expected=(code,))
    assert refused.value.hint


def test_the_version_names_the_library_and_the_options() -> None:
    plain = LanguageCheck().version
    assert "py3langid-" in plain
    assert (
        LanguageCheck(expected=("ro", "en")).version == LanguageCheck(expected=("en", "ro")).version
    )
    others = {
        plain,
        LanguageCheck(expected=("en",)).version,
        LanguageCheck(languages=("en",)).version,
    }
    assert len(others) == 3


def test_the_known_languages_are_those_of_the_library() -> None:
    library = importlib.import_module("py3langid.langid")
    labels = library.LanguageIdentifier.from_model_file(library.MODEL_FILE).labels
    assert {label for label in labels if len(label) == 2} - {"nn"} == KNOWN
    assert set(COMMON) <= KNOWN


def test_languages_that_are_nearly_the_same_are_not_told_apart() -> None:
    assert related("hr", "sr")
    assert related("no", "da")
    assert related("en", "en")
    assert not related("en", "ro")
    assert not related("es", "it")


@pytest.mark.parametrize(
    "text",
    [
        "Translate this.",
        "Traduceți textul.",
        "Übersetze das bitte!",
        "Say it in Romanian",
        "Переведи",
    ],
)
def test_a_request_for_a_language_is_seen(text: str) -> None:
    assert asks_for_language(text)


def test_a_plain_question_asks_for_no_language() -> None:
    assert not any(asks_for_language(text) for text in (EN, RO, DE, FR))


@settings(max_examples=tries(150), deadline=None)
@given(st.lists(st.text(max_size=400), max_size=4))
def test_any_text_is_taken(texts: list[str]) -> None:
    turns = conversation(*texts)
    check = LanguageCheck(expected=("en",))
    finding = check.look(turns)
    assert finding == check.look(turns)
    for flag in finding.flags:
        assert 0 <= flag.score <= 1
        assert flag.turn < len(turns)
        if flag.turn >= 0:
            assert 0 <= flag.start <= flag.end <= len(turns[flag.turn].content)


@pytest.mark.parametrize(
    "part",
    [
        "\ud800",
        "\0",
        "e\u0301\u0302",
        "שלום עולם ",
        "a",
        "\n",
        ".",
        '"',
        "`",
        "```\n",
        "<",
        "](",
        "> ",
    ],
)
def test_a_megabyte_of_anything_is_taken(part: str) -> None:
    text = (part * (1_000_000 // len(part) + 1))[:1_000_000]
    assert (
        LanguageCheck().look([Turn("user", text), Turn("assistant", EN)]).measures["language"]
        == "en"
    )


def test_nothing_at_all_is_taken() -> None:
    assert LanguageCheck().look([]).measures["language"] == ""
    assert Detector().tell("") == UNTOLD
