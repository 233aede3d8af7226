"""Following runs: ``follow``, and what every verb that follows a job prints."""

from __future__ import annotations

import time
from pathlib import Path

import click

from engine.cli.common import common_options, opened, print_json, say
from engine.cli.runs.listing import value_words, view_as_dict
from engine.errors import RunFailed
from engine.runs import Event, Monitor, RunSummary, RunView, find, status_words

_POLL_S = 0.5


@click.command("follow")
@click.argument("run")
@common_options
def follow(run: str, workspace: Path | None, as_json: bool) -> None:
    """Follow a run to its end. Interrupting this leaves the run going."""
    with opened(workspace) as here:
        found = find(here, run)
    follow_run(found, as_json=as_json)


def follow_run(run: RunSummary, *, as_json: bool) -> None:
    """Print a run's events as they come, until it ends.

    Raises:
        RunFailed: The run failed or died.
    """
    monitor = Monitor(run.dir)
    told = ""
    try:
        view = _print_events(monitor, quiet=as_json)
        while view.active:
            words = status_words(view, time.time()) if view.status == "queued" or view.hung else ""
            if words and view.status != told and not as_json:
                say(words)
            told = view.status
            time.sleep(_POLL_S)
            view = _print_events(monitor, quiet=as_json)
        if view.status == "prepared":
            say(f"{run.id} is prepared and not started; start it with: finetui runs start {run.id}")
    except KeyboardInterrupt:
        say(f"\n{run.id} goes on; follow it with: finetui runs follow {run.id}")
        raise
    if view.status in ("failed", "died"):
        for line in view.lines if not as_json else ():
            say(f"  {line}")
        raise RunFailed(f"run {run.id} {view.status}: {view.message}", hint=view.hint)
    if as_json:
        print_json({"id": run.id, **view_as_dict(view)})


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
        return f"eval at step {data.get('step')}: {value_words(data.get('loss'))}"
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
