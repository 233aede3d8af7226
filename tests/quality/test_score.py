"""What the quality score takes for sound, and what it finds wrong."""

from __future__ import annotations

import pytest

from engine.models import Turn
from engine.quality.base import Check
from engine.quality.score import PARTS, Part, QualityCheck, score, score_answer

TERSE = [
    ("Capital of France?", "Paris"),
    ("Is 17 prime?", "Yes"),
    ("Is 18 prime?", "no"),
    ("Six times seven?", "42"),
    ("Who wrote it?", "Mihai Eminescu"),
    ("Care este capitala României?", "București"),
    ("首都は？", "東京"),
    ("首都是哪里？", "北京。"),
    ("Столица?", "Москва"),
    ("ما العاصمة؟", "القاهرة"),
    ("Reverse s in Python", "s[::-1]"),
    ("Say hello in Python", 'print("hello")'),
    ("Add in Python", "```python\ndef add(a, b):\n    return a + b\n```"),
    ("Add in C", "int add(int a, int b) {\n    return a + b;\n}"),
    ("All users", "SELECT name FROM users WHERE age > 3;"),
    ("A point", '{"x": 1, "y": [2, 3]}'),
    ("Three colours", "- red\n- green\n- blue"),
    ("Three colours", "1. red\n2. green\n3. blue"),
    ("Solve x + 2 = 4", "x = 2"),
    ("How many apples?", "She has 4 + 3 = 7 apples.\nShe eats 2, so 7 - 2 = 5 apples"),
    ("Which vitamin?", "Vitamin A"),
    ("Which grade?", "A-"),
    ("Thanks!", "You're welcome :)"),
    ("A title?", "The Long Way Home"),
    ("Fill in: The sky is ___ today.", "The sky is blue today."),
    ("Translate to Romanian: good evening to everyone here", "bună seara tuturor celor de aici"),
    ("Correct: he go to school by the bus", "He goes to school by bus."),
]


@pytest.mark.parametrize(("prompt", "answer"), TERSE)
def test_terse_answers_are_sound(prompt: str, answer: str) -> None:
    assert score_answer(answer, prompt).score == 1.0


PROSE = {
    "en": (
        "Bread rises because yeast eats sugar and gives off gas. The gas is caught in the dough, "
        "which stretches like a balloon.\n\nIf the kitchen is cold, this takes longer. Put the "
        "bowl near the oven, and cover it with a towel."
    ),
    "ro": (
        "Pâinea crește pentru că drojdia mănâncă zahăr și lasă gaz. Gazul rămâne prins în aluat, "
        "care se întinde ca un balon.\n\nDacă bucătăria este rece, durează mai mult. Așază vasul "
        "lângă cuptor și acoperă-l cu un prosop."
    ),
    "de": (
        "Brot geht auf, weil Hefe Zucker frisst und dabei Gas abgibt. Das Gas bleibt im Teig, der "
        "sich wie ein Ballon dehnt.\n\nIst die Küche kalt, dauert es länger. „Stell die Schüssel "
        "neben den Ofen und deck sie mit einem Tuch zu.“"
    ),
    "ru": (
        "Хлеб поднимается, потому что дрожжи едят сахар и выделяют газ. Газ остаётся в тесте, "
        "и оно растягивается, как шар.\n\nЕсли на кухне холодно, это длится дольше."
    ),
    "zh": (
        "面包会膨胀，因为酵母吃糖并放出气体。"
        "气体留在面团里，面团就像气球一样变大。\n\n厨房冷的时候要等更久。"
    ),
    "ja": (
        "パンが膨らむのは、酵母が糖を食べてガスを出すからです。"
        "ガスは生地の中に残ります。\n\n台所が寒いと、時間がかかります。"
    ),
    "ar": (
        "يرتفع الخبز لأن الخميرة تأكل السكر وتطلق الغاز. "
        "يبقى الغاز في العجين فيتمدد مثل البالون.\n\nإذا كان المطبخ باردا طال الوقت."
    ),
    "th": "ขนมปังขึ้นฟูเพราะยีสต์กินน้ำตาลและปล่อยก๊าซออกมา ก๊าซจะอยู่ในแป้งและทำให้แป้งพองตัว",
    "el": "Το ψωμί φουσκώνει επειδή η μαγιά τρώει ζάχαρη και βγάζει αέριο. Το αέριο μένει μέσα.",
    "he": "הלחם תופח כי השמרים אוכלים סוכר ומשחררים גז. הגז נשאר בתוך הבצק והוא גדל כמו בלון.",
    "ko": "빵이 부푸는 것은 효모가 설탕을 먹고 가스를 내기 때문입니다. 가스는 반죽 안에 남습니다.",
    "fr": "Le pain lève parce que la levure mange le sucre et libère un gaz. « Il reste dedans. »",
    "es": "El pan sube porque la levadura come azúcar y suelta gas. ¿Y si hace frío? Tarda más.",
    "hi": "रोटी इसलिए फूलती है क्योंकि खमीर चीनी खाता है और गैस छोड़ता है। गैस आटे में रह जाती है।",
}


