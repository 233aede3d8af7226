"""Keeping runs in order: ``note``, ``rename``, ``clean`` and ``remove``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.errors import FinetuiError, UsageError
from engine.runs import RunSummary, find, runs
from engine.runs.notes import set_name, set_note
from engine.sizes import size_words
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.export.keeping import Cleaning, Part


@click.command("note")
@click.argument("run")
@click.argument("text", nargs=-1)
@common_options
def note(run: str, text: tuple[str, ...], workspace: Path | None, as_json: bool) -> None:
    """Write a note about a run, which the lists show; without TEXT it is taken away."""
    with opened(workspace) as here:
        found = find(here, run)
        said = set_note(found.dir, " ".join(text))
    if as_json:
        print_json({"id": found.id, "note": said.note})
    else:
        say(f"{found.id}: {said.note}" if said.note else f"{found.id} has no note any more")


@click.command("rename")
@click.argument("run")
@click.argument("name", default="")
@common_options
def rename(run: str, name: str, workspace: Path | None, as_json: bool) -> None:
    """Give a run a name of yours, by which every verb finds it; without NAME it is taken away.

    The run's id stays what it is.
    """
    with opened(workspace) as here:
        found = find(here, run)
        said = set_name(found.dir, name)
    if as_json:
        print_json({"id": found.id, "name": said.name})
    else:
        say(f"{found.id} is named {said.name}" if said.name else f"{found.id} has no name any more")


@click.command("clean")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option("--all", "every", is_flag=True, help="Clean every run of the workspace.")
@click.option("--dry-run", is_flag=True, help="Say what would go and what stays; remove nothing.")
@common_options
def clean(
    names: tuple[str, ...], every: bool, dry_run: bool, workspace: Path | None, as_json: bool
) -> None:
    """Remove what can be made again: merged models, f16 files, checkpoints not needed any more.

    Adapters, the best adapter, finished exports, the history and the log stay.
    """
    from engine.export.keeping import clean as clean_run
    from engine.export.keeping import plan_cleaning

    look_first = "look first with: finetui runs clean --all --dry-run"
    if names and every:
        raise UsageError(
            "RUN and --all exclude each other: --all cleans every run",
            hint=f"name the runs to clean, or give --all alone; {look_first}",
        )
    if not names and not every:
        raise UsageError("no run is named", hint=f"name runs, or give --all; {look_first}")
    done: list[Cleaning] = []
    refused: list[tuple[str, FinetuiError]] = []
    with opened(workspace) as here:
        for run in runs(here) if every else _found(here, names):
            try:
                done.append((plan_cleaning if dry_run else clean_run)(here, run))
            except FinetuiError as error:
                if not every:
                    raise
                refused.append((run.id, error))
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "bytes": sum(one.bytes for one in done),
                "runs": [_cleaning_as_dict(one) for one in done],
                "refused": {run_id: error.as_dict() for run_id, error in refused},
            }
        )
        return
    _show_cleaning(done, dry_run=dry_run, stays=dry_run or not every)
    for run_id, failure in refused:
        say(f"{run_id} is left as it is: {failure.message}")


def _show_cleaning(done: list[Cleaning], *, dry_run: bool, stays: bool) -> None:
    rows = []
    for one in done:
        rows += [
            [one.run_id, "goes", part.path.name, size_words(part.bytes), part.why]
            for part in one.goes
        ]
        if stays:
            rows += [
                [one.run_id, "stays", part.path.name, size_words(part.bytes), part.why]
                for part in one.stays
            ]
    if rows:
        table(["run", "", "what", "size", "why"], rows)
    total = size_words(sum(one.bytes for one in done))
    say(f"{total} would go; nothing was removed" if dry_run else f"{total} given back")


@click.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def remove(names: tuple[str, ...], yes: bool, workspace: Path | None, as_json: bool) -> None:
    """Remove runs with all that is in their folders: adapters, exports, history.

    It asks first; a run that is going or waits in the queue is refused.
    """
    from engine.export.keeping import plan_removal
    from engine.export.keeping import remove as remove_run

    with opened(workspace) as here:
        found = _found(here, names)
        losses = [plan_removal(here, run) for run in found]
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise UsageError("removing runs asks first", hint="add --yes")
            for run, loss in zip(found, losses, strict=True):
                say(f"{run.id}{f' ({run.name})' if run.name else ''}, {size_words(loss.bytes)}:")
                _show_parts(loss.parts)
                if loss.votes:
                    say(f"  {loss.votes} blind votes on it stay")
                for other in loss.used_by:
                    say(f"  {other} started from it, and can't be started again without it")
            click.confirm("Remove for good?", abort=True)
        for run in found:
            remove_run(here, run)
    if as_json:
        print_json({"removed": [asdict(loss) for loss in losses]})
    else:
        for loss in losses:
            say(f"{loss.run_id} is removed: {size_words(loss.bytes)} given back")


def _show_parts(parts: tuple[Part, ...]) -> None:
    for part in parts:
        say(f"  {part.path.name:<14} {size_words(part.bytes):>9}  {part.why}")


def _found(here: Workspace, names: tuple[str, ...]) -> list[RunSummary]:
    found = {run.id: run for run in (find(here, name) for name in names)}
    return list(found.values())


def _cleaning_as_dict(one: Cleaning) -> dict[str, Any]:
    return {
        "id": one.run_id,
        "bytes": one.bytes,
        "goes": [asdict(part) for part in one.goes],
        "stays": [asdict(part) for part in one.stays],
    }
