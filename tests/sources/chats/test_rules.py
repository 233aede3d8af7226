from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.appmarks import taken
from engine.sources.chats import FORMATS, Conversation, format_of, name_of
from engine.sources.chats.talk import MAX_ALTERNATIVES, Message, Tally, compose
from engine.sources.chats.words import (
    MAX_ATTACHED,
    attached,
    fenced,
    without_thoughts,
)
from engine.sources.files import Refused

EXPORTS = Path(__file__).resolve().parent / "exports"


def _user(text: str, **more: Any) -> Message:
    return Message("user", text, **more)


def _bot(text: str, **more: Any) -> Message:
    return Message("assistant", text, **more)


def _shown(*messages: Message) -> tuple[list[tuple[str, str]], Tally]:
    tally = Tally()
    talk = compose(messages, tally)
    turns = talk.turns if talk is not None else ()
    return [(turn.role, turn.content) for turn in turns], tally


def test_one_speakers_messages_in_a_row_are_one_turn() -> None:
    turns, tally = _shown(_user("a"), _user("b"), _bot("c"), _bot(""), _bot("d"))
    assert turns == [("user", "a\n\nb"), ("assistant", "c\n\nd")]
    assert (tally.kept, tally.empty) == (4, 1)


@pytest.mark.parametrize(
    ("messages", "code", "left"),
    [
        ([_user("a", blocks="not-text"), _bot("b")], "not-text", 2),
        ([_user(""), _bot("b")], "empty-question", 1),
        ([_user("a"), _bot("")], "empty-answer", 1),
        ([_user("a"), Message("tool", "x", out="tool-calls")], "empty-answer", 1),
        ([_bot("b")], "no-question", 1),
        ([_user("a")], "no-answer", 1),
        ([_user("a"), _bot("b", blocks="not-wanted")], "not-wanted", 2),
        ([_user("a", out="hidden"), _bot("b")], "hidden", 1),
        ([Message("system", "s")], "no-answer", 1),
    ],
)
def test_half_an_exchange_is_left_out_and_counted(
    messages: list[Message], code: str, left: int
) -> None:
    before = _shown(*messages)
    assert before[0] == []
    assert before[1].messages[code] == left


def test_what_is_left_out_costs_only_its_own_exchange() -> None:
    turns, tally = _shown(
        Message("system", " be kind "),
        _user("one"),
        _bot("1"),
        _user("two", blocks="not-text"),
        _bot("2"),
        Message("system", "later"),
        _user("three"),
        _bot("3", parts=["thoughts"]),
    )
    assert turns == [
        ("system", "be kind"),
        ("user", "one"),
        ("assistant", "1"),
        ("user", "three"),
        ("assistant", "3"),
    ]
    assert dict(tally.reasons()) == {
        "not-text": "2 messages left out: the question shows an image or a file",
        "late-system": "1 message left out: a system message after the beginning",
        "thoughts": "1 part left out: the model's thoughts, not its answer",
    }


def test_alternatives_are_other_texts_and_there_is_an_end_to_them() -> None:
    tally = Tally()
    others = ["b", "", "  ", "c", "c", "b\r\n"]
    talk = compose([_user("a", others=["x"]), _bot("b", others=others)], tally)
    assert talk is not None
    assert [(other.turn, other.content) for other in talk.alternatives] == [(1, "x"), (1, "c")]
    many = [f"answer {number}" for number in range(MAX_ALTERNATIVES + 4)]
    talk = compose([_user("a"), _bot("b", others=many)], tally)
    assert talk is not None
    assert len(talk.alternatives) == MAX_ALTERNATIVES
    assert tally.parts["more-alternatives"] == 4


def test_an_alternative_to_a_part_stands_with_the_other_parts() -> None:
    talk = compose([_user("a"), _bot("b"), _bot("c", others=["d"])], Tally())
    assert talk is not None
    assert [other.content for other in talk.alternatives] == ["b\n\nd"]


@pytest.mark.parametrize(
    ("text", "rest", "codes"),
    [
        ("Plain <b>text</b>.", "Plain <b>text</b>.", ()),
        ("<think>\nhm\n</think>\n\nYes.", "Yes.", ("thoughts",)),
        ("<thinking>hm</thinking>Yes.", "Yes.", ("thoughts",)),
        ("hm, well\n</think>\n\nYes.", "Yes.", ("thoughts",)),
        ("<think>never closed", "", ("thoughts",)),
        ("Write `<think>` first.", "Write `<think>` first.", ()),
        (
            '<details type="reasoning" done="true">\n<summary>2 s</summary>\n> hm</details>\nYes.',
            "Yes.",
            ("thoughts",),
        ),
        ('<details type="tool_calls" done="true">x</details>Yes.', "Yes.", ("tool-calls",)),
        ("<details><summary>More</summary>kept</details>", None, ()),
    ],
)
def test_thoughts_written_into_an_answer(
    text: str, rest: str | None, codes: tuple[str, ...]
) -> None:
    assert without_thoughts(text) == (text if rest is None else rest, codes)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Rain\ue200cite\ue202turn0search1\ue202turn0search2\ue201.", "Rain."),
        ('In \ue200entity\ue202["city","Cluj","Romania"]\ue201 today', "In Cluj today"),
        ("See \ue200url\ue202the page\ue202https://example.org\ue201", "See the page"),
        ("Rain【12†source】【3:0†page】.", "Rain."),
        ("Rain:contentReference[oaicite:0]{index=0}.", "Rain."),
        ("【日本】", "【日本】"),
    ],
)
def test_citation_marks(text: str, rest: str) -> None:
    assert taken(text).text == rest


