"""``finetui dataset``: freeze, list, describe, measure leaks, export and preview."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from engine import dataset as engine_dataset
from engine.cli.common import common_options, opened, print_json, say, table
from engine.cli.dataset_export import export
from engine.cli.dataset_freeze import base_for, base_option, freeze, leak_line, leaks, length_option
from engine.cli.preview import preview
from engine.dataset import (
    DatasetOptions,
    DatasetStats,
    Overview,
    Truncation,
    default_options,
)

_BAR = 30
_MOST_CUTS = 10


@click.group()
def dataset() -> None:
    """Freeze, describe, check, export and preview datasets."""


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


@dataset.command("stats")
@click.argument("name", default="")
@base_option
@length_option
@common_options
def stats(
    name: str, base_name: str | None, max_length: int | None, workspace: Path | None, as_json: bool
) -> None:
    """Describe a dataset; without NAME, the approved examples as they are now."""
    with opened(workspace) as space:
        options: DatasetOptions | None = None
        if max_length is not None:
            options = replace(default_options(space), max_length=max_length)
        base = base_for(space, base_name, quiet=as_json)
        if name:
            found = engine_dataset.stats(space, name, base=base, options=options)
            cut = None
        else:
            found, cut = _now(engine_dataset.overview(space, base=base, options=options))
    if as_json:
        print_json(asdict(found) | {"rows": found.rows, "truncation": cut and asdict(cut)})
        return
    _say_stats(found)
    if cut is not None and not found.cuts:
        rows = f"{len(cut.cuts):,} rows would lose {sum(one.trained for one in cut.cuts):,}"
        say(f"  at a max length of {cut.limit:,} tokens {rows} trained tokens")


def _now(found: Overview) -> tuple[DatasetStats, Truncation | None]:
    """Return the numbers of what would be frozen now, or raise why nothing can be."""
    if found.stats is None:
        assert found.error is not None
        raise found.error
    return found.stats, found.truncation


def _say_stats(found: DatasetStats) -> None:
    say(f"{found.name or 'approved examples, not frozen yet'}")
    test = f", {found.test:,} for the end" if found.test else ""
    held_out = f"{found.train:,} train, {found.validation:,} held out{test}"
    say(f"  rows            {found.rows:,}: {held_out}")
    if found.groups:
        say(f"  groups          {found.groups:,}, the largest of {found.largest_group:,} rows")
    say(f"  question        {found.question_chars:,.0f} characters on average")
    say(f"  answer          {found.answer_chars:,.0f} characters on average")
    if found.unit == "tokens":
        say(f"  row             {found.row_tokens:,.0f} tokens on average")
        cut = f"{found.truncated:,} rows cut"
        if found.truncated:
            cut += f": {found.truncated_tokens:,} tokens, {found.lost_tokens:,} of them trained"
        say(f"  longest row     {found.longest_tokens:,} tokens; {cut}")
        say(f"  trained tokens  {found.trained_tokens:,}, and {found.held_out_tokens:,} held out")
    if found.duplicates:
        say(f"  copies left out {found.duplicates:,}")
    for code, count in found.refused.items():
        say(f"  refused         {count:,} ({code})")
    for filter_, count in found.left_out.items():
        say(f"  left out        {count:,} ({filter_.replace('_', ' ')})")
    if any(found.languages):
        known = {name or "not known": count for name, count in found.languages.items()}
        say(f"  languages       {_counted(known)}")
    for label, counts in (
        ("kinds", found.kinds),
        ("tags", found.tags),
        ("sources", found.sources),
        ("flags", found.flags),
    ):
        if counts:
            say(f"  {label:<15} {_counted(counts)}")
    if found.quality:
        tenths = {f"{bar.low / 100:.1f} and up": bar.count for bar in found.quality if bar.count}
        say(f"  quality         {_counted(tenths)}")
    for cut_row in found.cuts[:_MOST_CUTS]:
        say(
            f"  cut off         {cut_row.example_id}: {cut_row.tokens:,} tokens, "
            f"{cut_row.trained:,} of them trained"
        )
    if len(found.cuts) > _MOST_CUTS:
        say(f"  cut off         {len(found.cuts) - _MOST_CUTS:,} rows more")
    for summary in found.leak:
        say(f"  leaks           {leak_line(summary)}")
    for notice in found.notices:
        say(f"  note            {notice.message} [{notice.code}]")
    say(f"  rows by length, in {found.unit}")
    most = max((one.count for one in found.histogram), default=1)
    for one in found.histogram:
        bar = "█" * (-(-_BAR * one.count // most))
        say(f"  {one.low:>7,} to {one.high - 1:>7,}  {bar} {one.count:,}")


def _counted(counts: Any, most: int = 12) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:most]]
    return ", ".join(shown) + (", …" if len(counts) > most else "")


for _verb in (freeze, leaks, export, preview):
    dataset.add_command(_verb)
