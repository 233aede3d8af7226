"""Held-out loss by learning rate, epochs, layers and rank, on two kinds of notes.

``nice python -m tests.bench.bench_presets FOLDER VAULT [MINUTES] [--rows N]`` trains the
embedded base on the demo's notes and on a vault's, one run of the recipe after another, each in
a child of its own. FOLDER keeps the two workspaces and their runs: called again, it goes on with
what is missing, and so it can be stopped at any time. No run begins after MINUTES. ``--rows``
takes that many examples of each, chosen by their ids, and a short grid, for an hour instead of
three. Each run is evaluated after each epoch; a run of several epochs lowers its learning rate
over all of them, so its first epoch is not a run of one.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import bases
from engine.curate import Curator
from engine.dataset import datasets, default_options, freeze
from engine.demo.bundle import prepare
from engine.demo.curator import curate
from engine.extract.scan import scan
from engine.models import Filter
from engine.runs import is_alive, read_spec, run_dirs, state
from engine.train import ALL_LINEAR, ATTENTION, changed, make_spec, start
from engine.workspace import Workspace, init_workspace, open_workspace

BASE = "smollm2-135m-instruct"
DATASET = "notes"
HELD_OUT = 0.2
MAX_LENGTH = 512
SHORT_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Setting:
    """One run: on which notes, and what differs from the small preset."""

    notes: str
    learning_rate: float
    epochs: int
    r: int = 16
    target_modules: tuple[str, ...] = (ALL_LINEAR,)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """The fields of its specification."""
        return {
            "learning_rate": self.learning_rate,
            "epochs": float(self.epochs),
            "r": self.r,
            "alpha": 2 * self.r,
            "target_modules": self.target_modules,
            **self.more,
        }


SEEDS = {"batch_size": 4, "accumulation": 4, "warmup_ratio": 0.03}
"""The batches of the plans for 7B models."""

# In the order of what they tell, since they take minutes each.
GRID = (
    Setting("vault", 1e-3, 1),
    Setting("demo", 1e-3, 1),
    Setting("vault", 2e-3, 1),
    Setting("demo", 2e-3, 1),
    Setting("vault", 5e-4, 3),
    Setting("vault", 1e-3, 1, target_modules=ATTENTION),
    Setting("vault", 2e-4, 3, target_modules=ATTENTION, more=SEEDS),
    Setting("vault", 1e-3, 3),
    Setting("demo", 1e-3, 3),
    Setting("demo", 5e-4, 3),
    Setting("vault", 1e-3, 1, r=8),
    Setting("vault", 1e-3, 1, r=32),
    Setting("demo", 2e-4, 3, target_modules=ATTENTION, more=SEEDS),
    Setting("demo", 1e-3, 1, target_modules=ATTENTION),
    Setting("demo", 1e-3, 1, r=8),
    Setting("demo", 1e-3, 1, r=32),
    Setting("vault", 2e-4, 3),
    Setting("vault", 2e-3, 3),
    Setting("demo", 2e-3, 3),
    Setting("demo", 2e-4, 3),
)


SHORT = tuple(
    Setting(notes, *values)
    for values in (
        (2e-3, 2),
        (5e-4, 2),
        (1e-3, 2),
        (2e-3, 2, 16, ATTENTION),
        (4e-3, 2),
        (1e-3, 2, 8),
        (1e-3, 2, 32),
    )
    for notes in ("vault", "demo")
)
"""What is run on a part of the rows."""


def keep_part(space: Workspace, rows: int) -> None:
    """Reject all approved examples but ``rows``, those with the lowest hash of their ids."""
    curator = Curator(space.store)
    cards = list(space.store.cards(Filter(states=("approved",))))
    cards.sort(key=lambda card: hashlib.sha256(card.example.id.encode()).digest())
    for card in cards[rows:]:
        curator.reject(card.example.id, card.seen)


def prepared(folder: Path, vault: Path | None, rows: int) -> Workspace:
    """Return a workspace with a frozen dataset: of a vault, or of the demo.

    Args:
        folder: Where the workspace is.
        vault: The vault; None takes the demo's notes.
        rows: How many examples; 0 takes all.
    """
    space = open_workspace(init_workspace(folder))
    if any(info.name == DATASET for info in datasets(space)):
        return space
    if vault is None:
        prepare(space)
    else:
        scan(space.store, space.store.add_source("vault", str(vault)))
    base = bases.add(BASE)
    curate(space)
    if rows:
        keep_part(space, rows)
    options = replace(
        default_options(space),
        validation_fraction=HELD_OUT,
        max_length=SHORT_LENGTH if rows else MAX_LENGTH,
        near_duplicates="now",
    )
    freeze(space, name=DATASET, base=base, drop_refused=True, options=options)
    return space


def finished_run(space: Workspace, setting: Setting) -> Path | None:
    """Return the folder of a finished run of a setting, if there is one."""
    for directory in run_dirs(space):
        spec = read_spec(directory)
        same = all(
            (tuple(spec[name]) if isinstance(spec[name], list) else spec[name]) == value
            for name, value in setting.values.items()
        )
        if same and state(directory).status == "finished":
            return directory
    return None


def trained(space: Workspace, setting: Setting, max_length: int) -> Path:
    """Run a setting to its end, and return its run's folder."""
    values = {**setting.values, "save_steps": 10_000, "sample_tokens": 0, "max_length": max_length}
    spec = make_spec(BASE, DATASET, "small-cpu", **values)
    (info,) = datasets(space)
    run = start(space, changed(spec, eval_steps=spec.steps_per_epoch(info.train)))
    while is_alive(run.dir):
        time.sleep(2)
    return run.dir


def row(setting: Setting, directory: Path) -> str:
    """Return a setting's line of the table."""
    evals = [loss for _, loss in state(directory).evals]
    base, after = evals[0], evals[1:]
    layers = "attention" if setting.target_modules == ATTENTION else "all linear"
    batch = setting.more.get("batch_size", 2) * setting.more.get("accumulation", 1)
    losses = " ".join(f"{loss:.3f}" for loss in after)
    minutes = state(directory).result["seconds"] / 60  # type: ignore[operator]
    return (
        f"| {setting.notes} | {layers} | {setting.r} | {setting.learning_rate:g} | {batch} "
        f"| {setting.epochs} | {base:.3f} | {losses} | {min(after) / base - 1:+.1%} "
        f"| {minutes:.1f} |"
    )


def main(folder: Path, vault: Path, minutes: float, rows: int) -> None:
    """Run what is missing, and print the table."""
    until = time.monotonic() + 60 * minutes
    spaces = {
        "demo": prepared(folder / "demo", None, rows),
        "vault": prepared(folder / "vault", vault, rows),
    }
    for name, space in spaces.items():
        (info,) = datasets(space)
        print(f"{name}: {info.train} rows trained, {info.validation} held out", flush=True)
    print(
        "\n| notes | layers | r | lr | batch | epochs | base | after each epoch | best | minutes |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---|---:|---:|", flush=True)
    for setting in SHORT if rows else GRID:
        space = spaces[setting.notes]
        directory = finished_run(space, setting)
        if directory is None and time.monotonic() < until:
            directory = trained(space, setting, SHORT_LENGTH if rows else MAX_LENGTH)
        if directory is not None and state(directory).status == "finished":
            print(row(setting, directory), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("vault", type=Path)
    parser.add_argument("minutes", type=float, nargs="?", default=1e9)
    parser.add_argument("--rows", type=int, default=0)
    given = parser.parse_args()
    main(given.folder, given.vault, given.minutes, given.rows)