@pytest.mark.parametrize("language", PROSE)
def test_prose_of_any_language_is_sound(language: str) -> None:
    found = score_answer(PROSE[language], "?")
    assert found.faults == ()


BROKEN: list[tuple[str, Part, str, str, str]] = [
    ("empty", "completeness", "Why?", "", "empty"),
    ("blank", "completeness", "Why?", " \n\t", "empty"),
    ("cut", "completeness", "Why?", PROSE["en"][:-24], "cut-off"),
    ("cut in Romanian", "completeness", "De ce?", PROSE["ro"][:-18], "cut-off"),
    ("cut in Chinese", "completeness", "为什么？", PROSE["zh"][:-3], "cut-off"),
    ("dangling", "completeness", "Why?", "It is because of the", "cut-off"),
    ("comma", "completeness", "Why?", "There are three reasons, first,", "cut-off"),
    ("colon", "completeness", "Why?", "There are three reasons for it:", "cut-off"),
    ("empty item", "completeness", "Why?", "Three reasons:\n1. It is warm.\n2.", "cut-off"),
    ("open fence", "completeness", "How?", "Run it:\n```sh\nmake all", "cut-off"),
    ("open brace", "completeness", "How?", "int f(int a) {\n    return a +", "cut-off"),
    ("open bracket", "completeness", "Why?", "It is warm here today (and the oven is", "cut-off"),
    ("twice", "repetition", "Why?", PROSE["en"] + "\n\n" + PROSE["en"], "repetition"),
    ("one sentence twice", "repetition", "Why?",
     "It is the yeast. The gas is caught in the dough. The gas is caught in the dough.",
     "repetition"),
    ("loop", "repetition", "Why?", "It is the yeast that does all of it. " * 12, "loop"),
    ("loop in Chinese", "repetition", "?", "面包会膨胀因为酵母吃糖并放出气体。" * 8, "loop"),
    ("loop without words", "repetition", "?", "x" + "yes/no" * 200, "loop"),
    ("refusal", "refusal", "How do I bake?", "I'm sorry, but I can't help with that.", "refusal"),
    ("refusal in Romanian", "refusal", "Cum?", "Îmi pare rău, dar nu pot răspunde.", "refusal"),
    ("refusal in Romanian without diacritics", "refusal", "Cum?",
     "Imi pare rau, dar nu pot raspunde.", "refusal"),
    ("refusal in German", "refusal", "Wie?", "Leider kann ich dir das nicht sagen.", "refusal"),
    ("refusal in French", "refusal", "?", "Je suis désolé, mais je ne peux pas.", "refusal"),
    ("refusal in Spanish", "refusal", "?", "Lo siento, pero no puedo ayudarte.", "refusal"),
    ("self", "boilerplate", "Bread?", "As an AI language model, I like bread.", "boilerplate"),
    ("self in Romanian", "boilerplate", "?", "Ca model de limbaj, îmi place.", "boilerplate"),
    ("closing", "boilerplate", "Why?", PROSE["en"] + " I hope this helps!", "boilerplate"),
    ("holder", "boilerplate", "Who?", "His name is [insert name].", "placeholder"),
    ("echo", "echo", "Why does bread rise in ovens?", "Why does bread rise in ovens?", "echo"),
    ("echo before", "echo", "Why does bread rise in the oven?",
     "Why does bread rise in the oven? " + PROSE["en"], "echo"),
    ("echo of an order", "echo", "Explain why bread rises in a warm oven",
     "Explain why bread rises in a warm oven\n" + PROSE["en"], "echo"),
    ("mojibake", "formatting", "?", PROSE["ro"].encode().decode("latin-1"), "encoding"),
    ("lost", "formatting", "?", "P\ufffdinea cre\ufffdte.", "encoding"),
    ("question marks", "formatting", "?", "P?inea cre?te pentru c? dro?dia m?n?nc?.", "encoding"),
    ("control", "formatting", "?", "Bread\x1b[31m rises.", "control"),
    ("surrogate", "formatting", "?", "Bread \ud83d rises.", "control"),
    ("marker", "formatting", "?", "Bread rises.<|im_end|>", "role-marker"),
    ("marker of alpaca", "formatting", "?", "Bread rises.\n\n### Response:\nYes.", "role-marker"),
    ("HTML", "formatting", "?", "<p>Bread rises.</p><br>Yes &amp; no.", "markup"),
    ("escapes", "formatting", "?", "Bread rises.\\n\\nYes.\\nNo.", "markup"),
    ("letters", "readability", "?", "qwrtp zxcvb jkhgf mnbvc lkjhg xqzw fdsgh trwq vbnm plkj",
     "gibberish"),
    ("shuffled", "readability", "?",
     "the of bread rises the because is yeast the and gas the of are in dough. the was. oven it "
     "their is the be. warm a the from would", "gibberish"),
    ("signs", "readability", "?", "#@!% ^&*( )_+[ ]{};: <>,./ ?~`#@ !%^&* ()+", "gibberish"),
    ("wall", "readability", "?", "Bread rises and the baker sees it, too. " * 2
     + " ".join(f"Loaf {n} rose by {n * 7 % 13} cm in {n * 3} minutes." for n in range(300)),
     "wall"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "prompt", "answer", "code"),
    [row[1:] for row in BROKEN],
    ids=[row[0] for row in BROKEN],
)
def test_faults_are_found(part: Part, prompt: str, answer: str, code: str) -> None:
    found = score_answer(answer, prompt)
    assert code in {fault.code for fault in found.faults if fault.part == part}
    assert found.parts[part] < 0.9
    assert found.score <= found.parts[part]


