"""Carrying runs between machines: ``pack`` and ``import``."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.common import common_options, opened, print_json, say
from engine.cli.runs.listing import run_as_dict
from engine.paths import shorten
from engine.runs import find
from engine.sizes import size_words


@click.command("pack")
@click.argument("run")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="The file (default: RUN.finetui.zip in the present folder).",
)
@click.option(
    "--with-checkpoints", is_flag=True, help="Take its checkpoints along, to resume it elsewhere."
)
@common_options
def pack(
    run: str, out: Path | None, with_checkpoints: bool, workspace: Path | None, as_json: bool
) -> None:
    """Pack a run into one file, to train it or to use it on another machine.

    The file holds what the run is told, its dataset, and what came out so far. It holds no
    weights of the base, which the other machine finds by its name and fingerprint.
    """
    from engine.train.pack import default_file
    from engine.train.pack import pack as pack_run

    with opened(workspace) as here:
        found = find(here, run)
        packed = pack_run(found, out or default_file(found), with_checkpoints=with_checkpoints)
    if as_json:
        files = {name: entry.bytes for name, entry in packed.manifest.files.items()}
        print_json(
            {
                "file": str(packed.file),
                "bytes": packed.bytes,
                "id": packed.manifest.id,
                "files": files,
                "left_out": packed.left_out,
            }
        )
        return
    say(f"{found.id} is packed: {shorten(packed.file, 80)}, {size_words(packed.bytes)}")
    say("it holds the run's dataset as plain text: treat it as you treat your notes")
    if packed.left_out:
        say(f"left out, since no packed run has them: {', '.join(packed.left_out)}")
    say(f"on the other machine: finetui runs import {packed.file.name}")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@common_options
def import_command(file: Path, workspace: Path | None, as_json: bool) -> None:
    """Bring a packed run into the workspace: one to be trained here, or one that comes home."""
    from engine.train.unpack import import_run

    with opened(workspace) as here:
        imported = import_run(here, file)
    run = imported.run
    if as_json:
        print_json({**run_as_dict(run), "how": imported.how, "notes": imported.notes})
        return
    words = {
        "new": f"{run.id} is here",
        "same": f"{run.id} is here already, as it is in the file",
        "home": f"{run.id} has come home, with its history",
        "renamed": f"another run has its id here, so it is {run.id} now",
    }
    say(words[imported.how])
    for line in imported.notes:
        say(f"note: {line}")
    if run.view.status == "prepared":
        say(f"start it with: finetui runs start {run.id}")
