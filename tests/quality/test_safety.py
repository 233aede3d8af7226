"""What the word lists find, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CheckError
from engine.models import Flag, Turn
from engine.quality.safety import CATEGORIES, LANGUAGES, SafetyCheck
from engine.quality.safety.lists import GAP, Entry, entries
from tests.support.properties import tries

HOSTS = {
    "en": "Yesterday somebody wrote this to me on the forum: {}. I did not know what to answer.",
    "ro": "Ieri cineva mi-a scris asta pe forum: {}. Nu am știut ce să răspund la așa ceva.",
    "de": "Gestern hat mir jemand im Forum das geschrieben: {}. Ich wusste keine Antwort darauf.",
    "fr": "Hier quelqu'un m'a écrit cela sur le forum: {}. Je ne savais pas quoi lui répondre.",
    "es": "Ayer alguien me escribió esto en el foro: {}. No supe qué contestarle en ese momento.",
    "it": "Ieri qualcuno mi ha scritto questo sul forum: {}. Non sapevo che cosa rispondere.",
    "pt": "Ontem alguém me escreveu isto no fórum: {}. Eu não soube o que responder na hora.",
    "nl": "Gisteren schreef iemand mij dit op het forum: {}. Ik wist niet wat ik moest antwoorden.",
    "pl": "Wczoraj ktoś napisał do mnie na forum: {}. Nie wiedziałem, co mam na to odpowiedzieć.",
    "hu": "Tegnap valaki ezt írta nekem a fórumon: {}. Nem tudtam, hogy mit válaszoljak neki.",
    "ru": "Вчера кто-то написал мне на форуме: {}. Я не знал, что на это ответить ему.",
    "tr": "Dün birisi bana forumda şunu yazdı: {}. Ben de ona ne cevap vereceğimi bilemedim.",
}


def written(entry: Entry) -> str:
    """Return an entry as somebody would write it."""
    return " ".join(piece.rstrip("*") for piece in entry.pieces if piece != GAP)


def flags(text: str, check: SafetyCheck | None = None) -> tuple[Flag, ...]:
    return (check or SafetyCheck()).look([Turn("user", text)]).flags


def some(language: str, category: str) -> str:
    """Return a strong entry that is a single whole word, and that a person would know."""
    for entry in entries():
        known = (entry.language, entry.category, entry.level) == (language, category, "strong")
        piece = entry.pieces[0]
        if known and len(entry.pieces) == 1 and len(piece) >= 5 and piece.isalpha():
            return piece
    raise AssertionError(f"{language} has no such word of {category}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_strong_entry_is_found_in_a_sentence_of_its_language(language: str) -> None:
    check = SafetyCheck()
    missed = []
    for entry in entries():
        if entry.language != language or entry.level != "strong":
            continue
        text = HOSTS[language].format(written(entry))
        if entry.category not in {flag.code for flag in flags(text, check)}:
            missed.append(written(entry))
    assert missed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plain_sentence_is_not_flagged(language: str) -> None:
    assert flags(HOSTS[language].format("ok")) == ()


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_category(language: str, category: str) -> None:
    mine = [one for one in entries() if (one.language, one.category) == (language, category)]
    assert {"strong", "mild", "lowered_by"} <= {entry.level for entry in mine}


def test_the_span_is_that_of_the_word_and_the_reason_does_not_quote_it() -> None:
    word = some("ro", "toxic")
    text = HOSTS["ro"].format(word)
    (flag,) = flags(text)
    assert (flag.kind, flag.code, flag.turn) == ("safety", "toxic", 0)
    assert text[flag.start : flag.end] == word
    assert word not in flag.reason
    assert "insults" in flag.reason


def test_flags_name_the_turn() -> None:
    word = some("en", "profanity")
    turns = [Turn("user", "Good morning."), Turn("assistant", HOSTS["en"].format(word))]
    assert [flag.turn for flag in SafetyCheck().look(turns).flags] == [1]


@pytest.mark.parametrize(
    ("hide", "language"),
    [
        (lambda word: word.upper(), "en"),
        (lambda word: word.replace("o", "0").replace("i", "1").replace("e", "3"), "en"),
        (lambda word: ".".join(word), "en"),
        (lambda word: " ".join(word), "en"),
        (lambda word: word[0] + "*" + word[2:], "en"),
        (lambda word: word[:-1] + word[-1] * 5, "en"),
        (lambda word: word.replace("a", "а").replace("o", "о").replace("e", "е"), "en"),
        (lambda word: "".join(sign + "\u0301" for sign in word), "ro"),
        (lambda word: f"**{word}**", "ro"),
        (lambda word: f"({word}!)", "de"),
    ],
)
def test_a_disguised_word_is_found(hide: Callable[[str], str], language: str) -> None:
    word = some(language, "toxic")
    text = HOSTS[language].format(hide(word))
    assert "toxic" in {flag.code for flag in flags(text)}, hide("letters")


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe, Essex, Sussex and Penistone are places in England with a long history.",
        "The assassin of the novel hides in the cockpit, says the analysis of its first class.",
        "How do I kill a process in Linux that ignores the signal? The command hangs.",
        "Use kill -9 to end the child, then reap the zombie so that the parent can exit.",
        "The hen and the rooster sat on a wall.",
        "The patient was treated for breast cancer; the doctor explained the anatomy of the penis.",
        "The suicide rate fell in the last decade, according to a study on prevention.",
        "Homo sapiens and Homo erectus lived at the same time, fossils show.",
        "Police arrested a suspect after a man was killed with a knife in the market.",
        "Moby Dick is a novel; Dick Cheney and Dick van Dyke are people.",
        "The army shot at the castle, and many were killed in the battle of that century.",
        "Planeta Marte este a patra de la Soare, iar Pământul este a treia.",
        "Am plecat în marș spre munte cu rucsacul în spate.",
        "Poliția a arestat un suspect după ce un bărbat a fost omorât cu un cuțit.",
        "Rata sinuciderilor a scăzut, arată un studiu despre prevenire și sprijin.",
        "Le chat dort dans un cul-de-sac près de la boulangerie, et il fut roi.",
        "Die Kinder spielen im Garten, und der Bauer fährt den Mist auf das Feld.",
        "El cono tiene un volumen que depende del radio de su base y de la altura.",
        "The KKT conditions and fmt.Println(x) are not related; see a*b*c and src/*.c too.",
    ],
)
def test_innocent_neighbours_are_left_alone(text: str) -> None:
    assert flags(text) == ()


def test_a_context_lowers_the_score_and_is_named() -> None:
    bare = "Then she told me about her suicide plans while we were sitting at the table."
    context = f"{bare} The study of risk factors says where to seek help, and prevention matters."
    (plain,) = flags(bare)
    assert plain.code == "self-harm"
    lowered = flags(context, SafetyCheck(threshold=0.1))
    (mine,) = [flag for flag in lowered if flag.code == "self-harm"]
    assert mine.score < plain.score
    assert "another meaning" in mine.reason


def test_weak_words_count_only_together() -> None:
    weak = [one for one in entries() if (one.language, one.category) == ("en", "toxic")]
    words = [written(one) for one in weak if one.level == "weak"][:4]
    assert all(flags(HOSTS["en"].format(word)) == () for word in words)
    (flag,) = flags(HOSTS["en"].format(" ".join(words)))
    assert flag.code == "toxic"
    assert flag.score < 0.9


def test_a_word_of_one_language_does_not_count_in_another() -> None:
    text = "The curve of the road is steep, and the mars rover took a picture of the capra there."
    assert flags(text) == ()


def test_categories_languages_and_threshold_choose() -> None:
    text = HOSTS["ro"].format(some("ro", "toxic"))
    assert flags(text, SafetyCheck(categories=("sexual",))) == ()
    assert flags(text, SafetyCheck(languages=("en",))) == ()
    assert flags(text, SafetyCheck(threshold=0.95)) == ()
    assert flags(text, SafetyCheck(categories=("toxic",), languages=("ro",)))


def test_what_there_is_not_is_refused() -> None:
    for wrong in ({"languages": ("xx",)}, {"categories": ("rude",)}, {"threshold": 2.0}):
        with pytest.raises(CheckError) as refused:
            SafetyCheck(**wrong)
        assert refused.value.hint


def test_the_version_changes_with_the_options() -> None:
    checks = [
        SafetyCheck(),
        SafetyCheck(threshold=0.6),
        SafetyCheck(languages=("en",)),
        SafetyCheck(categories=("toxic",)),
    ]
    assert len({check.version for check in checks}) == len(checks)
    assert (
        SafetyCheck(languages=("ro", "en")).version == SafetyCheck(languages=("en", "ro")).version
    )
    assert "py3langid-" in SafetyCheck().version


@settings(max_examples=tries(150), deadline=None)
@given(st.text(max_size=600))
def test_any_text_is_taken(text: str) -> None:
    turns = [Turn("user", text)]
    finding = SafetyCheck(threshold=0.2).look(turns)
    assert finding == SafetyCheck(threshold=0.2).look(turns)
    for flag in finding.flags:
        assert 0.2 <= flag.score < 1
        assert 0 <= flag.start < flag.end <= len(text)


@pytest.mark.parametrize(
    "part", ["\ud800", "\0", "e\u0301", "שלום ", "a", "\n", "a.", "f*", "1a", "a b "]
)
def test_a_megabyte_of_anything_is_taken(part: str) -> None:
    text = (part * (1_000_000 // len(part) + 1))[:1_000_000]
    word = some("ro", "toxic")
    found = SafetyCheck().look([Turn("user", text), Turn("user", HOSTS["ro"].format(word))]).flags
    assert [flag.code for flag in found if flag.turn == 1] == ["toxic"]


def test_nothing_at_all_is_taken() -> None:
    assert SafetyCheck().look([]).flags == ()
    assert flags("") == ()