GRAVE = [row for row in BROKEN if row[0] not in {"closing", "wall"}]


@pytest.mark.parametrize(
    ("prompt", "answer"), [(row[2], row[3]) for row in GRAVE], ids=[row[0] for row in GRAVE]
)
def test_grave_faults_fall_under_the_line(prompt: str, answer: str) -> None:
    assert score_answer(answer, prompt).score < 0.7


LEGITIMATE = [
    ("Repeat after me: bread is good for all of you", "Bread is good for all of you"),
    ("What did Ana say? Ana said that the oven is far too warm today.",
     "Ana said that the oven is far too warm today."),
    ("What is &nbsp; in HTML?", "The entity `&nbsp;` is a space that does not break."),
    ("Write HTML for a list", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    ("What does <|im_end|> mean?", "The token <|im_end|> ends a turn."),
    ("Is “I'm sorry, but I can't help with that” rude?",
     "No: “I'm sorry, but I can't help with that” is polite."),
    ("How do I write a regex for digits?", r"Use `\d+`, or `[0-9]+` if you like."),
    ("Sing", "Row, row, row your boat\nGently down the stream\nMerrily, merrily\nLife is a dream"),
    ("Natalia sold 48 clips in April. She sold half as many in May. How many in all?",
     "She sold 48/2 = 24 clips in May.\nNatalia sold 48+24 = 72 clips in April and May."),
    ("A table", "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"),
    ("How happy was I?", "I was so happy that I danced :smile: :tada:"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "answer"), LEGITIMATE)
def test_what_only_looks_like_a_fault_is_sound(prompt: str, answer: str) -> None:
    assert score_answer(answer, prompt).score >= 0.9, score_answer(answer, prompt).faults


def test_a_longer_answer_is_not_better() -> None:
    short = "Bread rises because of yeast."
    assert score_answer(short, "Why?").score == score_answer(PROSE["en"], "Why?").score == 1.0


def test_a_refusal_says_that_it_is_one() -> None:
    flags = QualityCheck().look(
        [Turn("user", "How?"), Turn("assistant", "I'm sorry, but I can't help with that.")]
    )
    (flag,) = flags.flags
    assert flag.code == "refusal"
    assert "declines" in flag.reason
    assert "may be right" in flag.reason


def test_the_worst_answer_counts_half() -> None:
    sound = [Turn("user", "Why?"), Turn("assistant", "Because of yeast.")]
    broken = [Turn("user", "How do I bake?"), Turn("assistant", "")]
    assert score(sound * 9).score == 1.0
    assert score(sound * 9 + broken).score == pytest.approx((0.9 + 0.0) / 2)
    assert score(sound * 9 + broken).parts["completeness"] == pytest.approx(0.45)


def test_a_conversation_without_an_answer_has_no_quality() -> None:
    for turns in ([], [Turn("user", "Hello?")], [Turn("system", "Be brief.")]):
        finding = QualityCheck().look(turns)
        assert finding.measures["quality"] == 0.0
        assert [(flag.code, flag.turn) for flag in finding.flags] == [("empty", -1)]


def test_only_answers_are_scored() -> None:
    turns = [Turn("system", "Ã©" * 20), Turn("user", "\x00\x01 ###"), Turn("assistant", "Yes.")]
    assert score(turns).score == 1.0


def test_the_check_measures_every_part() -> None:
    finding = QualityCheck().look([Turn("user", "Why?"), Turn("assistant", "Yeast.")])
    assert finding.flags == ()
    assert dict(finding.measures) == {"quality": 1.0, **{f"quality.{part}": 1.0 for part in PARTS}}


def test_flags_say_where_the_fault_is() -> None:
    answer = "Bread rises. I hope this helps!"
    turns = [Turn("system", "Be brief."), Turn("user", "Why?"), Turn("assistant", answer)]
    (flag,) = QualityCheck().look(turns).flags
    assert (flag.kind, flag.code, flag.turn) == ("quality", "boilerplate", 2)
    assert answer[flag.start : flag.end] == "I hope this helps"


def test_one_flag_for_a_code_and_answer() -> None:
    turns = [Turn("user", "?"), Turn("assistant", "Ã© \ufffd " * 500)]
    codes = [flag.code for flag in QualityCheck().look(turns).flags]
    assert len(codes) == len(set(codes))


def test_it_is_a_check() -> None:
    check: Check = QualityCheck()
    assert check.name == "quality"
    assert check.version == QualityCheck().version != ""
