"""``finetui dataset export``: a frozen dataset in the formats of other trainers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from engine import dataset as engine_dataset
from engine.cli.common import common_options, opened, print_json, say
from engine.dataset import FORMATS, ExportReport
from engine.dataset.formats import CONTAINERS, SPLITS, default_path
from engine.errors import DatasetMissing
from engine.workspace import Workspace

_MOST_SHOWN = 20


def _newest(space: Workspace, name: str) -> str:
    if name:
        return name
    found = engine_dataset.datasets(space)
    if not found:
        raise DatasetMissing(
            "there is no dataset yet", hint="make one with: finetui dataset freeze"
        )
    return found[-1].name


@click.command("export")
@click.argument("name", default="")
@click.option("--format", "format_", required=True, help=f"{', '.join(FORMATS)}.")
@click.option(
    "--out",
    default=None,
    type=click.Path(path_type=Path),
    help="A .jsonl or .parquet file for all rows, or a folder with a file for each split "
    "(default: a file in the workspace's exports folder).",
)
@click.option("--as", "container", default="", help=f"{', '.join(CONTAINERS)} (default: by --out).")
@click.option("--split", default="all", help=f"{', '.join(SPLITS)}.")
@click.option(
    "--system/--no-system", default=True, help="Write system messages, or leave them out."
)
@click.option(
    "--system-prompt",
    default="",
    help="Put before rows without a system message; with --no-system, in place of theirs.",
)
@click.option("--metadata", is_flag=True, help="Add where each row comes from.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@common_options
def export(
    name: str,
    format_: str,
    out: Path | None,
    container: str,
    split: str,
    system: bool,
    system_prompt: str,
    metadata: bool,
    force: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Write a dataset for other trainers; NAME is the newest one by default."""
    with opened(workspace) as space:
        dataset = _newest(space, name)
        target = out.expanduser() if out else default_path(space, dataset, format_, container)
        report = engine_dataset.export(
            space,
            dataset,
            format_,
            target,
            split=split,
            metadata=metadata,
            overwrite=force,
            container=container,
            system=system,
            system_prompt=system_prompt,
        )
    if as_json:
        print_json(
            {
                "files": {str(path): rows for path, rows in report.files.items()},
                "refused": [asdict(refusal) for refusal in report.refused],
                "notes": report.notes,
                "warnings": report.warnings,
            }
        )
        return
    _say(report)


def _say(report: ExportReport) -> None:
    for path, rows in report.files.items():
        say(f"{path}: {rows:,} rows")
    for note, count in report.notes.items():
        say(f"  {count:,} rows: {note}")
    for refusal in report.refused[:_MOST_SHOWN]:
        say(f"  left out {refusal.example_id}: {refusal.reason} [{refusal.code}]")
    more = len(report.refused) - _MOST_SHOWN
    if more > 0:
        say(f"  left out {more:,} more; all are named with --json")
    for warning in report.warnings:
        say(f"  warning: {warning}")
