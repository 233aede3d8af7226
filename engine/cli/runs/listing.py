"""Looking at runs: ``list``, ``show`` and ``compare``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.paths import shorten
from engine.runs import (
    Kept,
    RunSummary,
    RunView,
    find,
    kept,
    read_spec,
    stall_words,
    status_words,
    verdict_words,
)
from engine.runs import runs as list_runs

_NOTE_COLUMNS = 40


@click.command("list")
@common_options
def list_command(workspace: Path | None, as_json: bool) -> None:
    """List the runs, newest first."""
    with opened(workspace) as here:
        found = list_runs(here)
    if as_json:
        print_json([run_as_dict(run) for run in found])
        return
    if not found:
        say("no runs yet; start one with: finetui train")
        return
    table(
        [
            "run",
            "status",
            "base",
            "dataset",
            "preset",
            "steps",
            "base eval",
            "best",
            "eval",
            "verdict",
            "name",
            "note",
        ],
        [
            [
                run.id,
                status_words(run.view, time.time()),
                run.base,
                run.dataset,
                run.preset,
                f"{run.view.step}/{run.view.total_steps}",
                _figure(_base_eval(run.view)),
                _figure(run.view.best[1] if run.view.best else None),
                _figure(run.view.eval_loss),
                verdict_words(run.view),
                run.name,
                _cut(run.note),
            ]
            for run in found
        ],
    )


@click.command("show")
@click.argument("run")
@common_options
def show(run: str, workspace: Path | None, as_json: bool) -> None:
    """Show one run: its settings, where it stands, and what came out.

    RUN is an id, a name that you gave it, a part of an id that only it begins or ends with, or
    "last".
    """
    with opened(workspace) as here:
        found = find(here, run)
    saved = saved_checkpoints(found)
    if as_json:
        print_json({**run_as_dict(found), "resumable": saved})
        return
    view = found.view
    words = status_words(view, time.time())
    say(f"{found.id}  {words}{f' · {view.phase}' if view.active and view.phase else ''}")
    if found.name:
        say(f"name: {found.name}")
    if found.note:
        say(f"note: {found.note}")
    for said in (stall_words(view), verdict_words(view)):
        if said:
            say(said)
    if view.message:
        say(view.message)
    for line in view.lines:
        say(f"  {line}")
    if view.hint:
        say(f"hint: {view.hint}")
    rows: list[tuple[str, object]] = [
        ("folder", shorten(found.dir, 80)),
        ("step", f"{view.step} of {view.total_steps}"),
        ("loss", _figure(view.loss)),
        ("eval loss", " → ".join(f"{loss:.3f} (step {step})" for step, loss in view.evals) or "-"),
        ("adapters", ", ".join(_adapter_words(one) for one in kept(found.dir)) or "-"),
        ("checkpoints", ", ".join(_checkpoint_words(one) for one in saved) or "-"),
    ]
    rows += [(f"result: {name}", value_words(value)) for name, value in view.result.items()]
    rows += [(name, value_words(value)) for name, value in read_spec(found.dir).items()]
    table(["what", "value"], rows)


@click.command("compare")
@click.argument("one")
@click.argument("other")
@common_options
def compare(one: str, other: str, workspace: Path | None, as_json: bool) -> None:
    """Set two runs beside each other: what differs in them, and what came out."""
    with opened(workspace) as here:
        sides = [find(here, one), find(here, other)]
    specs = [read_spec(side.dir) for side in sides]
    differing = {
        name: [spec.get(name) for spec in specs]
        for name in dict.fromkeys([*specs[0], *specs[1]])
        if specs[0].get(name) != specs[1].get(name)
    }
    results = {
        name: [side.view.result.get(name) for side in sides]
        for name in dict.fromkeys([*sides[0].view.result, *sides[1].view.result])
    }
    told: dict[str, list[Any]] = {
        "status": [side.view.status for side in sides],
        "evaluations": [verdict_words(side.view) for side in sides],
    }
    results = {**told, **results}
    if as_json:
        print_json({"runs": [side.id for side in sides], "settings": differing, "results": results})
        return
    table(
        ["", *(side.id for side in sides)],
        [
            [name, *(value_words(value) for value in pair)]
            for name, pair in {**differing, **results}.items()
        ],
    )


def saved_checkpoints(run: RunSummary) -> list[dict[str, Any]]:
    """Return the checkpoints that are there, each read through, by rising step.

    ``name`` is what ``runs resume --from`` takes, ``problem`` what is wrong with it.
    """
    from engine.train.checkpoints import all_checkpoints, damage

    return [
        {
            "name": found.name,
            "step": found.step,
            "path": str(found.path.relative_to(run.dir)),
            "problem": damage(found),
        }
        for found in all_checkpoints(run.dir)
    ]


def _adapter_words(adapter: Kept) -> str:
    return f"{adapter.which} (step {adapter.step})" if adapter.step else adapter.which


def _checkpoint_words(saved: Mapping[str, Any]) -> str:
    return f"{saved['name']} (damaged: {saved['problem']})" if saved["problem"] else saved["name"]


def run_as_dict(run: RunSummary) -> dict[str, Any]:
    """Return a run as ``--json`` prints it."""
    return {
        "id": run.id,
        "dir": str(run.dir),
        "base": run.base,
        "dataset": run.dataset,
        "preset": run.preset,
        "name": run.name,
        "note": run.note,
        **view_as_dict(run.view),
    }


def view_as_dict(view: RunView) -> Mapping[str, Any]:
    """Return a run's state as ``--json`` prints it."""
    heard = round(max(0.0, time.time() - view.heard_at), 1) if view.heard_at else None
    return {**asdict(view), "heard_s": heard, "hung": view.hung, "evaluations": verdict_words(view)}


def _base_eval(view: RunView) -> float | None:
    return dict(view.evals).get(0)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def value_words(value: object) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return "-" if value is None else str(value)


def _cut(note: str) -> str:
    return note if len(note) <= _NOTE_COLUMNS else f"{note[: _NOTE_COLUMNS - 1]}…"
