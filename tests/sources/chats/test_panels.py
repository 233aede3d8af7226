"""What was written into a canvas or an artifact stands in the answer, not only that it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.sources.chats import format_of
from engine.sources.chats.talk import Conversation


def _read(fields: dict[str, Any]) -> Conversation:
    known = format_of(fields)
    assert known is not None
    (conversation,) = known.conversations(fields)
    return conversation


def _answers(conversation: Conversation) -> list[str]:
    return [t.content for talk in conversation.talks for t in talk.turns if t.role == "assistant"]


def _chatgpt(*said: tuple[str, str, str]) -> dict[str, Any]:
    """Return a conversation of ChatGPT: each message's role, recipient and text."""
    mapping: dict[str, Any] = {}
    for number, (role, recipient, text) in enumerate(said):
        call = recipient != "all"
        content = {"content_type": "code", "language": "json", "text": text}
        mapping[str(number)] = {
            "parent": str(number - 1) if number else None,
            "children": [],
            "message": {
                "author": {"role": role},
                "recipient": recipient,
                "content": content if call else {"content_type": "text", "parts": [text]},
            },
        }
    return {"mapping": mapping, "current_node": str(len(said) - 1)}


def _create(content: str, kind: str = "document", name: str = "Ropes") -> tuple[str, str, str]:
    said = {"name": name, "type": kind, "content": content}
    return ("assistant", "canmore.create_textdoc", json.dumps(said))


def _update(pattern: str, replacement: str, *, multiple: bool = False) -> tuple[str, str, str]:
    update = {"pattern": pattern, "multiple": multiple, "replacement": replacement}
    return ("assistant", "canmore.update_textdoc", json.dumps({"updates": [update]}))


ASKED = ("user", "all", "Write on ropes.")
DONE = ("assistant", "all", "It is in the canvas.")
REPLY = ("tool", "all", "Successfully updated")


@pytest.mark.parametrize(
    ("calls", "answer"),
    [
        ([_create("# Ropes\nMany threads.")], "# Ropes\nMany threads."),
        ([_create("x = 1", "code/python")], "```python\nx = 1\n```"),
        ([_create("One."), _create("Two.")], "Two."),
        ([_create("One."), _update(".*", "Three.")], "Three."),
        ([_create("A rope. A rope."), _update(r"rope\.", "thread.")], "A thread. A rope."),
        ([_create("A b. b."), _update("b", "c", multiple=True)], "A c. c."),
        ([_create("A b."), _update("b", r"[\g<0>]")], "A [b]."),
    ],
)
def test_what_went_to_the_canvas_is_the_answer(
    calls: list[tuple[str, str, str]], answer: str
) -> None:
    said = [ASKED]
    for call in calls:
        said += [call, REPLY]
    assert _answers(_read(_chatgpt(*said, DONE))) == [f"{answer}\n\nIt is in the canvas."]


def test_a_later_turn_gives_the_document_as_it_is_then() -> None:
    shorter = ("user", "all", "Shorter.")
    said = [ASKED, _create("One two."), REPLY, DONE, shorter, _update(" two", ""), REPLY, DONE]
    answers = _answers(_read(_chatgpt(*said)))
    assert answers == ["One two.\n\nIt is in the canvas.", "One.\n\nIt is in the canvas."]


@pytest.mark.parametrize(
    "call",
    [
        _update("never there", "x"),
        # A pattern of an export is never run: this one would take for ever.
        _update("(a+)+$", "x"),
        _update(r"(o)ne", r"\1"),
        ("assistant", "canmore.update_textdoc", "no JSON"),
    ],
)
def test_a_change_that_cannot_be_followed_leaves_the_exchange_out(
    call: tuple[str, str, str],
) -> None:
    again = ("user", "all", "Again.")
    said = [ASKED, _create("One " + "a" * 60), REPLY, DONE, again, call, REPLY, DONE]
    conversation = _read(_chatgpt(*said))
    assert _answers(conversation) == ["One " + "a" * 60 + "\n\nIt is in the canvas."]
    assert conversation.tally.messages["elsewhere"] == 2


def test_a_call_in_another_exporters_list_is_put_back_too() -> None:
    call = json.dumps({"name": "Ropes", "type": "document", "content": "Many threads."})
    said = [("user", "Write."), ("assistant", call), ("assistant", "It is in the canvas.")]
    fields = {"title": "t", "messages": [{"role": role, "content": text} for role, text in said]}
    assert _answers(_read(fields)) == ["Many threads.\n\nIt is in the canvas."]


# -- Claude -------------------------------------------------------------------------------


def _artifact(command: str, **more: str) -> dict[str, Any]:
    said = {"id": "letter", "command": command, **more}
    return {"type": "tool_use", "name": "artifacts", "input": said}


