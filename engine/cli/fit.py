"""The verb ``fit``: whether a run will fit, before its first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.train import given_values, spec_options
from engine.cli.waiting import patiently
from engine.dataset import require_dataset
from engine.errors import BaseMissing, DatasetMissing
from engine.sizes import size_words
from engine.train import Plan, TrainSpec, base_and_preset, make_spec, newest_dataset
from engine.train import plan as plan_run
from engine.train.fit import PART_WORDS, Fit, parse_target
from engine.train.fit.asking import Asked, ask
from engine.train.fit.probing import Probe, probe
from engine.workspace import Workspace


@click.command()
@click.option("--preset", default="", metavar="NAME", help="See `finetui train --help`.")
@click.option("--base", default="", help="The base model (default: the preset's or setting's).")
@click.option("--dataset", default="", help="The frozen dataset (default: the newest, if any).")
@spec_options
@click.option(
    "--gpu",
    default="",
    metavar="SIZE|NAME",
    help="A GPU that need not be here, such as 12GB, 12GiB or 'RTX 5070', or cpu "
    "(default: this machine's).",
)
@click.option(
    "--probe",
    "do_probe",
    is_flag=True,
    help="Train one step on the longest batch here, and compare what it takes.",
)
@common_options
def fit(
    preset: str,
    base: str,
    dataset: str,
    gpu: str,
    do_probe: bool,
    workspace: Path | None,
    as_json: bool,
    **changes: Any,
) -> None:
    """Say whether a run will fit, by part, and which settings would.

    Needs neither the base nor a dataset: a known base's shape is known, and without a dataset
    every example is taken to be as long as the maximum length allows.
    """
    target = parse_target(gpu) if gpu else None
    with opened(workspace) as here:
        if dataset:
            require_dataset(here, dataset)
        base, preset = base_and_preset(here, base, preset)
        found = dataset or _newest(here)
        # A spec names a dataset; a dash is none.
        spec = make_spec(base, found or "-", preset, **given_values(changes))
        asked = ask(here, spec if found else spec.model_copy(update={"dataset": ""}), target)
        outline = _outline(here, spec) if found else None
        measured = patiently("training", lambda: probe(here, spec)) if do_probe else None
    if as_json:
        print_json(_as_dict(asked, spec, outline, measured))
        return
    _show(asked, spec, outline)
    if measured is not None:
        say(measured.words)


def _newest(here: Workspace) -> str:
    try:
        return newest_dataset(here)
    except DatasetMissing:
        return ""


def _outline(here: Workspace, spec: TrainSpec) -> Plan | None:
    try:
        return plan_run(here, spec)
    except BaseMissing:
        return None  # its tokenizer would have to be here


def _as_dict(
    asked: Asked, spec: TrainSpec, outline: Plan | None, measured: Probe | None
) -> dict[str, Any]:
    return {
        **asked.fit.as_dict(),
        "base": spec.base,
        "preset": spec.preset,
        "dataset": asked.dataset,
        "backend": asked.backend,
        "steps": None if outline is None else outline.steps,
        "tokens": None if outline is None else outline.tokens,
        "trained_tokens": None if outline is None else outline.trained_tokens,
        "minutes": None if outline is None else outline.minutes,
        "disk_bytes": None if outline is None else outline.disk_bytes,
        "probe": None if measured is None else measured.as_dict(),
    }


def _show(asked: Asked, spec: TrainSpec, outline: Plan | None) -> None:
    found = asked.fit
    parts = found.parts.as_dict()
    rows = [[name, size_words(parts[name]), words] for name, words in PART_WORDS.items()]
    table(["part", "size", "what"], [*rows, ["total", size_words(parts["total"]), found.words]])
    say()
    longest = f"{found.batch.rows} examples of {found.batch.length} tokens"
    of = f"of {asked.dataset}" if asked.dataset else "that max length allows"
    say(f"{spec.base} with {asked.backend} on {found.target.name}: {longest}, the longest {of}")
    if outline is not None:
        minutes = "" if outline.minutes is None else f", about {outline.minutes:.0f} min"
        say(
            f"{outline.steps} steps, {outline.trained_tokens:,} trained tokens{minutes}, "
            f"{size_words(outline.disk_bytes)} of disk"
        )
    say(f"exporting it takes about {size_words(found.export_ram)} of memory")
    _offer(found)


def _offer(found: Fit) -> None:
    if found.fits:
        return
    if not found.nearest:
        say("no settings fit: take a smaller base")
        return
    say("nearest settings that fit:")
    for one in found.nearest:
        same = "the same result" if one.same else "another result"
        say(f"  {one.flags}  ({size_words(one.total)}, {same})")
