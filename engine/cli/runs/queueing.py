"""Starting runs that are ready, and the order of those that wait: ``start`` and ``queue``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.runs.following import follow_run
from engine.cli.runs.listing import run_as_dict
from engine.cli.waiting import patiently
from engine.errors import UsageError
from engine.runs import RunSummary, find, request_stop, status_words, summarise
from engine.runs.tickets import move_first, waiting
from engine.workspace import Workspace


@click.command("start")
@click.argument("run")
@click.option("--queue", is_flag=True, help="Wait in the queue until the device is free.")
@click.option("--follow", "then_follow", is_flag=True, help="Follow the run to its end.")
@click.option(
    "--force",
    is_flag=True,
    help="Start one that was heard elsewhere lately and is certainly gone.",
)
@common_options
def start(
    run: str, queue: bool, then_follow: bool, force: bool, workspace: Path | None, as_json: bool
) -> None:
    """Start a run that was prepared or imported, or one that ended without a checkpoint."""
    from engine.train.launching import beside
    from engine.train.preparing import start_prepared

    with opened(workspace) as here:
        others = beside()
        begun = patiently("training", lambda: start_prepared(here, run, queue=queue, force=force))
    if then_follow:
        follow_run(begun, as_json=as_json)
    elif as_json:
        print_json(run_as_dict(begun))
    else:
        say_begun(begun, others, queue=queue)


def say_begun(run: RunSummary, others: list[str], *, queue: bool) -> None:
    """Say that a run has begun or waits, and what it shares the device with.

    Args:
        run: The run.
        others: The ids of runs that computed on the device before.
        queue: Whether it was put into the queue.
    """
    if queue:
        say(f"run {run.id} is {status_words(run.view, time.time())}")
    else:
        say(f"run {run.id} has begun; follow it with: finetui runs follow {run.id}")
        if others:
            say(
                f"note: {', '.join(others)} trains here too, so both are slower; "
                "--queue would have waited"
            )


@click.command("queue")
@click.option("--first", default="", metavar="RUN", help="Make a run the next one.")
@click.option("--remove", "leaves", default="", metavar="RUN", help="Take a run out of the queue.")
@click.option("--start", "wake", is_flag=True, help="Let runs wait again whose processes are gone.")
@common_options
def queue(first: str, leaves: str, wake: bool, workspace: Path | None, as_json: bool) -> None:
    """List the runs that wait for the GPU or the processor, or change their order.

    A run joins with: finetui train --queue, finetui runs start --queue, or finetui runs
    resume --queue. After a restart of the machine the queue stands still until --start, or
    until another run joins.
    """
    from engine.train.preparing import start_queue

    woken: list[str] = []
    with opened(workspace) as here:
        if first:
            _move(here, first)
        if leaves:
            _leave(here, leaves)
        if wake:
            woken = start_queue(here)
        found = [summarise(path) for path, _ in waiting(here.runs_dir)]
    if as_json:
        value: dict[str, Any] = {"queue": [run_as_dict(run) for run in found]}
        print_json(value | ({"started": woken} if wake else {}))
        return
    for run_id in woken:
        say(f"{run_id} waits again")
    if not found:
        say("no run waits; put one into the queue with: finetui train --queue")
        return
    table(
        ["run", "status", "base", "dataset", "name"],
        [
            [run.id, status_words(run.view, time.time()), run.base, run.dataset, run.name]
            for run in found
        ],
    )
    if not wake and any(not run.view.waits for run in found):
        say("nobody waits for some of them; go on with: finetui runs queue --start")


def _move(here: Workspace, name: str) -> None:
    run = find(here, name)
    if not move_first(run.dir):
        raise _not_waiting(run)


def _leave(here: Workspace, name: str) -> None:
    run = find(here, name)
    if run.view.status != "queued":
        raise _not_waiting(run)
    request_stop(run.dir)


def _not_waiting(run: RunSummary) -> UsageError:
    return UsageError(
        f"run {run.id} does not wait in the queue: it is {run.view.status}",
        hint="see which do with: finetui runs queue",
    )
