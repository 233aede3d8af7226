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
from engine.export.spec import KEEPS, UPDATE_VALUES, Keep, Update, UpdateValue
from engine.export.start import Options, start, warning_of
from engine.paths import shorten
from engine.runs import Event, Monitor, RunView, find, wait_until_gone
from engine.runs.kept import Which
from engine.text import inert
from engine.workspace import Workspace

_POLL_S = 0.3


@click.command()
@click.argument("run")
@click.option(
    "--quant",
    multiple=True,
    help="A quantisation; again, or with commas, for several (default: what fits the base).",
)
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
@click.option(
    "--imatrix", is_flag=True, help="Compute an importance matrix from the training text."
)
@click.option(
    "--allow", multiple=True, metavar="GATE", help="Publish though this gate fails; again for more."
)
@click.option(
    "--keep",
    type=click.Choice(KEEPS),
    default=None,
    help="Intermediate files that stay (default: the setting export.keep).",
)
@click.option(
    "--models-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="A folder that gets the finished files (default: the setting export.models_dir).",
)
@click.option(
    "--update",
    type=(click.Path(path_type=Path), str),
    multiple=True,
    metavar="FILE KEY",
    help="Point a key of a .env, JSON, TOML or YAML file at the first GGUF, after a backup.",
)
@click.option(
    "--update-value",
    type=click.Choice(UPDATE_VALUES),
    default="path",
    show_default=True,
    help="What --update writes: the GGUF's path, or the model's name, as Ollama has it.",
)
@click.option("--follow/--detach", default=True, help="Wait for the end, or only start it.")
@click.option("--list-quants", is_flag=True, help="List the quantisations and end.")
@common_options
def export(
    run: str,
    quant: tuple[str, ...],
    adapter: Which | None,
    merge_into: str,
    imatrix: bool,
    allow: tuple[str, ...],
    keep: Keep | None,
    models_dir: Path | None,
    update: tuple[tuple[Path, str], ...],
    update_value: UpdateValue,
    follow: bool,
    list_quants: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Merge a run's adapter, write its GGUFs and its base's, and prove them.

    RUN is an id, a part of one that only it begins or ends with, or "last".
    """
    if list_quants:
        _print_quants(as_json)
        return
    options = Options(
        imatrix=imatrix,
        allow=allow,
        keep=keep,
        models_dir=models_dir,
        updates=tuple(Update(file=file, key=key, value=update_value) for file, key in update),
        merge_into=merge_into,
    )
    with opened(workspace) as here:
        warning = warning_of(find(here, run))
        job_dir = patiently("export", lambda: start(here, run, quant, adapter, options))
        if warning:
            click.echo(inert(f"warning: {warning}"), err=True)
        if follow:
            _follow(job_dir, as_json=as_json)
            if not as_json:
                print_next(here, job_dir)
            return
    if as_json:
        print_json({"job": str(job_dir)})
    else:
        say(f"the export goes on in {shorten(job_dir, 80)}")


def print_next(here: Workspace, job_dir: Path) -> None:
    """Print how the workspace's server gets the export, where one runs."""
    from engine.gateway.start import status  # only a finished export pays for it

    found = status(here)
    if found.running and found.state is not None:
        now = f" in place of {found.state.model}" if found.state.model else ""
        say(f"serve it at {found.state.url}{now}: finetui reload {job_dir.parent.parent.name}")


def _print_quants(as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"name": item.name, "bits": item.bits, "needs_imatrix": item.needs_imatrix}
                for item in QUANTS.values()
            ]
        )
        return
    table(
        ["quant", "bits a weight", "note"],
        [
            [item.name, item.bits, item.note + ("; needs --imatrix" if item.needs_imatrix else "")]
            for item in QUANTS.values()
        ],
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
                # What is left changes all the time, and is no news by itself.
                news = line.partition(" · ")[0]
                if line and news != last and not as_json:
                    say(line)
                    last = news
            if not view.active:
                break
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        say(f"\nthe export goes on in {shorten(job_dir, 80)}")
        raise
    wait_until_gone(job_dir)  # so that what follows, such as the same with --allow, finds it gone
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
    note = f" · {event.data['note']}" if event.data.get("note") else ""
    if not (isinstance(done, int) and isinstance(total, int) and total > 0):
        return phase
    return f"{100 * done // total:3}%  {phase}{note}"


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
    for file in result["files"]:
        for side in ("base", "tuned"):
            told = file[side]
            rate = f"{told['tokens_per_s']:.1f}"
            size = f"{told['bytes'] / 1e6:.1f} MB"
            rows.append([side, file["quant"], size, rate, shorten(told["path"], 70)])
    say()
    table(["", "quant", "size", "tokens/s", "file"], rows)
    say()
    say(f"asked    {result['prompt']}")
    say(f"base     {result['base']['answer'].strip()}")
    say(f"tuned    {result['tuned']['answer'].strip()}")
    say()
    table(
        ["gate", "result", "what was found"],
        [[gate["name"], gate["state"], gate["says"]] for gate in result["gates"]],
    )
    say()
    _print_places(result)


def _print_places(result: Mapping[str, Any]) -> None:
    step = f", of step {result['step']:,}" if result.get("step") else ""
    into = result.get("merged_into") or {}
    where = f" into {into['base']} ({into['form']})" if into else ""
    say(f"merged the {result.get('adapter', 'last')} adapter{step}{where}")
    for file in result["files"]:
        if file["model"]:
            say(f"in the models folder: {shorten(file['model'], 80)}")
    for update in result["updates"]:
        if update.get("message"):
            say(f"warning: {update['message']}")
        elif update["backup"]:
            was = shorten(update["backup"], 60)
            say(f"{update['key']} of {shorten(update['file'], 60)} is set; it was saved as {was}")
        else:
            say(f"{update['key']} of {shorten(update['file'], 60)} said so already")
    if result["imatrix"]:
        say(f"importance matrix: {shorten(result['imatrix'], 80)}")
    if result["merged"]:
        say(f"merged model, for vLLM: {shorten(result['merged'], 80)}")
    for gone in result["removed"]:
        say(f"removed {shorten(gone['path'], 70)} ({gone['bytes'] / 1e6:.1f} MB)")
    say(f"card: {shorten(result['card'], 80)}")
    say(f"Modelfile for Ollama: {shorten(result['modelfile'], 80)}")
    for remark in result.get("ollama", {}).get("remarks", ()):
        say(f"note: {remark}")
    say(f"give it to Ollama: finetui ollama {result['run']} --create")
    say(f"chat with both: finetui chat {result['run']}")
