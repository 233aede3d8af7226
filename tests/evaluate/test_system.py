"""Typed questions are asked in the form that training saw, its system prompt included."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main as run_command
from engine.evaluate.system import FrozenSystem, System, frozen_system
from engine.models import Turn
from engine.tokens import Tokenizer, prompt_ids, render
from engine.workspace import open_workspace
from tests.support.tiny_base import make_tiny_base
from tests.support.tiny_export import RUN

VOICE = "You are Ana.\nYou answer as Ana would."
CONTROL = ("<s>", "</s>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>")


@pytest.mark.parametrize("template", ["chatml", "gemma", "mistral", "qwen-3"])
def test_a_typed_question_is_the_beginning_of_a_row_that_was_trained(
    tmp_path: Path, template: str
) -> None:
    base = make_tiny_base(tmp_path / "base", template="", control=CONTROL, eos="</s>")
    tokenizer = Tokenizer.load(base, template=template)
    row = (Turn("system", VOICE), Turn("user", "Why?"), Turn("assistant", "Because."))
    trained = render(tokenizer, row)
    asked = prompt_ids(tokenizer, System(FrozenSystem(VOICE)).opening("Why?"))
    assert asked == trained.ids[: trained.trained.index(True)]


def freeze(workspace: Path, system: str, rows: Sequence[Sequence[tuple[str, str]]]) -> Path:
    """Let a run's dataset have been frozen with a system prompt, and rows; return the run."""
    run = workspace / "runs" / RUN
    manifest = {"name": "notes", "settings": {"system_prompt": system}}
    (run / "dataset" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    lines = [
        json.dumps({"messages": [{"role": role, "content": text} for role, text in row]})
        for row in rows
    ]
    (run / "dataset" / "train.jsonl").write_text("\n".join(lines), "utf-8")
    return run


@pytest.fixture
def own(finished_export: Path, tmp_path: Path) -> Path:
    """Return a copy of the exported workspace."""
    return Path(shutil.copytree(finished_export, tmp_path / "own"))


TALK = [("user", "Why?"), ("assistant", "Because.")]


def test_rows_with_system_messages_of_their_own_are_counted(own: Path) -> None:
    rows = [[("system", VOICE), *TALK], [("system", "Be brief."), *TALK]]
    # One of the three rows, the held-out one, has none.
    own_ones = frozen_system(freeze(own, "", rows))
    assert own_ones == FrozenSystem("", 3, 2)
    assert System(own_ones).words() == "none: 2 of 3 rows have one of their own"
    assert System(own_ones).opening("Why?") == (Turn("user", "Why?"),)
    assert frozen_system(freeze(own, VOICE, rows)) == FrozenSystem(VOICE, 3, 1)


def test_a_manifest_that_says_nothing_means_none(own: Path) -> None:
    run = freeze(own, "", [TALK])
    (run / "dataset" / "manifest.json").write_text("[]", "utf-8")
    assert frozen_system(run).text == ""
    (run / "dataset" / "manifest.json").unlink()
    assert System(frozen_system(run)).words() == "none"


@pytest.mark.slow
def test_the_verb_asks_and_votes_with_the_datasets_system_prompt(
    own: Path,
    finished_export: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from transformers import AutoTokenizer

    freeze(own, VOICE, [[("system", VOICE), *TALK]])
    theirs = AutoTokenizer.from_pretrained(finished_export.parent / "base")

    def length(*messages: tuple[str, str]) -> int:
        """Return how many tokens transformers makes of a prompt."""
        told = [{"role": role, "content": text} for role, text in messages]
        made = theirs.apply_chat_template(told, add_generation_prompt=True, return_dict=False)
        return len(made)

    here = ["--max-tokens", "2", "--json", "--workspace", str(own)]

    def asked(*options: str) -> tuple[Any, int]:
        assert run_command(["chat", "last", "Why?", *options, *here]) == 0
        told = json.loads(capsys.readouterr().out)
        (row,) = told["asked"]
        assert row["base"]["prompt_tokens"] == row["tuned"]["prompt_tokens"]
        return told["system"], row["tuned"]["prompt_tokens"]

    user = ("user", "Why?")
    assert asked() == ({"text": VOICE, "origin": "dataset"}, length(("system", VOICE), user))
    assert asked("--no-system") == ({"text": "", "origin": "left-out"}, length(user))
    monkeypatch.setattr("sys.stdin", io.StringIO("a\n"))
    blind = ["chat", "last", "Why?", "--blind", "--system", "Be brief.", *here[:2], *here[3:]]
    assert run_command(blind) == 0
    assert capsys.readouterr().out.startswith("system: Be brief.\n")
    with open_workspace(own) as workspace:
        (vote,) = workspace.store.votes(RUN)
    assert vote.metadata["system"] == "Be brief."
    assert run_command(["chat", "last", "Why?", "--system", "x", "--no-system", *here]) == 2