def test_attached_text_and_its_limit() -> None:
    assert attached([("a.txt", " x "), ("", "y")]) == ("a.txt:\n\nx\n\ny", "")
    assert attached([("a.png", "")]) == ("", "not-text")
    assert attached([("a.txt", "x" * MAX_ATTACHED)]) == ("", "attachment-too-long")
    assert attached([]) == ("", "")


def test_a_fence_is_longer_than_those_inside() -> None:
    assert fenced("print(1)", "python") == "```python\nprint(1)\n```"
    assert fenced("```\nx\n```", "unknown") == "````\n```\nx\n```\n````"


def _first(name: str) -> dict[str, Any]:
    path = EXPORTS / name
    text = path.read_text("utf-8")
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        return {"messages": rows} if "sillytavern" in name else dict(rows[0])
    value = json.loads(text)
    if name == "bare.json":
        return {"messages": value}
    value = value["conversations"][0] if name == "grok.json" else value
    return dict(value[0] if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("chatgpt.json", "ChatGPT"),
        ("claude.json", "Claude"),
        ("openwebui.json", "Open WebUI"),
        ("lmstudio.conversation.json", "LM Studio"),
        ("sillytavern.jsonl", "SillyTavern"),
        ("grok.json", "Grok"),
        ("aistudio", "Google AI Studio"),
        ("deepseek.json", "DeepSeek"),
        ("oasst.json", "OpenAssistant"),
        ("fastchat.jsonl", "FastChat"),
        ("openai.jsonl", "OpenAI messages"),
        ("sharegpt.json", "ShareGPT"),
        ("ollama.json", "Ollama"),
        ("bare.json", "OpenAI messages"),
        ("conversations/2026-01-02_10-00.json", "saved messages"),
    ],
)
def test_each_format_is_recognised(name: str, known: str) -> None:
    fields = _first(name)
    found = format_of(fields)
    assert found is not None
    assert name_of(found, fields) == known


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt": "q", "completion": "a"},
        {"instruction": "q", "output": "a"},
        {"messages": []},
        {"question_id": 81, "turns": ["Write a post.", "Write it again."]},
        {"choices": [{"index": 0, "turns": ["a"]}], "question_id": 81},
        {"user_id": "u", "email": "a@example.org"},
    ],
)
def test_what_is_no_conversation(fields: dict[str, Any]) -> None:
    assert format_of(fields) is None


_KEYS = st.sampled_from([
    "messages", "mapping", "chat", "history", "role", "content", "parts", "author", "message",
    "chat_messages", "sender", "text", "conversations", "conversation", "responses", "response",
    "versions", "steps", "currentlySelected", "chunkedPrompt", "chunks", "prompt", "replies",
    "state", "roles", "from", "value", "parent", "parentId", "children", "current_node", "mes",
    "is_user", "swipes", "swipe_id", "attachments", "files", "metadata", "type", "fragments",
    "system", "currentId", "title", "create_time", "extra", "rank", "parent_id", "weight",
])  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.text(max_size=6)
    | st.sampled_from(["user", "assistant", "human", "system", "tool", "text", "a", "b", "x"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(_KEYS | st.sampled_from(["a", "b"]), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


def _all_of(fields: dict[str, Any], every_branch: bool) -> list[Conversation]:
    found = format_of(fields)
    if found is None:
        return []
    try:
        return list(found.conversations(fields, every_branch=every_branch))
    except Refused:
        return []


@given(st.dictionaries(_KEYS, _JSON, max_size=7), st.booleans())
def test_records_of_any_shape_raise_nothing(fields: dict[str, Any], every_branch: bool) -> None:
    for found in _all_of(fields, every_branch):
        for talk in found.talks:
            assert talk.turns[-1].role == "assistant"
            for turn in talk.turns:
                turn.content.encode()
        found.tally.reasons()


@st.composite
def _changed(draw: st.DrawFn) -> dict[str, Any]:
    """Return a record of a real format, some of whose values are something else."""
    names = [path.name for path in EXPORTS.iterdir() if path.is_file()]
    fields = _first(draw(st.sampled_from(sorted(names))))
    for _ in range(draw(st.integers(1, 6))):
        place: Any = fields
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 4)) == 0:
                place[key] = draw(_JSON)
                break
            place = inner
    return fields


@given(_changed(), st.booleans())
def test_exports_with_other_values_raise_nothing(
    fields: dict[str, Any], every_branch: bool
) -> None:
    for found in _all_of(fields, every_branch):
        for talk in found.talks:
            assert all(turn.content for turn in talk.turns)
        found.tally.reasons()


def test_names_of_formats_differ() -> None:
    names = [known.NAME for known in FORMATS]
    assert len(set(names)) == len(names)
