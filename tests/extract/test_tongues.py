"""Notes in several languages: what each is taken for, and the language of its questions."""

from __future__ import annotations

import pytest

from engine.extract import extract
from engine.extract.languages import languages
from engine.extract.letters import length, letters
from engine.extract.telling import tell
from engine.models import Document, Example
from engine.sources.notes import parse_note

# Written anew after notes that were asked about in Romanian.
NOTES = {
    "fr": """Hier j'ai enfin compris une chose : je remets toujours à demain les appels qui me
gênent. J'ai décidé de quitter l'association parce qu'elle me prenait tous mes soirs. Avec le
recul, j'aurais dû le dire au printemps, mais je n'osais pas.""",
    "it": """Ieri ho finalmente capito una cosa: rimando sempre le telefonate che mi pesano. Ho
deciso di lasciare il coro perché mi portava via tutte le sere. Guardando indietro, avrei dovuto
dirlo in primavera, ma non trovavo il coraggio e aspettavo che passasse.""",
    "es": """Ayer por fin entendí una cosa: siempre aplazo las llamadas que me pesan. Decidí dejar
el coro porque me quitaba todas las tardes. Mirando atrás, debería haberlo dicho en primavera,
pero no me atrevía y esperaba a que se me pasara.""",
    "ro": """Ieri am înțeles în sfârșit un lucru: amân mereu telefoanele care mă apasă. Am decis
să las corul, pentru că îmi lua toate serile. Privind înapoi, ar fi trebuit să spun din primăvară,
dar n-am îndrăznit și am așteptat să treacă de la sine.""",
}
TABLELESS = {
    "pl": """Wczoraj zrozumiałem wreszcie jedną rzecz: zawsze odkładam telefony, które mi ciążą.
Postanowiłem odejść z chóru, bo zabierał mi wszystkie wieczory. Powinienem był powiedzieć to już
wiosną, ale nie miałem odwagi i czekałem, aż samo przejdzie.""",
    "ja": """昨日やっと一つのことが分かった。私はいつも気の重い電話を後回しにしてしまう。
毎晩の時間を取られるので、合唱団をやめることに決めた。振り返ってみると、春に言うべきだった。
でも勇気がなくて、自然に過ぎるのを待っていた。""",
    "ko": """어제 드디어 한 가지를 깨달았다. 나는 늘 부담스러운 전화를 미룬다. 저녁 시간을
모두 빼앗겨서 합창단을 그만두기로 결정했다. 돌이켜 보면 봄에 말했어야 했다. 하지만 용기가
없어서 저절로 지나가기를 기다렸다.""",
}


def _extract(body: str, name: str) -> list[Example]:
    note = parse_note(f"---\ntags: [reflection]\n---\n{body}\n", name)
    return extract(
        Document(
            source_id="s",
            path=f"{name}.md",
            title=note.title,
            content_hash="b2-0",
            text=note.body,
            tags=note.tags,
            date=note.date,
            start_line=note.body_line,
        )
    )


def _one(text: str, name: str = "2024-05-01", heading: str = "Note") -> Example:
    (example,) = _extract(f"# {name}\n\n## {heading}\n\n{text}", name)
    return example


@pytest.mark.parametrize("code", NOTES)
def test_a_note_is_asked_in_its_own_language(code: str) -> None:
    example = _one(NOTES[code])
    asked = example.turns[0].content
    assert example.turns[1].content.split() == NOTES[code].split()
    shapes = [one for found in languages()[code].asking.templates.values() for one in found]
    assert any(asked.startswith(shape.split("{")[0][:8]) for shape in shapes), asked
    assert "first person" in example.reason


@pytest.mark.parametrize("code", TABLELESS)
def test_a_language_without_a_table_has_neutral_questions(code: str) -> None:
    assert code not in languages()
    assert _one(TABLELESS[code]).turns[0].content == "2024-05-01"
    assert _one(TABLELESS[code], "Chór", "Wiosna").turns[0].content == "Wiosna"


def test_sections_have_their_own_language_and_short_ones_their_notes() -> None:
    text = "\n\n".join(f"## {code}\n\n{NOTES[code]}" for code in ("fr", "ro", "es"))
    found = _extract(f"# Chœur\n\n{text}", "Chœur")
    lettered = [letters((example.turns[1].content,))[0] for example in found]
    assert [tell(one, str, lambda: "fr") for one in lettered] == ["fr", "ro", "es"]
    assert tell(letters(("Mein Chor!",))[0], str, lambda: "de") == "de"


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        # Some sixty characters, and about forty words in a translation.
        (
            "今天我终于明白了一件事我总是在逃避困难的对话上周我决定不再接受那个项目"
            "因为它占用了我太多时间而且我并没有从中学到什么新的东西回头看",
            38,
            48,
        ),
        ("私はいつも気の重い電話を後回しにしてしまう", 8, 13),
        ("나는 늘 부담스러운 전화를 미룬다", 6, 8),
        ("ผมมักจะเลื่อนโทรศัพท์ที่ทำให้ผมหนักใจ", 6, 9),
        ("用Python写的3个脚本", 5, 6),
    ],
)
def test_texts_without_spaces_are_counted_in_characters(text: str, least: int, most: int) -> None:
    assert least <= length(text) <= most
