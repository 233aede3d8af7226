"""``finetui dataset freeze`` and ``finetui dataset leaks``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from engine import dataset as engine_dataset
from engine.bases import Base
from engine.cli.common import Progress, common_options, opened, print_json, say
from engine.cli.nearness import NEARNESS
from engine.cli.waiting import await_part
from engine.dataset import DatasetOptions, Frozen, LeakSummary, default_options
from engine.dataset.frozen import newest
from engine.errors import BaseMissing
from engine.models import FLAG_KINDS
from engine.settings import system_prompt_of
from engine.similarity import FLOOR, Nearness
from engine.workspace import Workspace

_BAR = 30

base_option = click.option(
    "--base", "base_name", default=None, help="The base model (default: the settings')."
)
length_option = click.option(
    "--max-length", type=click.IntRange(min=8), default=None, help="The longest row, in tokens."
)
_threshold_option = click.option(
    "--threshold",
    type=NEARNESS,
    default=None,
    help="From when on rows are near-duplicates: copies, paraphrases, or a similarity from "
    f"{FLOOR:g} to 1 (default: as set, or as frozen).",
)
_near_option = click.option(
    "--no-near", is_flag=True, help="Compare text alone, and compute no embeddings."
)
_FILE = click.Path(path_type=Path)


def base_for(workspace: Workspace, named: str | None, *, quiet: bool) -> Base | None:
    """Return the base to count tokens for; says so where that of the settings is missing."""

    def note(error: BaseMissing) -> None:
        if not quiet:
            click.echo(f"note: tokens are not counted: {error.message}; {error.hint}", err=True)

    return engine_dataset.base_of(workspace, named or "", missing=note)


@click.command("freeze")
@click.option("--name", default="", help="The dataset's name (default: d1, d2, …).")
@base_option
@click.option(
    "--validation-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="The share that is held out (default: the settings').",
)
@click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, max_open=True),
    default=None,
    help="The share that is held out for the end, in test.jsonl (default: none).",
)
@click.option(
    "--holdout",
    type=_FILE,
    multiple=True,
    help="A file of test rows: they are test.jsonl, and nothing like them is trained on.",
)
@click.option("--seed", type=int, default=None, help="The seed of the split.")
@click.option(
    "--fresh-split", is_flag=True, help="Divide anew, also what earlier datasets divided."
)
@click.option("--system-prompt", default=None, help="Put before rows without a system message.")
@length_option
@click.option(
    "--min-quality", type=click.FloatRange(0, 1), default=None, help="Leave out what is below."
)
@click.option(
    "--min-length",
    type=click.IntRange(min=0),
    default=None,
    help="Leave out shorter answers, in characters.",
)
@click.option("--language", "languages", multiple=True, help="Take only this language, such as ro.")
@click.option(
    "--exclude-flag",
    "exclude_flags",
    multiple=True,
    help=f"Leave out what has this flag: {', '.join(FLAG_KINDS)}, or kind:code.",
)
@click.option("--deduplicate", is_flag=True, help="Of near-duplicates, take one.", default=None)
@_near_option
@_threshold_option
@click.option(
    "--allow-secret",
    "allow_secrets",
    multiple=True,
    help="Let through what looks like a secret: its code, or an example's id.",
)
@click.option("--drop-refused", is_flag=True, help="Leave out what can't be trained on.")
@common_options
def freeze(
    name: str,
    base_name: str | None,
    no_near: bool,
    drop_refused: bool,
    workspace: Path | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Write the approved examples as a dataset that never changes."""
    with opened(workspace) as space:
        options = replace(
            default_options(space),
            near_duplicates="no" if no_near else "now",
            **{key: value for key, value in chosen.items() if value is not None},
        )
        if options.near_duplicates == "now" and space.store.counts().approved:
            # Without them a freeze compares the text alone; what is nearly there is waited for.
            await_part("embeddings", optional=True)
        frozen = engine_dataset.freeze(
            space,
            base=base_for(space, base_name, quiet=as_json),
            name=name,
            drop_refused=drop_refused,
            options=_with_home(options),
            progress=Progress("freezing", quiet=as_json),
        )
    if as_json:
        print_json({"directory": str(frozen.directory), "manifest": frozen.manifest})
        return
    _say_frozen(frozen)
    if chosen["system_prompt"] is None and options.system_prompt.strip():
        ours = system_prompt_of(space.root).strip() == options.system_prompt.strip()
        where = "the workspace's settings" if ours else "your settings"
        say(f"  system prompt   from {where}, put into rows without one:")
        say(f"                  {options.system_prompt.strip()}")


