"""``finetui dataset``: freeze, list, export, describe and preview."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from engine import dataset as engine_dataset
from engine.bases import Base, resolve
from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.dataset import DatasetOptions, DatasetStats, default_options, row_of
from engine.errors import BaseMissing, DatasetMissing
from engine.tokens import Tokenizer, control_tokens_in_content, render, segments
from engine.workspace import Workspace

_BAR = 30
_MARKS = {"trained": "⟦{}⟧", "masked": "{}", "cut": "⟨cut: {}⟩"}


@click.group()
def dataset() -> None:
    """Freeze, export, preview and describe datasets."""


def _base(workspace: Workspace, named: str | None, *, quiet: bool) -> Base | None:
    """Return the base to count tokens for; the settings' one need not be here."""
    if named is not None:
        return resolve(named)
    try:
        return resolve(workspace.settings.training.base)
    except BaseMissing as error:
        if not quiet:
            click.echo(f"note: tokens are not counted: {error.message}; {error.hint}", err=True)
        return None


_base_option = click.option(
    "--base", "base_name", default=None, help="The base model (default: the settings')."
)
_length_option = click.option(
    "--max-length", type=click.IntRange(min=8), default=None, help="The longest row, in tokens."
)


@dataset.command("freeze")
@click.option("--name", default="", help="The dataset's name (default: d1, d2, …).")
@_base_option
@click.option(
    "--validation-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="The share that is held out (default: the settings').",
)
@click.option("--seed", type=int, default=None, help="The seed of the split.")
@click.option("--system-prompt", default=None, help="Put before rows without a system message.")
@_length_option
@click.option("--drop-refused", is_flag=True, help="Leave out what can't be trained on.")
@common_options
def freeze(
    name: str,
    base_name: str | None,
    validation_fraction: float | None,
    seed: int | None,
    system_prompt: str | None,
    max_length: int | None,
    drop_refused: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Write the approved examples as a dataset that never changes."""
    with opened(workspace) as space:
        frozen = engine_dataset.freeze(
            space,
            base=_base(space, base_name, quiet=as_json),
            validation_fraction=validation_fraction,
            seed=seed,
            system_prompt=system_prompt,
            max_length=max_length,
            name=name,
            drop_refused=drop_refused,
            progress=Progress("checking", quiet=as_json),
        )
    if as_json:
        print_json({"directory": str(frozen.directory), "manifest": frozen.manifest})
        return
    counts, tokens = frozen.manifest["counts"], frozen.manifest["tokens"]
    say(f"{frozen.name}: {frozen.train:,} rows to train on, {frozen.validation:,} held out")
    if tokens:
        say(f"  trained tokens  {tokens['train']['trained']:,}")
    if counts["duplicates"]:
        say(f"  copies left out {counts['duplicates']:,}")
    for code, count in counts["refused"].items():
        say(f"  refused         {count:,} ({code})")
    say(f"  folder          {frozen.directory}")


@dataset.command("list")
@common_options
def list_datasets(workspace: Path | None, as_json: bool) -> None:
    """List the frozen datasets, oldest first."""
    with opened(workspace) as space:
        found = engine_dataset.datasets(space)
    if as_json:
        print_json([asdict(info) for info in found])
        return
    if not found:
        say("no dataset yet; make one with: finetui dataset freeze")
        return
    rows = [
        (
            info.name,
            info.train,
            info.validation,
            info.trained_tokens,
            info.base or "-",
            datetime.fromtimestamp(info.frozen_at).strftime("%Y-%m-%d %H:%M"),
        )
        for info in found
    ]
    table(("name", "train", "held out", "trained tokens", "base", "frozen"), rows)


def _newest(space: Workspace, name: str) -> str:
    if name:
        return name
    found = engine_dataset.datasets(space)
    if not found:
        raise DatasetMissing(
            "there is no dataset yet", hint="make one with: finetui dataset freeze"
        )
    return found[-1].name


@dataset.command("export")
@click.argument("name", default="")
@click.option("--format", "format_", required=True, help="chat, instruction or completion.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="A .jsonl file for all rows, or a folder for train.jsonl and validation.jsonl.",
)
@click.option("--split", default="all", help="all, train or validation.")
@click.option("--metadata", is_flag=True, help="Add where each row comes from.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@common_options
def export(
    name: str,
    format_: str,
    out: Path,
    split: str,
    metadata: bool,
    force: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Write a dataset for other trainers; NAME is the newest one by default."""
    with opened(workspace) as space:
        report = engine_dataset.export(
            space,
            _newest(space, name),
            format_,
            out.expanduser(),
            split=split,
            metadata=metadata,
            overwrite=force,
        )
    if as_json:
        print_json(
            {
                "files": {str(path): rows for path, rows in report.files.items()},
                "refused": [asdict(refusal) for refusal in report.refused],
                "notes": report.notes,
            }
        )
        return
    for path, rows in report.files.items():
        say(f"{path}: {rows:,} rows")
    for note, count in report.notes.items():
        say(f"  {count:,} rows: {note}")
    for refusal in report.refused:
        say(f"  left out {refusal.example_id}: {refusal.reason} [{refusal.code}]")


@dataset.command("stats")
@click.argument("name", default="")
@_base_option
@_length_option
@common_options
def stats(
    name: str, base_name: str | None, max_length: int | None, workspace: Path | None, as_json: bool
) -> None:
    """Describe a dataset; without NAME, the approved examples as they are now."""
    with opened(workspace) as space:
        options: DatasetOptions | None = None
        if max_length is not None:
            fields = asdict(default_options(space)) | {"max_length": max_length}
            options = DatasetOptions(**fields)
        found = engine_dataset.stats(
            space, name, base=_base(space, base_name, quiet=as_json), options=options
        )
    if as_json:
        print_json(asdict(found) | {"rows": found.rows})
        return
    _say_stats(found)


def _say_stats(found: DatasetStats) -> None:
    say(f"{found.name or 'approved examples, not frozen yet'}")
    say(f"  rows            {found.rows:,}: {found.train:,} train, {found.validation:,} held out")
    say(f"  question        {found.question_chars:,.0f} characters on average")
    say(f"  answer          {found.answer_chars:,.0f} characters on average")
    if found.unit == "tokens":
        say(f"  row             {found.row_tokens:,.0f} tokens on average")
        say(f"  longest row     {found.longest_tokens:,} tokens; {found.truncated:,} rows cut")
        say(f"  trained tokens  {found.trained_tokens:,}, and {found.held_out_tokens:,} held out")
    if found.duplicates:
        say(f"  copies left out {found.duplicates:,}")
    for code, count in found.refused.items():
        say(f"  refused         {count:,} ({code})")
    say(f"  kinds           {_counted(found.kinds)}")
    if found.tags:
        say(f"  tags            {_counted(found.tags)}")
    say(f"  rows by length, in {found.unit}")
    most = max((one.count for one in found.histogram), default=1)
    for one in found.histogram:
        bar = "█" * (-(-_BAR * one.count // most))
        say(f"  {one.low:>7,} to {one.high - 1:>7,}  {bar} {one.count:,}")


def _counted(counts: Any, most: int = 12) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:most]]
    return ", ".join(shown) + (", …" if len(counts) > most else "")


@dataset.command("preview")
@click.argument("example_id")
@_base_option
@_length_option
@common_options
def preview(
    example_id: str,
    base_name: str | None,
    max_length: int | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Show an example as the model sees it; what is trained stands in ⟦ ⟧."""
    with opened(workspace) as space:
        card = space.store.card(example_id)
        row = row_of(card, space.settings.dataset.system_prompt)
        base = resolve(base_name or space.settings.training.base)
    tokenizer = Tokenizer.load(base.directory)
    rendered = render(tokenizer, row.turns, max_length=max_length)
    control = control_tokens_in_content(tokenizer, row.turns)
    parts = segments(rendered)
    if as_json:
        print_json(
            {
                "id": row.id,
                "base": base.name,
                "tokens": len(rendered.ids),
                "trained": rendered.trained_count,
                "truncated": rendered.truncated,
                "control_tokens": control,
                "segments": [asdict(part) for part in parts],
                "ids": rendered.ids,
                "labels": rendered.labels,
            }
        )
        return
    say("".join(_MARKS[part.kind].format(part.text) for part in parts).rstrip("\n"))
    say()
    cut = f", {rendered.truncated:,} cut off" if rendered.truncated else ""
    say(
        f"{len(rendered.ids):,} tokens of {base.name}, "
        f"{rendered.trained_count:,} trained (in ⟦ ⟧){cut}"
    )
    if control:
        say(f"its own text holds control tokens, so a freeze refuses it: {', '.join(control)}")
