"""The verb ``export``: merge a run, write its GGUF and see it answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.runs import describe
from engine.cli.waiting import patiently
from engine.errors import FinetuiError, RunFailed
from engine.export.quants import QUANTS
from engine.export.start import start, warning_of
from engine.paths import shorten
from engine.runs import Event, Monitor, RunView, find
from engine.runs.kept import Which
from engine.text import inert

_POLL_S = 0.3


@click.command()
@click.argument("run")
@click.option("--quant", default=None, help="The quantisation (default: what fits the base).")
@click.option(
    "--adapter",
    type=click.Choice(["best", "last"]),
    default=None,
    help="The run's best adapter by its evaluations, or its last (default: the best it has kept).",
)
@click.option(
    "--merge-into",
    default="",
    metavar="BASE",
    help="For a run on a base stored in 4 or 8 bits: the base in 16 bits to merge into (default: "
    "its original where that is here, else the packed base, de-quantised).",
)
@click.option("--follow/--detach", default=True, help="Wait for the end, or only start it.")
@click.option("--list-quants", is_flag=True, help="List the quantisations and end.")
@common_options
def export(
    run: str,
    quant: str | None,
    adapter: Which | None,
    merge_into: str,
    follow: bool,
    list_quants: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Merge a run's adapter, write its GGUF and its base's, and see both answer.

    RUN is an id, a part of one that only it begins or ends with, or "last".
    """
    if list_quants:
        _print_quants(as_json)
        return
    with opened(workspace) as here:
        warning = warning_of(find(here, run))
        job_dir = patiently("export", lambda: start(here, run, quant, adapter, merge_into))
    if warning:
        click.echo(inert(f"warning: {warning}"), err=True)
    if follow:
        _follow(job_dir, as_json=as_json)
    elif as_json:
        print_json({"job": str(job_dir)})
    else:
        say(f"the export goes on in {shorten(job_dir, 80)}")


def _print_quants(as_json: bool) -> None:
    if as_json:
        print_json([{"name": item.name, "bits": item.bits} for item in QUANTS.values()])
        return
    table(
        ["quant", "bits a weight", "note"],
        [[item.name, item.bits, item.note] for item in QUANTS.values()],
    )


def _follow(job_dir: Path, *, as_json: bool) -> None:
    """Print what an export does until it ends.

    Raises:
        FinetuiError: The export failed, with the name that the failure has there.
    """
    monitor = Monitor(job_dir)
    last = ""
    try:
        while True:
            view, events = monitor.poll()
            for event in events:
                line = _line(event)
                if line and line != last and not as_json:
                    say(line)
                    last = line
            if not view.active:
                break
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        say(f"\nthe export goes on in {shorten(job_dir, 80)}")
        raise
    if view.status != "finished":
        raise named_failure(view)
    if as_json:
        print_json(dict(view.result))
    else:
        _print_result(view.result)


def _line(event: Event) -> str:
    if event.type != "phase":
        return "" if event.type == "run_finished" else describe(event)
    done, total = event.data.get("step"), event.data.get("total_steps")
    phase = str(event.data.get("phase"))
    if not (isinstance(done, int) and isinstance(total, int) and total > 0):
        return phase
    return f"{100 * done // total:3}%  {phase}"


def named_failure(view: RunView) -> FinetuiError:
    """Return a job's failure as the error that it was in the child."""
    kind = _by_code(FinetuiError, view.code) or RunFailed
    return kind(view.message or f"the export {view.status}", hint=view.hint)


def _by_code(kind: type[FinetuiError], code: str) -> type[FinetuiError] | None:
    if kind.code == code:
        return kind
    found = (_by_code(below, code) for below in kind.__subclasses__())
    return next((item for item in found if item is not None), None)


def _print_result(result: Mapping[str, Any]) -> None:
    rows = []
    for side in ("base", "tuned"):
        told = result[side]
        rate = f"{told['tokens_per_s']:.1f}"
        rows.append([side, f"{told['bytes'] / 1e6:.1f} MB", rate, shorten(told["path"], 70)])
    say()
    table(["", "size", "tokens/s", "file"], rows)
    say()
    say(f"asked    {result['prompt']}")
    say(f"base     {result['base']['answer'].strip()}")
    say(f"tuned    {result['tuned']['answer'].strip()}")
    say()
    step = f", of step {result['step']:,}" if result.get("step") else ""
    into = result.get("merged_into") or {}
    where = f" into {into['base']} ({into['form']})" if into else ""
    say(f"merged the {result.get('adapter', 'last')} adapter{step}{where}")
    say(f"Modelfile for Ollama: {shorten(result['modelfile'], 80)}")
    say(f"chat with both: finetui chat {result['run']}")