def _file(tool: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": tool, "input": more}


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _claude(*answers: list[dict[str, Any]]) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    for parts in answers:
        said.append({"sender": "human", "text": "Write.", "content": []})
        said.append({"sender": "assistant", "text": "", "content": parts})
    for number, message in enumerate(said):
        message |= {"uuid": str(number), "parent_message_uuid": str(number - 1)}
    return {"chat_messages": said}


OUT = "/mnt/user-data/outputs/letter.md"


@pytest.mark.parametrize(
    ("calls", "content"),
    [
        ([_artifact("create", type="text/markdown", content="Dear A.")], "Dear A."),
        (
            [_artifact("create", type="application/vnd.ant.code", language="rust", content="x")],
            "```rust\nx\n```",
        ),
        ([_artifact("create", content="A"), _artifact("rewrite", content="B")], "B"),
        (
            [
                _artifact("create", type="text/markdown", content="Dear A."),
                _artifact("update", old_str="A", new_str="B"),
            ],
            "Dear B.",
        ),
        ([_file("create_file", path=OUT, file_text="Dear A.")], "Dear A."),
        (
            [
                _file("create_file", path="/home/claude/letter.md", file_text="Dear A."),
                _file("str_replace", path="/home/claude/letter.md", old_str="A", new_str="B"),
                _file("present_files", filepaths=[OUT]),
            ],
            "Dear B.",
        ),
    ],
)
def test_what_went_to_an_artifact_is_the_answer(calls: list[dict[str, Any]], content: str) -> None:
    answer = [_text("Here it is."), *calls, _text("Shall I change it?")]
    assert _answers(_read(_claude(answer))) == [f"Here it is.\n\n{content}\n\nShall I change it?"]


def test_an_artifact_is_followed_from_answer_to_answer() -> None:
    first = [_artifact("create", type="text/markdown", content="Dear A, come.")]
    second = [_artifact("update", old_str="come", new_str="stay"), _text("Done.")]
    assert _answers(_read(_claude(first, second))) == ["Dear A, come.", "Dear A, stay.\n\nDone."]


def test_a_step_on_the_way_is_no_answer() -> None:
    parts = [_file("create_file", path="/home/claude/try.py", file_text="x"), _text("It is 4.")]
    assert _answers(_read(_claude(parts))) == ["It is 4."]


def test_a_document_that_is_not_there_is_no_whole_answer() -> None:
    gone = [_text("I made it firmer."), _artifact("update", old_str="x", new_str="y")]
    conversation = _read(_claude(gone))
    assert conversation.talks == ()
    assert conversation.tally.messages["elsewhere"] == 2
    file = [_text("I made the sheet."), _file("present_files", filepaths=["/mnt/a.xlsx"])]
    (talk,) = _read(_claude(file)).talks
    assert talk.hollow == (1,)


@pytest.mark.parametrize(
    ("tool", "answer", "is_hollow"),
    [
        ("research_kickoff_tool.start_research_task", "I'll come back with a report.", True),
        ("t2uay3k.sj1i4kz", "A cat, as you wanted it.", True),
        ("python", "The report is finished, with sections on health and food.", True),
        ("python", "It is 42.", False),
        ("web.run", "Here is the weather: it rains in Cluj.", False),
    ],
)
def test_an_answer_that_only_says_what_a_tool_made_is_hollow(
    tool: str, answer: str, is_hollow: bool
) -> None:
    said = [ASKED, ("assistant", tool, "{}"), ("tool", "all", "Done"), ("assistant", "all", answer)]
    (talk,) = _read(_chatgpt(*said)).talks
    assert bool(talk.hollow) is is_hollow


def test_a_file_that_a_shell_wrote_is_not_in_the_answer() -> None:
    call = {"type": "tool_use", "name": "bash_tool", "input": {"command": "cat > /mnt/r.md <<E"}}
    (talk,) = _read(_claude([call, _text("The report is complete. Enjoy reading it!")])).talks
    assert talk.hollow == (1,)


def test_a_document_whose_call_failed_is_not_put_in() -> None:
    said = [ASKED, _create("# Ropes"), ("tool", "all", "Error: failed to create"),
            ("assistant", "all", "Sorry, the canvas failed to open.")]  # fmt: skip
    conversation = _read(_chatgpt(*said))
    assert _answers(conversation) == ["Sorry, the canvas failed to open."]
    assert conversation.talks[0].hollow
    call = {"type": "tool_use", "id": "1", "name": "artifacts",
            "input": {"command": "create", "id": "a", "content": "# Ropes"}}  # fmt: skip
    failed = {"type": "tool_result", "tool_use_id": "1", "is_error": True, "content": []}
    assert _answers(_read(_claude([call, failed, _text("Sorry.")]))) == ["Sorry."]
