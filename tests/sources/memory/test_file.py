"""Files of an app's memory: what is read of which shape, and what is left out and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.models import Document, Skipped
from engine.sources.base import Reading
from engine.sources.items import Item, Refused
from tests.sources.memory.reading import READER, as_json, metadata, read, spoken, written
from tests.support.hashes import hashes
from tests.support.properties import tries

GOLDEN = Path(__file__).resolve().parent / "golden"
FILES = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".txt")


def of(tmp_path: Path, content: Any, **options: str) -> tuple[list[Document], list[Skipped]]:
    """Read a file with this content: text as it is, anything else as JSON."""
    text = content if isinstance(content, str) else as_json(content)
    path = tmp_path / "brain.json"
    path.write_text(text, encoding="utf-8")
    return read(path, **options)


def answers(documents: list[Document]) -> list[str]:
    return [answer for _, answer in spoken(documents)]


def codes(skipped: list[Skipped]) -> list[tuple[int, str]]:
    return [(skip.line, skip.code) for skip in skipped]


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_golden(path: Path) -> None:
    before = hashes(GOLDEN)
    assert written(*read(path)) == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert written(*read(path)) == written(*read(path))
    assert hashes(GOLDEN) == before


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # A list of texts, a list of records, records by id, texts by category.
        (["I keep bees.", "I fear geese."], ["I keep bees.", "I fear geese."]),
        ([{"fact": "I keep bees."}, {"text": "I fear geese."}], ["I keep bees.", "I fear geese."]),
        ({"memories": {"mem_01": {"content": "I keep bees."}}}, ["I keep bees."]),
        ({"facts": {"bees": ["I keep nine hives."]}}, ["I keep nine hives."]),
        ({"facts": {"family": {"sister": "Ana"}}}, ["My sister is Ana."]),
        ({"facts": {"hobbies": ["bees", "old maps"]}}, ["My hobbies: bees, old maps."]),
        # Names of fields as apps write them.
        ({"coreMemories": [{"memoryText": "", "Content": "I keep bees."}]}, ["I keep bees."]),
        ({"results": [{"memory": "I keep bees.", "hash": "a1"}]}, ["I keep bees."]),
        ([{"key": "city", "value": "Cluj"}], ["My city is Cluj."]),
        ([{"key": "city", "value": "I live in Cluj now."}], ["I live in Cluj now."]),
        ([{"key": "siblings", "value": 2}], ["My siblings: 2."]),
        ([{"key": "likes_tea", "value": True}], ["Likes tea: yes."]),
        ([{"title": "Bees", "summary": "Nine hives.", "details": "All on the roof."}],
         ["Nine hives.\n\nAll on the roof."]),
        # Memories that nest, knowledge graphs, triples.
        ([{"namespace": ["u"], "value": {"kind": "M", "content": {"content": "I keep bees."}}}],
         ["I keep bees."]),
        ([{"name": "Ana", "entityType": "person", "observations": ["Plays the viola."]}],
         ["Plays the viola."]),
        ([{"from": "Ana", "to": "Ion", "relationType": "sister_of"}], ["Ana sister of Ion."]),
        ([{"subject": "Ana", "predicate": "plays", "object": "viola"}], ["Ana plays viola."]),
        # Profiles.
        ({"name": "Mara", "hometown": "Sighișoara"},
         ["I'm Mara.", "My name is Mara.", "Where I am at home: Sighișoara."]),
        ({"identity": "I mend organs.", "facts": ["I keep bees."]},
         ["Identity: I mend organs.", "I keep bees."]),
        # Training rows, also as no training format has them.
        ([{"context": "Coming?", "response": "At eight."}], ["At eight."]),
        ([{"user": "Coming?", "assistant": "At eight."}], ["At eight."]),
        ([{"text": "System: x\nUser: Coming?\nAssistant: At eight."}], ["At eight."]),
        ([{"instruction": "Say when.", "input": "", "output": "At eight."}], ["At eight."]),
        ([[{"role": "user", "content": "Coming?"}, {"role": "assistant", "content": "At eight."}]],
         ["At eight."]),
        ({"core_memory": [{"label": "persona", "value": "I mend organs."},
                          {"label": "human", "value": "The user is Ana."}],
          "messages": [{"role": "user", "content": "hi"},
                       {"role": "assistant", "content": "yes?"}]},
         ["I mend organs.", "The user is Ana.", "yes?"]),
    ],
)  # fmt: skip
def test_shapes(tmp_path: Path, content: Any, expected: list[str]) -> None:
    documents, _ = of(tmp_path, content)
    assert answers(documents) == expected
    assert {document.kind for document in documents} == {"memory"}


def test_the_same_in_json_and_in_jsonl(tmp_path: Path) -> None:
    rows = [{"content": f"I own the organ number {n}.", "category": "work"} for n in range(9)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "b.json").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "c.jsonl").write_text("\r\n\r\n".join(map(json.dumps, rows)))
    (tmp_path / "d.json").write_bytes(json.dumps(rows).encode("utf-16"))
    (tmp_path / "e.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"memories": rows}).encode())
    found = [spoken(read(tmp_path / f"{name}.json{end}")[0]) for name, end in
             (("a", ""), ("b", ""), ("c", "l"), ("d", ""), ("e", ""))]  # fmt: skip
    assert all(pairs == found[0] for pairs in found)
    assert len(found[0]) == 9


def test_questions_are_worded_differently_and_always_the_same() -> None:
    documents, _ = read(GOLDEN / "mara.json")
    questions = [question for question, _ in spoken(documents)]
    assert len(set(questions)) == len(questions)
    beginnings = {" ".join(question.split()[:2]) for question in questions}
    assert len(beginnings) > len(questions) / 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I was born in Cluj and I keep bees there.", {"what", "tell", "is", "remind", "if"}),
        ("M-am născut la Cluj și acolo țin albine.",
         {"ce", "povestește", "la", "e", "adu", "dacă"}),
        ("Ich wurde in Klausenburg geboren und halte Bienen.",
         {"was", "erzähl", "woran", "gibt", "wenn", "klausenburg"}),
    ],
)  # fmt: skip
def test_a_question_is_in_the_language_of_its_memory(
    tmp_path: Path, text: str, words: set[str]
) -> None:
    other = "The gulls over the harbour never sleep and the tide is out."
    documents, _ = of(tmp_path, [text, other])
    question = spoken(documents)[0][0].lower().replace("-", " ").replace(":", " ")
    assert question.split()[0] in words | {"cluj"}


def test_importance_is_measured_on_the_scale_of_the_file(tmp_path: Path) -> None:
    def kept(values: list[Any]) -> list[Any]:
        rows = [{"content": f"I know the organ {n}.", "importance": n} for n in values]
        documents, skipped = of(tmp_path, rows)
        assert len(documents) + len(skipped) == len(values)
        return [float(value) for value in metadata(documents, "importance")]

    assert kept([0.1, 0.29, 0.3, 1]) == [0.3, 1]
    assert kept([1, 2, 5]) == [2, 5]
    assert kept([1, 2, 3, 9]) == [3, 9]
    assert kept([20, 40, 90]) == [40, 90]
    assert kept(["low", "high"]) == [0.8]
    assert kept(["1/5", "4/5"]) == [0.8]


def test_the_filters_can_be_turned_off(tmp_path: Path) -> None:
    rows = [
        {"content": "I keep bees.", "importance": 0.9},
        {"content": "I keep bees.", "importance": 0.9},
        {"content": "I hum.", "importance": 0.1},
        {"content": "My PIN is 4711-22."},
    ]
    documents, skipped = of(tmp_path, rows)
    assert answers(documents) == ["I keep bees."]
    assert [skip.code for skip in skipped] == ["duplicate", "low-importance", "secret"]
    documents, skipped = of(tmp_path, rows, quality_filter="off", deduplicate="off")
    assert answers(documents) == ["I keep bees.", "I keep bees.", "I hum."]
    # A secret is left out in any case.
    assert [skip.code for skip in skipped] == ["secret"]


def test_the_personality_stands_in_front_of_each_example_or_of_none(tmp_path: Path) -> None:
    brain = {
        "personality": {"system_prompt": "You are Mara, who mends organs.", "traits": ["dry"]},
        "memories": ["I keep bees."],
        "examples": [
            {"prompt": "Coming?", "response": "At eight."},
            {"system": "You are Ana.", "prompt": "Who?", "response": "Ana."},
        ],
    }
    documents, _ = of(tmp_path, brain)
    systems = [document.turns[0].content for document in documents]
    assert systems == ["You are Mara, who mends organs."] * 3 + ["You are Ana."]
    documents, _ = of(tmp_path, brain, include_system="off")
    assert {turn.role for document in documents for turn in document.turns} == {"user", "assistant"}


def test_a_share_is_marked_for_validation(tmp_path: Path) -> None:
    rows = [f"I own the organ number {n} of the valley." for n in range(400)]
    documents, _ = of(tmp_path, rows, validation_split="0.25")
    marked = metadata(documents, "split")
    assert set(marked) == {"train", "validation"}
    assert 70 < marked.count("validation") < 130
    again, _ = of(tmp_path, rows[:200], validation_split="0.25")
    assert metadata(again, "split") == marked[:200]
    documents, _ = of(tmp_path, {"train": rows[:2], "val": rows[2:3]}, validation_split="0.9")
    assert metadata(documents, "split") == ["train", "train", "validation"]


@pytest.mark.parametrize("share", ["1", "-0.1", "a tenth", "nan", "inf"])
def test_a_share_that_is_none(tmp_path: Path, share: str) -> None:
    with pytest.raises(UsageError):
        of(tmp_path, ["I keep bees."], validation_split=share)


@pytest.mark.parametrize(
    "secret",
    [
        "The wifi password is hunter2.",
        "Parola de la mail este alba-neagra7",
        "Das Passwort lautet: blau!gelb",
        "my api_key = 9fk2-aa",
        "sk-proj-Zk3l9X0aQwErTyUiOp12",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2ln",
        "Card: 4111 1111 1111 1111",
    ],
)
def test_a_secret_is_left_out_and_not_shown(tmp_path: Path, secret: str) -> None:
    brain = {"memories": [{"content": secret}], "personality": {"notes": secret}, "facts": [secret]}
    documents, skipped = of(tmp_path, brain)
    assert documents == []
    assert [skip.code for skip in skipped] == ["secret"] * 3
    assert not any(secret[-8:] in skip.reason for skip in skipped)


def test_a_field_whose_name_is_a_secret(tmp_path: Path) -> None:
    brain = {"wifi_password": "correcthorse", "memories": [{"key": "apiKey", "value": "horse"}]}
    documents, skipped = of(tmp_path, brain)
    assert documents == []
    assert codes(skipped) == [(2, "secret"), (4, "secret")]
    assert "horse" not in "".join(skip.reason for skip in skipped)


@pytest.mark.parametrize(
    "harmless",
    [
        "I forgot the password of the old laptop.",
        "Ana pinned the map to the wall.",
        "The key is under the third stone.",
        "Our number is 0741 234 567 890 123.",
        "Parola de ordine a bunicii era răbdarea.",
        "I passed the exam: all of it.",
    ],
)
def test_what_only_sounds_like_a_secret_is_read(tmp_path: Path, harmless: str) -> None:
    assert answers(of(tmp_path, [harmless])[0]) == [harmless]


def test_what_the_app_no_longer_holds_to_be_true(tmp_path: Path) -> None:
    gone: list[dict[str, Any]] = [
        {"deleted": True}, {"isArchived": True}, {"superseded_by": "m7"}, {"active": False},
        {"status": "archived"}, {"invalid_at": "2025-01-01"}, {"metadata": {"is_deleted": True}},
    ]  # fmt: skip
    there: list[dict[str, Any]] = [
        {"deleted": False}, {"superseded_by": None}, {"active": True}, {"status": "active"},
    ]  # fmt: skip
    rows = [{"content": f"I own organ {n}.", **more} for n, more in enumerate(gone + there)]
    documents, skipped = of(tmp_path, rows)
    assert len(documents) == len(there)
    assert [skip.code for skip in skipped] == ["deleted"] * len(gone)


def test_a_damaged_record_costs_itself_alone(tmp_path: Path) -> None:
    text = """{
 "memories": [
  {"content": "I keep bees."},
  {"content": oops},
  {"content": "I fear geese."},
 ],
 "facts": ["I hum."],
 "facts": ["I whistle."],
 "more": [{"content": "I row."}, {"content": "I am cut o"""
    documents, skipped = of(tmp_path, text)
    assert answers(documents) == ["I keep bees.", "I fear geese.", "I whistle.", "I row."]
    assert codes(skipped) == [(4, "malformed-json"), (8, "repeated-name"), (9, "malformed-json")]


def test_a_damaged_line_costs_itself_alone(tmp_path: Path) -> None:
    rows = [json.dumps({"content": f"I own organ {n}."}) for n in range(4)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(["{oops", *rows, '{"content": "I am cut o']))
    documents, skipped = read(path)
    assert len(documents) == 4
    assert codes(skipped) == [(1, "malformed-json"), (6, "malformed-json")]


def test_a_line_as_long_as_a_file(tmp_path: Path) -> None:
    text = json.dumps(
        {"data": [{"content": f"I own organ {n}. " + "x" * 1000} for n in range(12_000)]}
    )
    assert len(text) > 12_000_000
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    assert len(read(path)[0]) == 12_000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\x00\x01\x02", "binary"),
        (b'{"facts": ["\xff"]}', "not-utf8"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "lfs-pointer"),
        (b"[" * 5_000, "malformed-json"),
        (b"{}", "empty"),
        (b"[]", "empty"),
        (b"7", "no-words"),
        (b"null", "empty"),
        (b"oops", "malformed-json"),
    ],
)
def test_files_without_a_memory(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "brain.json"
    path.write_bytes(data)
    documents, skipped = read(path)
    assert documents == []
    assert code in {skip.code for skip in skipped}


def test_a_folder_of_memories(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(as_json({"facts": ["I keep bees."]}))
    (tmp_path / "b.jsonl").write_text('{"content": "I fear geese."}\n')
    (tmp_path / "notes.txt").write_text("no memory")
    before = hashes(tmp_path)
    documents, skipped = read(tmp_path)
    assert [document.path for document in documents] == ["a.json", "b.jsonl"]
    assert [(skip.path, skip.code) for skip in skipped] == [("notes.txt", "not-json")]
    assert hashes(tmp_path) == before


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(_: int) -> None:
        raise Stopped

    path = tmp_path / "a.jsonl"
    path.write_text('{"content": "I keep bees."}\n' * 5)
    with pytest.raises(Stopped):
        list(READER.read(Item.of(path, path.name), Reading("s", on_bytes=stop)))


# Whatever the file

_NAMES = st.sampled_from([
    "content", "fact", "memory", "text", "value", "key", "subject", "title", "category", "type",
    "importance", "confidence", "created_at", "date", "tags", "metadata", "memories", "facts",
    "core_memories", "personality", "identity", "traits", "values", "name", "age", "preferences",
    "train", "validation", "data", "messages", "role", "prompt", "response", "context", "deleted",
    "status", "observations", "from", "to", "relationType", "password", "embedding", "version",
    "sister", "hobbies", "system_prompt", "emoji_patterns", "label", "",
])  # fmt: skip
_VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["I keep bees.", "user", "assistant", "2025-03-14", "high", "4/5", "persona"])
)  # fmt: skip
_BRAINS = st.recursive(
    _VALUES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=40,
)


def _read_text(text: str, name: str, **options: str) -> tuple[list[Document], list[Skipped]]:
    from io import BytesIO

    data = text.encode("utf-8", "surrogatepass")
    item = Item(name, len(data), 0, lambda: BytesIO(data))
    skipped: list[Skipped] = []
    try:
        return list(READER.read(item, Reading("s", options, skipped.append))), skipped
    except Refused as refused:
        return [], [Skipped("s", name, 0, refused.code, refused.reason)]


@settings(max_examples=tries(400))
@given(_BRAINS, st.sampled_from(["a.json", "a.jsonl"]), st.sampled_from(["on", "off"]))
def test_nothing_is_raised_whatever_stands_there(brain: Any, name: str, switch: str) -> None:
    text = json.dumps(brain)
    options = dict.fromkeys(("quality_filter", "deduplicate", "include_system"), switch)
    documents, skipped = _read_text(text, name, **options)
    assert documents or skipped
    for document in documents:
        roles = [turn.role for turn in document.turns]
        assert roles[-2:] == ["user", "assistant"]
        assert all(turn.content.strip() for turn in document.turns)
        assert all(value and isinstance(value, str) for value in document.metadata.values())
    assert all(skip.code and skip.reason for skip in skipped)
    assert _read_text(text, name, **options) == (documents, skipped)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_nothing_is_raised_whatever_the_text(text: str) -> None:
    documents, skipped = _read_text(text, "a.json")
    assert documents or skipped


_WHERE = st.sampled_from(["memories", "facts", "core_memories", "family", "work", "people"])
_WRAPPED = st.sampled_from([
    lambda text: text,
    lambda text: {"content": text, "importance": 0.9},
    lambda text: {"fact": text, "category": "work", "tags": ["a"]},
    lambda text: {"memory": text, "deleted": True},
    lambda text: {"value": text, "importance": 0.01},
    lambda text: {"title": "Ana", "summary": text, "embedding": [0.5, 0.5]},
    lambda text: {"name": "Ana", "observations": [text]},
    lambda text: {"value": {"content": text}},
    lambda text: {"prompt": "Well?", "response": text},
    lambda text: {"metadata": {"importance": 0.9}, "text": text},
])  # fmt: skip


@given(st.lists(st.tuples(_WHERE, _WRAPPED), min_size=1, max_size=12))
def test_every_memory_is_read_or_accounted_for(shapes: list[tuple[str, Any]]) -> None:
    brain: dict[str, list[Any]] = {}
    for number, (where, wrap) in enumerate(shapes):
        brain.setdefault(where, []).append(wrap(f"I tuned the organ of village {number} myself."))
    documents, skipped = _read_text(json.dumps(brain), "a.json")
    told = "\n".join(answers(documents))
    lost = [n for n in range(len(shapes)) if f"village {n} myself" not in told]
    left = [skip for skip in skipped if skip.code in ("deleted", "low-importance")]
    assert len(documents) + len(left) == len(shapes)
    assert len(lost) == len(left)
