"""The verb ``runs``: list, show, follow, stop, resume and compare training runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.waiting import patiently
from engine.errors import RunFailed
from engine.paths import shorten
from engine.runs import (
    Event,
    Monitor,
    RunSummary,
    RunView,
    find,
    kill,
    read_spec,
    request_stop,
    state,
    status_words,
    wait_until_gone,
)
from engine.runs import runs as list_runs

_POLL_S = 0.5
_LEAVES = {
    "checkpoint": "it saves a checkpoint first",
    "adapter": "it saves its adapter first",
    "nothing": "it does not train, so there is nothing to save",
}


@click.group()
def runs() -> None:
    """List, show, follow, stop, resume and compare training runs."""


@runs.command("list")
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
        ["run", "status", "base", "dataset", "preset", "steps", "base eval", "eval"],
        [
            [
                run.id,
                status_words(run.view, time.time()),
                run.base,
                run.dataset,
                run.preset,
                f"{run.view.step}/{run.view.total_steps}",
                _figure(_base_eval(run.view)),
                _figure(run.view.eval_loss),
            ]
            for run in found
        ],
    )


@runs.command("show")
@click.argument("run")
@common_options
def show(run: str, workspace: Path | None, as_json: bool) -> None:
    """Show one run: its settings, where it stands, and what came out.

    RUN is an id, a part of one that only it begins or ends with, or "last".
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
    if view.message:
        say(view.message)
    if view.hint:
        say(f"hint: {view.hint}")
    rows: list[tuple[str, object]] = [
        ("folder", shorten(found.dir, 80)),
        ("step", f"{view.step} of {view.total_steps}"),
        ("loss", _figure(view.loss)),
        ("eval loss", " → ".join(f"{loss:.3f} (step {step})" for step, loss in view.evals) or "-"),
        ("checkpoints", ", ".join(_checkpoint_words(one) for one in saved) or "-"),
    ]
    rows += [(f"result: {name}", _value(value)) for name, value in view.result.items()]
    rows += [(name, _value(value)) for name, value in read_spec(found.dir).items()]
    table(["what", "value"], rows)


@runs.command("follow")
@click.argument("run")
@common_options
def follow(run: str, workspace: Path | None, as_json: bool) -> None:
    """Follow a run to its end. Interrupting this leaves the run going."""
    with opened(workspace) as here:
        found = find(here, run)
    follow_run(found, as_json=as_json)


@runs.command("stop")
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
    view = state(found.dir)
    if asked and view.active and view.elsewhere and not as_json:
        say(
            f"{found.id} is {status_words(view, time.time())}; no signal reaches it from here, "
            "so it stops when it reads the request in its folder"
        )
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


@runs.command("resume")
@click.argument("run")
@click.option("--follow", "then_follow", is_flag=True, help="Follow the run to its end.")
@click.option(
    "--from",
    "checkpoint",
    default="",
    metavar="CHECKPOINT",
    help="The checkpoint to resume from, such as step-40 (default: the newest that is whole).",
)
@click.option(
    "--force",
    is_flag=True,
    help="Resume one that was heard elsewhere lately and is certainly gone.",
)
@common_options
def resume(
    run: str, checkpoint: str, then_follow: bool, force: bool, workspace: Path | None, as_json: bool
) -> None:
    """Resume a stopped, killed or failed run from its last checkpoint that is whole."""
    from engine.train.start import resume as resume_run

    with opened(workspace) as here:
        resumed = patiently(
            "training", lambda: resume_run(here, run, checkpoint=checkpoint, force=force)
        )
    goes_on, choice = resumed.run, resumed.choice
    if not as_json:
        for refused in choice.refused:
            say(f"checkpoint {refused.checkpoint.name} is damaged: {refused.reason}")
        say(f"{goes_on.id} goes on from checkpoint {choice.checkpoint.name}")
    if then_follow:
        follow_run(goes_on, as_json=as_json)
    elif as_json:
        passed = {one.checkpoint.name: one.reason for one in choice.refused}
        taken = choice.checkpoint.name
        print_json({**run_as_dict(goes_on), "resumed_from": taken, "refused": passed})
    else:
        say(f"follow it with: finetui runs follow {goes_on.id}")


@runs.command("compare")
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
    results = {"status": [side.view.status for side in sides], **results}
    if as_json:
        print_json({"runs": [side.id for side in sides], "settings": differing, "results": results})
        return
    table(
        ["", *(side.id for side in sides)],
        [
            [name, *(_value(value) for value in pair)]
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


def _checkpoint_words(saved: Mapping[str, Any]) -> str:
    return f"{saved['name']} (damaged: {saved['problem']})" if saved["problem"] else saved["name"]


def follow_run(run: RunSummary, *, as_json: bool) -> None:
    """Print a run's events as they come, until it ends.

    Raises:
        RunFailed: The run failed or died.
    """
    monitor = Monitor(run.dir)
    try:
        view = _print_events(monitor, quiet=as_json)
        while view.active:
            time.sleep(_POLL_S)
            view = _print_events(monitor, quiet=as_json)
    except KeyboardInterrupt:
        say(f"\n{run.id} goes on; follow it with: finetui runs follow {run.id}")
        raise
    if view.status in ("failed", "died"):
        raise RunFailed(f"run {run.id} {view.status}: {view.message}", hint=view.hint)
    if as_json:
        print_json({"id": run.id, **_view_as_dict(view)})


def _print_events(monitor: Monitor, *, quiet: bool) -> RunView:
    view, events = monitor.poll()
    for line in (describe(event) for event in events):
        if line and not quiet:
            say(line)
    return view


def describe(event: Event) -> str:
    """Return an event as a line for a person; empty where it needs none."""
    data = event.data
    if event.type == "phase":
        return f"{data.get('phase')}"
    if event.type == "step":
        words = [f"step {data.get('step')}/{data.get('total_steps')}"]
        for name, label, form in (
            ("loss", "loss", ".3f"),
            ("lr", "lr", ".1e"),
            ("grad_norm", "grad", ".2f"),
            ("tokens_per_s", "tokens/s", ".0f"),
            ("eta_s", "s to go", ".0f"),
        ):
            value = data.get(name)
            if isinstance(value, int | float):
                words.append(f"{label} {value:{form}}")
        return "  ".join(words)
    if event.type == "eval":
        return f"eval at step {data.get('step')}: {_value(data.get('loss'))}"
    if event.type == "run_started" and data.get("checkpoint"):
        return f"resumed from checkpoint {data['checkpoint']}"
    if event.type == "checkpoint":
        return f"saved {data.get('path')}"
    if event.type in ("warning", "log"):
        hint = f" (fix: {data['hint']})" if data.get("hint") else ""
        return f"{event.type}: {data.get('message')}{hint}"
    if event.type == "run_finished":
        message = data.get("message")
        return f"{data.get('status')}{f': {message}' if message else ''}"
    return ""


def run_as_dict(run: RunSummary) -> dict[str, Any]:
    """Return a run as ``--json`` prints it."""
    return {
        "id": run.id,
        "dir": str(run.dir),
        "base": run.base,
        "dataset": run.dataset,
        "preset": run.preset,
        **_view_as_dict(run.view),
    }


def _view_as_dict(view: RunView) -> Mapping[str, Any]:
    heard = round(max(0.0, time.time() - view.heard_at), 1) if view.heard_at else None
    return {**asdict(view), "heard_s": heard}


def _base_eval(view: RunView) -> float | None:
    return dict(view.evals).get(0)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return "-" if value is None else str(value)
