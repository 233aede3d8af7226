"""What would be frozen: verbs and screens get the same from the same function of the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import cli
from engine.dataset import base_of, freeze, leaks_of_draft, overview, rows_to_preview
from engine.errors import BaseMissing
from engine.settings import load_settings
from engine.workspace import Workspace
from tests.support.datasets import examples
from tests.support.trusting import trusted
from tui.bridge import datasets as bridge


def quiet(done: int, total: int) -> None:
    """Report progress to nobody."""


@pytest.fixture
def approved(workspace: Workspace, tiny_model_dir: Path) -> Workspace:
    """Return a workspace with ten approved examples and a small base."""
    source = workspace.store.add_source("vault", str(workspace.root / "notes"))
    made = examples(source.id, 10)
    workspace.store.record_scan(source.id, made, [], len(made), at=1.0)
    for example in made:
        workspace.store.append("approve", example.id, at=2.0)
    lines = f'[training]\nbase = "{tiny_model_dir}"\n[check]\nmax_length = 40\n'
    (workspace.root / "finetui.toml").write_text(lines, "utf-8")
    trusted(workspace.root)
    return Workspace(workspace.root, load_settings(workspace.root), workspace.store)


def said(workspace: Workspace, *words: str) -> Any:
    """Return what a verb prints as JSON."""
    done = CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_stats_of_verb_and_screen_are_one(approved: Workspace) -> None:
    verb = said(approved, "dataset", "stats")
    screen = bridge.now(approved, progress=quiet)
    assert screen.stats is not None
    assert screen.truncation is not None
    assert screen.stats.unit == "tokens"
    assert (verb["train"], verb["validation"]) == (screen.stats.train, screen.stats.validation)
    assert verb["trained_tokens"] == screen.stats.trained_tokens
    assert verb["truncation"]["limit"] == 40
    assert [cut["example_id"] for cut in verb["truncation"]["cuts"]] == [
        cut.example_id for cut in screen.truncation.cuts
    ]
    assert verb["truncation"]["cuts"]


def test_leaks_of_what_would_be_frozen_are_one(approved: Workspace) -> None:
    # Text alone, so that no embeddings are needed.
    verb = said(approved, "dataset", "leaks", "--now", "--no-near")
    made = bridge.now(approved, progress=quiet).draft
    assert made is not None
    here = leaks_of_draft(made, near=False)
    assert verb == json.loads(json.dumps([one.as_dict() for one in here]))
    # A freeze divides as the draft did, so that its own meter says the same.
    freeze(approved, base=made.base, name="ten")
    assert said(approved, "dataset", "leaks", "ten", "--no-near") == verb


def test_rows_to_preview_are_one(approved: Workspace) -> None:
    card = next(approved.store.cards())
    verb = said(approved, "dataset", "preview", card.example.id)
    found = rows_to_preview(approved, card=card)
    every = rows_to_preview(approved)
    assert verb["id"] == found.rows[0].id
    assert verb["base"] == found.base.name == every.base.name
    assert verb["max_length"] == found.max_length == every.max_length == 40
    assert found.rows[0] in every.rows


def test_the_base_of_the_settings_may_be_missing_and_a_named_one_may_not(
    workspace: Workspace,
) -> None:
    (workspace.root / "finetui.toml").write_text('[training]\nbase = "meta/away"\n', "utf-8")
    away = Workspace(workspace.root, load_settings(workspace.root), workspace.store)
    told: list[BaseMissing] = []
    assert base_of(away, missing=told.append) is None
    assert "meta/away" in told[0].message
    with pytest.raises(BaseMissing):
        base_of(away, "meta/away")


def test_nothing_has_changed_until_a_decision_or_a_text_does(approved: Workspace) -> None:
    base = base_of(approved)
    assert overview(approved, base=base).unchanged == ""
    freeze(approved, base=base, name="ten")
    assert overview(approved, base=base).unchanged == "ten"
    first = next(approved.store.cards())
    approved.store.append("reject", first.example.id, at=3.0)
    assert overview(approved, base=base).unchanged == ""
    approved.store.append("approve", first.example.id, at=4.0)
    assert overview(approved, base=base).unchanged == "ten"
