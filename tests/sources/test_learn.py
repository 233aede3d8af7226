"""Whose words are learnt of a conversation: the assistant's, or the person's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.extract.scan import scan
from engine.models import Filter, Skipped
from engine.sources import read
from engine.workspace import Workspace

S, U, A = "system", "user", "assistant"


def _chat(*said: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"title": "t", "messages": [{"role": r, "content": c, **more} for r, c in said]}


MINE = "Thank you! Where would it rain first, though?"
TALK = _chat((U, "Will it rain?"), (A, "Rain is due."), (U, MINE), (A, "On the coast, at noon."))


def _mine(path: Path, chat: dict[str, Any]) -> tuple[list[Any], dict[str, str]]:
    path.write_text(json.dumps(chat))
    skipped: list[Skipped] = []
    options = {"learn": "me"}
    found = list(read("conversations", path, "s", options=options, on_skip=skipped.append))
    turns = [[(turn.role, turn.content) for turn in document.turns] for document in found]
    return turns, {skip.code: skip.reason for skip in skipped}


@pytest.mark.parametrize(
    ("said", "turns", "codes"),
    [
        (
            [(S, "Be brief."), (U, "1"), (A, "2"), (U, "3"), (A, "4"), (U, "5"), (A, "6")],
            [(U, "2"), (A, "3"), (U, "4"), (A, "5")],
            {"no-prompt", "no-reply"},
        ),
        ([(A, "Hello."), (U, "Hi."), (A, "So?"), (U, "So.")],
         [(U, "Hello."), (A, "Hi."), (U, "So?"), (A, "So.")], set()),
        ([(U, "1"), (A, "2"), (A, "3"), (U, "4"), (U, "5")], [(U, "2\n\n3"), (A, "4\n\n5")],
         {"no-prompt"}),
        ([(U, "1"), (A, "2")], [], {"no-prompt", "no-reply"}),
    ],
)  # fmt: skip
def test_the_persons_words_answer_the_assistants(
    tmp_path: Path,
    said: list[tuple[str, str]],
    turns: list[tuple[str, str]],
    codes: set[str],
) -> None:
    found, skipped = _mine(tmp_path / "a.json", _chat(*said))
    assert found == ([turns] if turns else [])
    assert set(skipped) == codes


def test_what_is_attached_is_not_the_persons_and_is_counted(tmp_path: Path) -> None:
    file = {"attachments": [{"file_name": "a.txt", "extracted_content": "Words of another."}]}
    said: list[dict[str, Any]] = [
        {"sender": "human", "text": "Read it.", "content": []},
        {"sender": "assistant", "text": "Which?", "content": []},
        {"sender": "human", "text": "This one.", "content": [], **file},
        {"sender": "assistant", "text": "It is long.", "content": []},
        {"sender": "human", "text": "", "content": [], **file},
        {"sender": "assistant", "text": "Got it.", "content": []},
        {"sender": "human", "text": "Thanks!", "content": []},
    ]
    found, skipped = _mine(tmp_path / "a.json", {"chat_messages": said})
    assert found == [[(U, "Which?"), (A, "This one."), (U, "Got it."), (A, "Thanks!")]]
    counts = {code: reason.split(": ")[1] for code, reason in skipped.items()}
    assert counts == {
        "no-prompt": "1 message left out",
        "no-reply": "1 message left out",
        "attached": "2 attached texts left out",
    }


def test_setting_it_reads_again_and_loses_no_decision(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(TALK))
    store = workspace.store
    source = store.add_source("conversations", str(path))
    scan(store, source)
    (first,) = store.cards(Filter())
    store.decide("approve", first.example.id, at=1.0)
    source = store.add_source("conversations", str(path), {"learn": "me"})
    assert scan(store, source).files_read == 1
    cards = {card.turns[-1].content: card for card in store.cards(Filter())}
    assert {text: card.state for text, card in cards.items()} == {
        "On the coast, at noon.": "approved",
        MINE: "undecided",
    }
    # It is marked as one that the source does not hold any more as it was.
    assert cards["On the coast, at noon."].origin
    source = store.add_source("conversations", str(path), {})
    scan(store, source)
    states = {card.turns[-1].content: (card.state, card.origin) for card in store.cards(Filter())}
    assert states == {"On the coast, at noon.": ("approved", "")}


def test_whose_words_are_learnt_is_said(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(_chat((U, "1"), (A, "2"), (U, "3"), (A, "4"))))
    at = ["--workspace", str(workspace.root)]
    assert main(["sources", "detect", str(path), "--as", "conversations", *at]) == 0
    assert "learns the assistant's answers; --set learn=me learns yours" in capsys.readouterr().out
    words = ["sources", "add", "conversations", str(path), "--set", "learn=me", *at]
    assert main(words) == 0
    assert "learns your words" in capsys.readouterr().out
