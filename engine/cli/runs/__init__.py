"""The verb ``runs``: look at training runs, steer them, keep them in order, carry them about.

One module a subject; each adds its commands to :data:`runs`.
"""

from __future__ import annotations

import click

from engine.cli.runs.carrying import import_command, pack
from engine.cli.runs.following import describe, follow, follow_run
from engine.cli.runs.keeping import clean, note, remove, rename
from engine.cli.runs.listing import compare, list_command, run_as_dict, saved_checkpoints, show
from engine.cli.runs.queueing import queue, start
from engine.cli.runs.steering import resume, stop

__all__ = ["describe", "follow_run", "run_as_dict", "runs", "saved_checkpoints"]


@click.group()
def runs() -> None:
    """List, show, follow, steer, queue, clean, pack and import training runs."""


for _command in (
    list_command,
    show,
    follow,
    stop,
    start,
    resume,
    queue,
    compare,
    note,
    rename,
    clean,
    remove,
    pack,
    import_command,
):
    runs.add_command(_command)
