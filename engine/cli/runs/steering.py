"""Steering runs: ``stop`` and ``resume``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from engine.cli.common import common_options, opened, print_json, say
from engine.cli.runs.following import follow_run
from engine.cli.runs.listing import run_as_dict
from engine.cli.waiting import patiently
from engine.runs import find, kill, request_stop, state, status_words, wait_until_gone

_POLL_S = 0.5
_LEAVES = {
    "checkpoint": "it saves a checkpoint first",
    "adapter": "it saves its adapter first",
    "nothing": "it does not train, so there is nothing to save",
}


@click.command("stop")
@click.argument("run")
@click.option("--kill", "at_once", is_flag=True, help="End it at once; unsaved steps are lost.")
@click.option("--wait/--no-wait", default=True, help="Wait until the run has stopped.")
@common_options
def stop(run: str, at_once: bool, wait: bool, workspace: Path | None, as_json: bool) -> None:
    """Ask a run to stop; one that trains saves a checkpoint first."""
    from engine.train.phases import leaves_when_stopped

    with opened(workspace) as here:
        found = find(here, run)
    leaves = leaves_when_stopped(found.view)
    asked = kill(found.dir) if at_once else request_stop(found.dir)
    if asked and found.view.active and found.view.elsewhere and not as_json:
        where = status_words(found.view, time.time())
        say(
            f"{found.id} is {where}; no signal reaches it from here, "
            "so it stops when it reads the request in its folder"
        )
    view = state(found.dir)
    while asked and (wait or at_once) and view.active:
        time.sleep(_POLL_S)
        view = state(found.dir)
    if asked and not view.active:
        wait_until_gone(found.dir)  # so that what follows, such as a resume, finds it gone
    if as_json:
        print_json({"id": found.id, "asked": asked, "status": view.status})
    elif not asked and view.active:
        say(f"{found.id} got no signal: the process that its record names is no run of this folder")
    elif not asked:
        say(f"{found.id} was not running: {view.status}")
    elif view.active:
        say(f"{found.id} was asked to stop; {_LEAVES[leaves]}")
    else:
        say(f"{found.id} {view.status}")


@click.command("resume")
@click.argument("run")
@click.option("--follow", "then_follow", is_flag=True, help="Follow the run to its end.")
@click.option(
    "--from",
    "checkpoint",
    default="",
    metavar="CHECKPOINT",
    help="The checkpoint to resume from, such as step-40 (default: the newest that is whole).",
)
@click.option("--queue", is_flag=True, help="Wait in the queue until the device is free.")
@click.option(
    "--force",
    is_flag=True,
    help="Resume one that was heard elsewhere lately and is certainly gone.",
)
@common_options
def resume(
    run: str,
    checkpoint: str,
    then_follow: bool,
    queue: bool,
    force: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Resume a stopped, killed or failed run from its last checkpoint that is whole."""
    from engine.train.start import resume as resume_run

    with opened(workspace) as here:
        resumed = patiently(
            "training",
            lambda: resume_run(here, run, checkpoint=checkpoint, force=force, queue=queue),
        )
    goes_on, choice = resumed.run, resumed.choice
    if not as_json:
        for refused in choice.refused:
            say(f"checkpoint {refused.checkpoint.name} is damaged: {refused.reason}")
        verb = "will go on" if queue else "goes on"
        say(f"{goes_on.id} {verb} from checkpoint {choice.checkpoint.name}")
    if then_follow:
        follow_run(goes_on, as_json=as_json)
    elif as_json:
        passed = {one.checkpoint.name: one.reason for one in choice.refused}
        taken = choice.checkpoint.name
        print_json({**run_as_dict(goes_on), "resumed_from": taken, "refused": passed})
    else:
        say(f"follow it with: finetui runs follow {goes_on.id}")
