"""``finetui dataset preview``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli.dataset import dataset
from engine.cli.main import main
from engine.models import Example, Provenance, Turn, example_id
from engine.tokens import Tokenizer, render
from engine.workspace import Workspace
from tests.support.tiny_base import make_tiny_base

TURNS = (
    Turn("user", "Where is it?"),
    Turn("assistant", "In the shed."),
    Turn("user", "Still?"),
    Turn("assistant", "Yes, behind the \x1b[31mladder."),
)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_tiny_base(tmp_path / "base")


@pytest.fixture
def identifier(workspace: Workspace) -> str:
    """Return the id of an example on which nobody has decided."""
    source = workspace.store.add_source("vault", str(workspace.root / "notes"))
    provenance = Provenance(source_id=source.id, path="a.md", start_line=1)
    example = Example(example_id(TURNS), "reflection", TURNS, provenance)
    workspace.store.record_scan(source.id, [example], [], 1, at=1.0)
    return example.id


@pytest.fixture
def run(workspace: Workspace, base: Path, identifier: str) -> Any:
    """Return what runs the verb on the example, as on a terminal with colours."""

    def call(*words: str, **environment: str) -> Result:
        place = ["--workspace", str(workspace.root), "--base", str(base)]
        return CliRunner().invoke(
            dataset, ["preview", identifier, *place, *words], color=True, env=environment
        )

    return call


def test_text_counts_by_turn_and_signs(run: Any) -> None:
    out = run(NO_COLOR="1").output
    assert "<|im_start|>assistant\n⟦In the shed.<|im_end|>⟧\n<|im_start|>user" in out
    assert "⟦Yes, behind the \\x1b[31mladder.<|im_end|>⟧" in out
    lines = out.splitlines()
    assert lines[-7].split() == ["turn", "trained", "masked", "cut", "off"]
    assert lines[-5].split() == ["2", "assistant", "13", "13", "0"]
    assert lines[-1].endswith("42 trained (in ⟦ ⟧)")
    assert "\x1b" not in out


def test_colours_say_no_more_than_signs(run: Any) -> None:
    plain, coloured = run(NO_COLOR="1").output, run(NO_COLOR="").output
    assert "\x1b[32m\x1b[1m⟦In the shed.<|im_end|>⟧" in coloured
    import click

    assert click.unstyle(coloured) == plain


def test_what_is_cut_off(run: Any, base: Path) -> None:
    total = len(render(Tokenizer.load(base), TURNS).ids)
    out = run("--max-length", str(total - 10), NO_COLOR="1").output
    assert "⟦Yes, behind the \\x1b[31⟧⟨cut: mladder.<|im_end|>⟩" in out
    assert f"10 cut off at {total - 10}" in out
    assert "9 of its 42 trained tokens are lost to the cut" in out
    none = run("--max-length", "12", NO_COLOR="1").output
    assert "none of its tokens would be trained, so a freeze refuses it" in none


def test_tokens_one_by_one(run: Any, base: Path) -> None:
    rendered = render(Tokenizer.load(base), TURNS)
    lines = run("--tokens", NO_COLOR="1").output.splitlines()
    tokens = [line.split(maxsplit=5) for line in lines[: len(rendered.ids)]]
    assert [int(token[1]) for token in tokens] == list(rendered.ids)
    assert sum(token[2] == "trained" for token in tokens) == rendered.trained_count
    assert tokens[0][2:] == ["masked", "1", "user", "'<|im_start|>'"]


def test_as_json(run: Any, base: Path, identifier: str) -> None:
    found = json.loads(run("--tokens", "--json", "--max-length", "60").output)
    rendered = render(Tokenizer.load(base), TURNS, max_length=60)
    assert found["id"] == identifier
    assert (found["ids"], found["labels"]) == (list(rendered.ids), list(rendered.labels))
    assert (found["tokens"], found["truncated"]) == (60, rendered.truncated)
    assert [turn["role"] for turn in found["turns"]] == [turn.role for turn in TURNS]
    assert len(found["list"]) == 60 + rendered.truncated
    kinds = [token["kind"] for token in found["list"]]
    assert kinds.count("cut") == rendered.truncated == sum(t["cut"] for t in found["turns"])


def test_another_template(run: Any) -> None:
    out = run("--template", "qwen-3", NO_COLOR="1").output
    assert "⟦<think>\n\n</think>\n\nYes, behind" in out


def test_a_template_that_is_none(
    workspace: Workspace, base: Path, identifier: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["dataset", "preview", identifier, "--workspace", str(workspace.root)]
    assert main([*words, "--base", str(base), "--template", "qwen-33"]) == 1
    told = capsys.readouterr().err
    assert "there is no chat template qwen-33" in told
    assert "qwen-3" in told


def test_the_system_prompt_of_the_settings_is_shown(
    workspace: Workspace, base: Path, identifier: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = workspace.root / "finetui.toml"
    text = settings.read_text("utf-8") if settings.exists() else ""
    settings.write_text(text + '\n[dataset]\nsystem_prompt = "Be brief."\n', "utf-8")
    words = ["dataset", "preview", identifier, "--workspace", str(workspace.root)]
    assert main([*words, "--base", str(base)]) == 0
    assert "<|im_start|>system\nBe brief.<|im_end|>" in capsys.readouterr().out
