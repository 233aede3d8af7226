"""The verb ``train``: start a training run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.runs import follow_run, run_as_dict
from engine.cli.runs.queueing import say_begun
from engine.cli.waiting import patiently
from engine.dataset import require_dataset
from engine.errors import UsageError
from engine.train import (
    PRESETS,
    Plan,
    TrainSpec,
    base_and_preset,
    make_spec,
    newest_dataset,
    start,
)
from engine.train import plan as plan_run
from engine.train.launching import beside
from engine.train.warm_start import adopted
from engine.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])

# What the command finds out itself, or has options of its own for.
_NOT_OPTIONS = {"base", "base_dir", "base_fingerprint", "dataset", "dataset_dir", "preset"}
_SHORT = {"learning_rate": "--lr"}
_REPEATED = {"sample_prompts": "--sample-prompt"}  # texts, which commas are a part of


def spec_options(function: Command) -> Command:
    """Add an option for each hyperparameter; its help is the field's own."""
    for name, field in reversed(list(TrainSpec.model_fields.items())):
        if name in _NOT_OPTIONS:
            continue
        kind, help_text = field.annotation, field.description
        names = [f"--{name.replace('_', '-')}", name]
        if name in _SHORT:
            names.insert(0, _SHORT[name])
        if kind is bool:
            option = click.option(
                f"{names[0]}/--no-{names[0][2:]}", name, default=None, help=help_text
            )
        elif get_origin(kind) is Literal:
            choice = click.Choice([str(value) for value in get_args(kind)])
            option = click.option(*names, type=choice, default=None, help=help_text)
        elif name in _REPEATED:
            option = click.option(
                _REPEATED[name],
                name,
                multiple=True,
                metavar="TEXT",
                help=f"{help_text} Repeatable.",
            )
        elif get_origin(kind) is tuple:
            names_help = f"{help_text} Separate several by commas."
            option = click.option(*names, default=None, help=names_help)
        else:
            number = kind if kind in (int, float) else str
            option = click.option(*names, type=number, default=None, help=help_text)
        function = option(function)
    return function


@click.command()
@click.option("--dataset", default="", help="The frozen dataset (default: the newest).")
@click.option("--base", default="", help="The base model (default: the preset's or setting's).")
@click.option(
    "--preset",
    default="",
    metavar="NAME",
    shell_complete=lambda _context, _option, typed: [n for n in PRESETS if n.startswith(typed)],
    help="Hyperparameters that belong together, by model, GPU memory or purpose, such as "
    "llama3-8b, 12gb or small-cpu (default: those that fit the base). Most have a base of "
    f"their own, which --base replaces. All: {', '.join(PRESETS)}.",
)
@spec_options
@click.option("--plan", "only_plan", is_flag=True, help="Say what the run would be; start nothing.")
@click.option("--force", is_flag=True, help="Start also what is predicted not to fit the GPU.")
@click.option("--prepare", is_flag=True, help="Make the run ready and start nothing.")
@click.option("--queue", is_flag=True, help="Wait in the queue until the device is free.")
@click.option("--follow", is_flag=True, help="Follow the run to its end.")
@common_options
def train(
    dataset: str,
    base: str,
    preset: str,
    only_plan: bool,
    force: bool,
    prepare: bool,
    queue: bool,
    follow: bool,
    workspace: Path | None,
    as_json: bool,
    **changes: Any,
) -> None:
    """Start a training run, which goes on whatever becomes of this terminal."""
    if prepare and (queue or follow or only_plan):
        raise UsageError("--prepare starts nothing", hint="leave --queue, --follow and --plan out")
    with opened(workspace) as here:
        spec = _spec(here, dataset, base, preset, changes)
        if prepare:
            _prepare(here, spec, as_json=as_json)
            return
        outline = plan_run(here, spec)
        if not as_json:
            _show(outline, spec)
        if only_plan:
            if as_json:
                print_json(outline.as_dict())
            return
        others = beside()
        run = patiently("training", lambda: start(here, spec, queue=queue, force=force))
    if follow:
        follow_run(run, as_json=as_json)
    elif as_json:
        print_json({**run_as_dict(run), "plan": outline.as_dict()})
    else:
        say_begun(run, others, queue=queue)


def _prepare(here: Workspace, spec: TrainSpec, *, as_json: bool) -> None:
    from engine.train.preparing import prepare as prepare_run

    run = prepare_run(here, spec)
    if as_json:
        print_json(run_as_dict(run))
        return
    say(f"run {run.id} is prepared; start it with: finetui runs start {run.id}")
    say(f"or on another machine: finetui runs pack {run.id}, and there: finetui runs import FILE")


def _spec(
    here: Workspace, dataset: str, base: str, preset: str, changes: dict[str, Any]
) -> TrainSpec:
    if dataset:
        require_dataset(here, dataset)  # first: a name is put right sooner than a base
    base, preset = base_and_preset(here, base, preset)
    given = given_values(changes)
    spec = make_spec(base, dataset or newest_dataset(here), preset, **given)
    return adopted(spec, here, named=given)


def given_values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were given on the command line, of those of :func:`spec_options`."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if "target_modules" in given:
        names = str(given["target_modules"]).split(",")
        given["target_modules"] = tuple(name.strip() for name in names if name.strip())
    return given


def _plain_bits(outline: Plan, spec: TrainSpec) -> int:
    """Return in how many bits a base is kept that is not quantised."""
    wide = outline.device.startswith("processor") or spec.precision == "fp32"
    return 32 if wide else 16


def _show(outline: Plan, spec: TrainSpec) -> None:
    minutes = (
        "not known before a first run" if outline.minutes is None else f"{outline.minutes:.0f}"
    )
    about = "about " if outline.sampled else ""
    table(
        ["what", "value"],
        [
            ["base", spec.base],
            ["dataset", spec.dataset],
            ["preset", spec.preset or "none"],
            ["examples", f"{outline.examples}, and {outline.validation} held out"],
            ["tokens", f"{about}{outline.tokens:,}, of them trained {outline.trained_tokens:,}"],
            ["steps", str(outline.steps)],
            ["trains with", f"{outline.backend} on {outline.device} ({outline.why})"],
            ["base in", f"{outline.bits or _plain_bits(outline, spec)} bits"],
            ["adapter", f"{outline.trainable:,} weights"],
            ["memory", "" if outline.fit is None else outline.fit.words],
            ["disk", f"{outline.disk_bytes / 1e6:,.0f} MB"],
            ["minutes", minutes],
        ],
    )
    for note in outline.notes:
        say(f"note: {note}")