def _with_home(options: DatasetOptions) -> DatasetOptions:
    return replace(options, holdout=tuple(path.expanduser() for path in options.holdout))


def _say_frozen(frozen: Frozen) -> None:
    manifest = frozen.manifest
    counts, tokens, cut = manifest["counts"], manifest["tokens"], manifest.get("truncation")
    test = f", {frozen.test:,} for the end" if frozen.test else ""
    say(f"{frozen.name}: {frozen.train:,} rows to train on, {frozen.validation:,} held out{test}")
    if tokens:
        say(f"  trained tokens  {tokens['train']['trained']:,}")
    if counts["duplicates"]:
        say(f"  copies left out {counts['duplicates']:,}")
    for filter_, count in counts.get("left_out", {}).items():
        say(f"  left out        {count:,} ({filter_.replace('_', ' ')})")
    for code, count in counts["refused"].items():
        say(f"  refused         {count:,} ({code})")
    if cut and cut["rows"]:
        say(
            f"  cut off         {cut['rows']:,} rows: {cut['tokens']:,} tokens, "
            f"{cut['trained']:,} of them trained"
        )
    for summary in frozen.leak:
        say(f"  leaks           {leak_line(summary)}")
    for notice in frozen.notices:
        say(f"  note            {notice.message} [{notice.code}]")
    say(f"  folder          {frozen.directory}")


@click.command("leaks")
@click.argument("name", default="")
@click.option("--now", is_flag=True, help="Measure what would be frozen now, not a dataset.")
@click.option(
    "--against", type=_FILE, multiple=True, help="A test file, in place of the dataset's own."
)
@_threshold_option
@_near_option
@click.option(
    "--worst", type=click.IntRange(min=0), default=5, help="How many pairs are named (5)."
)
@common_options
def leaks(
    name: str,
    now: bool,
    against: Sequence[Path],
    threshold: Nearness | None,
    no_near: bool,
    worst: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Measure how near held-out rows are to those trained on; NAME is the newest by default."""
    if now and (name or against):
        raise click.UsageError("--now takes neither a NAME nor --against")
    with opened(workspace) as space:
        measured: dict[str, Any] = {
            "threshold": threshold,
            "model": space.settings.check.embedding_model,
            "near": not no_near,
            "worst": worst,
            "progress": Progress("comparing", quiet=as_json),
        }
        if now:
            made = engine_dataset.draft(space, base=None, options=default_options(space))
            found = engine_dataset.leaks_of_draft(made, **measured)
        else:
            files = [path.expanduser() for path in against]
            found = engine_dataset.leaks(space, newest(space, name), against=files, **measured)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for summary in found:
        _say_leak(summary)


def leak_line(one: LeakSummary) -> str:
    """Return how a side leaks, in a line."""
    how = "" if one.measured else "; only text was compared"
    return f"{one.leaking:,} of {one.rows:,} {one.side} rows, nearest at {one.highest:.2f}{how}"


def _say_leak(one: LeakSummary) -> None:
    say(f"{one.side}: {one.rows:,} rows against those that are trained on")
    if not one.measured:
        say(f"  only text was compared: {one.reason}")
    say(f"  equal but for spelling      {one.equal:,}")
    name = f" ({one.level})" if one.level else ""
    say(f"  near-duplicates, {one.threshold:g} and up {one.over:,}{name}")
    say(f"  long answers alike          {one.answers_over:,}")
    say(f"  nearest row: half below {one.median:.2f}, nine in ten below {one.high:.2f}, "
        f"highest {one.highest:.2f}")  # fmt: skip
    most = max((*one.bins, 1))
    for place, count in enumerate(one.bins):
        bar = "█" * -(-_BAR * count // most)
        say(f"  {place / 10:.1f} to {place / 10 + 0.1:.1f}  {bar} {count:,}")
    for pair in one.worst:
        say(f"  {pair.similarity:.2f}  {pair.held_out}  is near  {pair.train}")
