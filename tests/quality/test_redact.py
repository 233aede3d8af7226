"""Redaction: nothing flagged stays, nothing else changes, the same value has the same name."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import WorkspaceError
from engine.models import Flag, FlagKind, Turn
from engine.quality.naming import META_KEY, TemporaryPlaceholders, WorkspacePlaceholders
from engine.quality.personal import PersonalCheck
from engine.quality.placeholders import PLACEHOLDER, outside_placeholders
from engine.quality.redact import Redacted, Replaced, holding, redact, redact_by, remaining
from engine.quality.secrets import SecretsCheck
from engine.quality.values import normal_value, word_for
from engine.store import Store
from tests.quality.made_secrets import made
from tests.support.properties import tries

CHECKS = (SecretsCheck(), PersonalCheck())
ROWS = made(random.Random(21))


def flag(code: str, text: str, value: str, turn: int = 0, kind: FlagKind = "personal") -> Flag:
    start = text.index(value)
    return Flag(kind, code, 0.9, "", turn, start, start + len(value))


# What is replaced


def test_a_value_is_replaced_everywhere_in_the_example() -> None:
    turns = (
        Turn("user", "I am Ana Pop, ana.pop@posta.ro."),
        Turn("assistant", "Thanks, Ana Pop. I wrote to ANA.POP@posta.ro, not diana.pop@posta.ro."),
    )
    flags = [
        flag("person", turns[0].content, "Ana Pop"),
        flag("email", turns[0].content, "ana.pop@posta.ro"),
    ]
    result = redact(turns, flags, names=TemporaryPlaceholders())
    assert result.turns[0].content == "I am [PERSON_1], [EMAIL_1]."
    assert result.turns[1].content == (
        "Thanks, [PERSON_1]. I wrote to [EMAIL_1], not diana.pop@posta.ro."
    )
    assert result.replaced == (
        Replaced("person", "[PERSON_1]", 2),
        Replaced("email", "[EMAIL_1]", 2),
    )


def test_spellings_of_a_number_are_one_value() -> None:
    text = "RO49AAAA1B31007593840000, ro49 aaaa 1b31 0075 9384 0000; +40 721 234 567, 0040721234567"
    flags = [flag("iban", text, "RO49AAAA1B31007593840000"), flag("phone", text, "+40 721 234 567")]
    result = redact([Turn("user", text)], flags, names=TemporaryPlaceholders())
    assert result.turns[0].content == "[IBAN_1], [IBAN_1]; [PHONE_1], [PHONE_1]"


def test_overlapping_flags_become_one_placeholder_named_by_the_longest() -> None:
    text = "see https://ana:pa55word9@host.ro now"
    flags = [
        flag("url-password", text, "pa55word9", kind="secret"),
        flag("email", text, "pa55word9@host.ro"),
        flag("person", text, "ana"),
    ]
    result = redact([Turn("user", text)], flags, names=TemporaryPlaceholders())
    assert result.turns[0].content == "see https://[PERSON_1]:[EMAIL_1] now"


def test_of_flags_over_the_same_stretch_the_more_severe_names_it() -> None:
    text = "key 4111111111111111 end"
    flags = [
        flag("card", text, "4111111111111111"),
        flag("api-key", text, "4111111111111111", kind="secret"),
    ]
    result = redact([Turn("user", text)], flags, names=TemporaryPlaceholders())
    assert result.turns[0].content == "key [SECRET_1] end"


def test_a_secret_inside_of_a_longer_word_goes_but_a_name_stays() -> None:
    text = "Ann has zK3pQ9xw; Annual reports hold pre_zK3pQ9xwpost"
    flags = [flag("person", text, "Ann"), flag("password", text, "zK3pQ9xw", kind="secret")]
    result = redact([Turn("user", text)], flags, names=TemporaryPlaceholders())
    assert (
        result.turns[0].content
        == "[PERSON_1] has [SECRET_1]; Annual reports hold pre_[SECRET_1]post"
    )


def test_other_texts_are_redacted_and_named() -> None:
    turns = [Turn("user", "ask Ana Pop")]
    flags = [flag("person", "ask Ana Pop", "Ana Pop")]
    others = ["Ana Pop knows", "nobody knows", "ANA  POP"]
    assert holding(turns, flags, others) == (0, 2)
    result = redact(turns, flags, names=TemporaryPlaceholders(), also=others)
    assert result.also == ("[PERSON_1] knows", "nobody knows", "[PERSON_1]")
    assert holding(turns, [], others) == ()


def test_flags_of_other_kinds_and_of_the_whole_example_change_nothing() -> None:
    turns = (Turn("user", "some text"),)
    flags = [
        Flag("quality", "short", 1, "", 0, 0, 4),
        Flag("secret", "x-key", 1, ""),
        Flag("personal", "email", 1, "", 7, 0, 2),
    ]
    result = redact(turns, flags, names=TemporaryPlaceholders())
    assert (result.turns, result.replaced) == (turns, ())


def test_a_flag_of_a_whole_turn_takes_it_whole() -> None:
    result = redact(
        [Turn("user", "abc def")],
        [Flag("secret", "x-key", 1, "", 0)],
        names=TemporaryPlaceholders(),
    )
    assert result.turns == (Turn("user", "[SECRET_1]"),)


def test_a_flag_that_cuts_a_placeholder_takes_it_whole_and_one_inside_does_nothing() -> None:
    text = "to [EMAIL_1] Street"
    whole = Flag("personal", "address", 1, "", 0, 9, len(text))
    inside = Flag("personal", "person", 1, "", 0, 4, 9)
    names = TemporaryPlaceholders()
    assert redact([Turn("user", text)], [whole], names=names).turns[0].content == "to [ADDRESS_1]"
    assert redact([Turn("user", text)], [inside], names=names).turns[0].content == text


# With the checks


def test_checks_find_nothing_after_a_redaction() -> None:
    text = "\n".join(row[2] for row in ROWS) + (
        "\nMy name is Ionela Brătescu, strada Lungă nr. 3, +40 721 234 567, CNP 1630615123457, "
        "ionela@posta.ro\nBest regards,\nIonela Brătescu"
    )
    turns = [Turn("user", text), Turn("assistant", "Dear Ionela Brătescu, noted: " + ROWS[0][1])]
    result = redact_by(CHECKS, turns, names=TemporaryPlaceholders())
    assert remaining(CHECKS, result.turns) == ()
    for _, value, _ in ROWS:
        assert all(value not in turn.content for turn in result.turns)
    again = redact_by(CHECKS, result.turns, names=TemporaryPlaceholders())
    assert (again.turns, again.replaced) == (result.turns, ())


def test_placeholders_are_not_flagged_even_where_a_value_would_be() -> None:
    texts = [
        "password: [SECRET_1]",
        "DB_PASSWORD=[SECRET_22]",
        "call [PHONE_1]",
        "My name is [PERSON_3].",
        "https://a:[SECRET_1]@host.ro/",
        "Authorization: Bearer [SECRET_4]",
        "Dr. [PERSON_1] at [ADDRESS_2]",
    ]
    assert remaining(CHECKS, [Turn("user", text) for text in texts]) == ()


@settings(max_examples=tries(60), deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "Dr. Ana Pop", "ana@posta.ro", "+40 721 234 567", "4111 1111 1111 1111",
                "strada Lungă nr. 3", "DE89370400440532013000", "password=", "token:", "call",
                "\n", ",", "my name is", "x" * 30,
                *(row[2] for row in ROWS),
            ]
        )
        | st.text(max_size=12),
        max_size=12,
    )
)  # fmt: skip
def test_redacting_twice_changes_nothing(pieces: list[str]) -> None:
    turns = [Turn("user", " ".join(pieces[::2])), Turn("assistant", " ".join(pieces[1::2]))]
    names = TemporaryPlaceholders()
    once = redact_by(CHECKS, turns, names=names)
    assert remaining(CHECKS, once.turns) == ()
    assert redact_by(CHECKS, once.turns, names=names).turns == once.turns


# Properties over any flags

CODES: list[tuple[FlagKind, str]] = [
    ("personal", "email"), ("personal", "phone"), ("personal", "person"), ("personal", "iban"),
    ("secret", "password"), ("secret", "github-token"),
]  # fmt: skip
TEXTS = st.text(st.sampled_from("abAB12 +-.@[]_ăß\n\ud800"), max_size=40)


@st.composite
def flagged(draw: st.DrawFn) -> tuple[list[Turn], list[Flag]]:
    turns = [Turn("user", text) for text in draw(st.lists(TEXTS, min_size=1, max_size=3))]
    flags = []
    for _ in range(draw(st.integers(0, 4))):
        turn = draw(st.integers(0, len(turns) - 1))
        size = len(turns[turn].content)
        start = draw(st.integers(0, size))
        end = draw(st.integers(start, size))
        kind, code = draw(st.sampled_from(CODES))
        if start < end:
            flags.append(Flag(kind, code, 1.0, "", turn, start, end))
    return turns, flags


def test_a_number_is_found_with_any_sign_that_it_was_written_with() -> None:
    turns = [Turn("user", "Call 07221+33445*6."), Turn("user", "07221+33445*6, or 0722 133 4456.")]
    flags = [Flag("personal", "phone", 1.0, "", 0, 5, 18)]
    result = redact(turns, flags, names=TemporaryPlaceholders())
    assert [turn.content for turn in result.turns] == [
        "Call [PHONE_1].",
        "[PHONE_1], or [PHONE_1].",
    ]


@settings(max_examples=tries(400), deadline=None)
@given(flagged())
def test_no_flagged_value_survives(case: tuple[list[Turn], list[Flag]]) -> None:
    turns, flags = case
    result = redact(turns, flags, names=TemporaryPlaceholders())
    for each in flags:
        value = turns[each.turn].content[each.start : each.end]
        left = [PLACEHOLDER.sub("\0", turn.content) for turn in result.turns]
        edge = r"(?<!\w)", r"(?!\w)"
        whole = each.kind != "secret" or len(value) < 6
        starts = each.code in ("phone", "iban") or re.match(r"\w", value[0])
        pattern = (edge[0] if whole and starts else "") + re.escape(value)
        pattern += edge[1] if whole and re.match(r"\w", value[-1]) else ""
        if value.strip() and not re.fullmatch(r"[\[\]_\W\d]*", value):
            assert not any(re.search(pattern, text) for text in left)
    again = redact(result.turns, [], names=TemporaryPlaceholders())
    assert again.turns == result.turns


@settings(max_examples=tries(400), deadline=None)
@given(flagged())
def test_text_outside_of_placeholders_is_as_it_was(case: tuple[list[Turn], list[Flag]]) -> None:
    turns, flags = case
    result = redact(turns, flags, names=TemporaryPlaceholders())
    assert [turn.role for turn in result.turns] == [turn.role for turn in turns]
    for before, after in zip(turns, result.turns, strict=True):
        if before == after:
            continue
        pieces = PLACEHOLDER.split(after.content)
        pattern = "(?s:.+)".join(re.escape(piece) for piece in pieces)
        assert re.fullmatch(pattern, before.content)
    if not flags:
        assert list(result.turns) == turns


@settings(max_examples=tries(200), deadline=None)
@given(flagged(), flagged())
def test_the_same_value_has_the_same_placeholder_in_any_example(
    first: tuple[list[Turn], list[Flag]], second: tuple[list[Turn], list[Flag]]
) -> None:
    names = TemporaryPlaceholders()
    assert redact(*first, names=names) == redact(*first, names=names)
    alone = redact(*second, names=names)
    assert redact(*second, names=names) == alone


# Placeholders of a workspace


def remembered(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT key, value FROM meta"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "finetui.db")


def test_numbers_outlive_the_process_and_hold_no_value(store: Store) -> None:
    names = WorkspacePlaceholders(store)
    assert names.of("email", "Ana@posta.ro") == "[EMAIL_1]"
    assert names.of("email", "ion@posta.ro") == "[EMAIL_2]"
    assert names.of("person", "Ana Pop") == "[PERSON_1]"
    again = WorkspacePlaceholders(store)
    assert again.of("email", "ana@POSTA.ro") == "[EMAIL_1]"
    assert again.of("email", "new@posta.ro") == "[EMAIL_3]"
    assert names.of("email", "new@posta.ro") == "[EMAIL_3]"
    stored = json.dumps(remembered(store.path)).lower()
    assert "placeholders:email" in stored
    assert "posta" not in stored


def test_two_workspaces_hash_the_same_value_differently(tmp_path: Path) -> None:
    hashes = []
    for name in ("a", "b"):
        with Store.open(tmp_path / f"{name}.db") as store:
            WorkspacePlaceholders(store).of("email", "ana@posta.ro")
            rows = remembered(store.path)
            hashes.append({key for key in rows if key.count(":") == 2})
    assert hashes[0]
    assert not hashes[0] & hashes[1]


def test_numbers_of_an_earlier_form_are_kept(store: Store) -> None:
    # As the first form was: one value that holds a key and, by word, hashes with numbers.
    key = bytes(range(32))
    numbers: dict[str, dict[str, int]] = {}
    for number, (word, normal) in enumerate(
        [("PHONE", "0040721234567"), ("PERSON", "ionela brătescu"), ("EMAIL", "ana@posta.ro")], 7
    ):
        data = f"{word}\0{normal}".encode()
        hashed = hashlib.blake2b(data, digest_size=16, key=key).hexdigest()
        numbers[word] = {f"{n:032x}": n for n in range(1, number)} | {hashed: number}
    store.set_meta(META_KEY, json.dumps({"v": 1, "key": key.hex(), "numbers": numbers}))
    names = WorkspacePlaceholders(store)
    assert names.of("phone", "+40 721 234 567") == "[PHONE_7]"
    assert names.of("phone", "0721 234 567") == "[PHONE_7]"
    assert names.of("person", "Ionela Brătescu") == "[PERSON_8]"
    assert names.of("person", "BRATESCU, Ionela") == "[PERSON_8]"
    assert names.of("email", "Ana@posta.ro") == "[EMAIL_9]"
    assert names.of("email", "new@posta.ro") == "[EMAIL_10]"
    assert WorkspacePlaceholders(store).of("email", "ana@posta.ro") == "[EMAIL_9]"


@pytest.mark.parametrize("make", ["workspace", "temporary"])
@pytest.mark.parametrize(
    ("code", "spellings"),
    [
        ("phone", ["+40 721 234 567", "0721234567", "0721.234.567", "0040721234567",
                   "+40 (0)721-234-567"]),
        ("phone", ["0721 234 567", "+40721234567", "0721/234567"]),
        ("phone", ["+1 (212) 736-5000", "212-736-5000", "1-212-736-5000", "001 212 736 5000"]),
        ("phone", ["06 12 34 56 78", "+33 6 12 34 56 78", "06.12.34.56.78", "+33 (0)6 12345678"]),
        ("phone", ["347 1234567", "+39 347 123 4567", "347/1234567"]),
        ("iban", ["RO49AAAA1B31007593840000", "ro49 aaaa 1b31 0075 9384 0000"]),
        ("email", ["Ana.Pop@posta.ro", "ana.pop@POSTA.RO"]),
        ("card", ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111"]),
        ("person", ["Ana Pop", "Pop, Ana", "ANA POP", "Pop Ana"]),
        ("person", ["Ionela Brătescu", "IONELA BRATESCU", "Brătescu, Ionela"]),
        ("address", ["Str. Lungă nr. 3, Iași", "str. lunga nr. 3\nIași"]),
    ],
)  # fmt: skip
def test_spellings_of_one_value_have_one_placeholder(
    store: Store, make: str, code: str, spellings: list[str]
) -> None:
    for order in (spellings, spellings[::-1]):
        names = WorkspacePlaceholders(store) if make == "workspace" else TemporaryPlaceholders()
        assert len({names.of(code, spelling) for spelling in order}) == 1
    # Also at once, in one example.
    text = " | ".join(spellings)
    first = flag(code, text, spellings[0])
    result = redact([Turn("user", text)], [first], names=TemporaryPlaceholders())
    if code != "address":
        assert set(result.turns[0].content.split(" | ")) == {result.replaced[0].placeholder}


def test_numbers_of_two_countries_that_look_alike_within_them_are_two(store: Store) -> None:
    names = WorkspacePlaceholders(store)
    # A Romanian mobile, and a telephone in Karlsruhe.
    assert names.of("phone", "+40 721 234 567") == "[PHONE_1]"
    assert names.of("phone", "+49 721 234567") == "[PHONE_2]"
    assert names.of("phone", "0721 234 567") == "[PHONE_1]"


# An author's own placeholders


def test_an_authors_placeholder_is_not_given_to_a_value(store: Store) -> None:
    turns = [Turn("user", "Write to [EMAIL_1] or [EMAIL_3]: ana@posta.ro, ion@posta.ro")]
    flags = [flag("email", turns[0].content, v) for v in ("ana@posta.ro", "ion@posta.ro")]
    for names in (TemporaryPlaceholders(), WorkspacePlaceholders(store)):
        result = redact(turns, flags, names=names)
        assert result.turns[0].content == ("Write to [EMAIL_1] or [EMAIL_3]: [EMAIL_2], [EMAIL_4]")
        assert [one.placeholder for one in result.replaced] == ["[EMAIL_2]", "[EMAIL_4]"]
        again = redact(result.turns, [], names=names)
        assert again == Redacted(result.turns)


def test_a_value_that_has_an_authors_placeholder_elsewhere_gets_a_second_one(store: Store) -> None:
    names = WorkspacePlaceholders(store)
    assert names.of("email", "ana@posta.ro") == "[EMAIL_1]"
    turns = [Turn("user", "[EMAIL_1] is no address, ana@posta.ro is")]
    flags = [flag("email", turns[0].content, "ana@posta.ro")]
    results = {
        redact(turns, flags, names=WorkspacePlaceholders(store), authored=["[EMAIL_1]"]).turns
        for _ in range(2)
    }
    assert results == {(Turn("user", "[EMAIL_1] is no address, [EMAIL_2] is"),)}
    assert names.of("email", "ana@posta.ro") == "[EMAIL_1]"


def test_a_lone_surrogate_has_a_placeholder(store: Store) -> None:
    names = WorkspacePlaceholders(store)
    assert names.of("password", "a\ud800b") == names.of("password", "a\ud800b") == "[SECRET_1]"


def test_threads_never_share_or_lose_a_number(store: Store) -> None:
    names = [WorkspacePlaceholders(store) for _ in range(4)]
    got: list[dict[str, str]] = [{} for _ in names]

    def take(which: int) -> None:
        for number in range(25):
            value = f"p{number}@posta.ro"
            got[which][value] = names[which].of("email", value)

    threads = [threading.Thread(target=take, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got[0] == got[1] == got[2] == got[3]
    assert sorted(got[0].values()) == sorted(f"[EMAIL_{n}]" for n in range(1, 26))


def _give(path: str, letter: str) -> None:
    with Store.open(Path(path)) as store:
        names = WorkspacePlaceholders(store)
        for number in range(30):
            names.of("email", f"{letter}{number}@posta.ro")
            names.of("email", f"both{number}@posta.ro")


def test_two_processes_never_share_or_lose_a_number(tmp_path: Path) -> None:
    path = str(tmp_path / "finetui.db")
    Store.open(Path(path)).close()
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_give, args=(path, letter)) for letter in "ab"]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    numbers = [int(n) for key, n in remembered(Path(path)).items() if key.count(":") == 2]
    assert sorted(numbers) == list(range(1, 91))


@pytest.mark.parametrize(
    "stored", ["", "[]", "{}", '{"v":3,"key":"00"}', '{"v":1,"key":"zz","numbers":{}}']
)
def test_a_memory_that_cannot_be_read_is_named_and_kept(store: Store, stored: str) -> None:
    store.set_meta(META_KEY, stored)
    with pytest.raises(WorkspaceError) as caught:
        WorkspacePlaceholders(store).of("email", "ana@posta.ro")
    assert caught.value.hint
    assert store.get_meta(META_KEY) == stored


def test_words_of_placeholders() -> None:
    words = {
        "email": "EMAIL",
        "aws-access-key": "SECRET",
        "jwt": "SECRET",
        "ro-cnp": "NATIONAL_ID",
        "odd": "PERSONAL",
    }
    assert {code: word_for(code) for code in words} == words
    assert all(PLACEHOLDER.fullmatch(f"[{word}_1]") for word in words.values())
    assert normal_value("phone", "+40 (721) 234-567") == normal_value("phone", "0040721234567")


def test_a_stretch_near_a_placeholder_is_told_from_one_that_touches_it() -> None:
    text = "a [EMAIL_1] b"
    assert outside_placeholders(text, 0, 1)
    assert outside_placeholders(text, 12, 13)
    assert not outside_placeholders(text, 0, 3)
    assert not outside_placeholders(text, 3, 8)
