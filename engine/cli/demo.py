"""The verb ``demo``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.common import common_options, print_json, say, table
from engine.cli.main import open_app
from engine.cli.waiting import await_part
from engine.paths import demo_workspace, shell_path, shorten

if TYPE_CHECKING:
    from engine.demo.loop import Summary


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--headless", is_flag=True, help="Run the whole loop without a screen.")
@common_options
@click.pass_context
def demo(
    ctx: click.Context, folder: Path | None, headless: bool, workspace: Path | None, as_json: bool
) -> None:
    """Try finetui on bundled notes: in the app, or with --headless the whole loop by itself.

    FOLDER is the workspace it happens in; without it, one of your data folder.
    """
    place = folder or workspace or demo_workspace()
    if not headless:
        ctx.exit(open_app(ctx, place, make=True))
    from engine.demo.loop import run_headless

    for feature in ("base", "embeddings", "training", "export"):
        await_part(feature)
    summary = run_headless(place, say=(lambda line: click.echo(line, err=True)))
    if as_json:
        print_json({**asdict(summary), "improvement": summary.improvement})
    else:
        _print(summary)


def _print(summary: Summary) -> None:
    rows = [
        ("examples found", f"{summary.found:,}"),
        ("skipped, each with its reason", f"{summary.skipped:,}"),
        ("approved", f"{summary.approved:,}"),
        (
            "training / held-out examples",
            f"{summary.train_examples} / {summary.validation_examples}",
        ),
        ("trained tokens", f"{summary.trained_tokens:,}"),
        ("held-out loss of the base", f"{summary.base_eval_loss:.3f} nats a token"),
        (
            "held-out loss, tuned",
            f"{summary.tuned_eval_loss:.3f} nats a token ({-summary.improvement:+.1%})",
        ),
    ]
    for info in summary.exports:
        size = f"{info.tuned_bytes / 1e6:.0f} MB"
        rows.append((f"{info.quant} file, tuned", f"{size}  {shorten(info.tuned, 70)}"))
        rows.append((f"{info.quant} file, base", shorten(info.base, 70)))
    for answer in summary.answers:
        rows.append(
            (
                "tokens/s, base / tuned",
                f"{answer.base_timing.tokens_per_s:.1f} / {answer.tuned_timing.tokens_per_s:.1f}",
            )
        )
    rows.append(("run", shorten(summary.run_dir, 70)))
    rows.append(("workspace", shorten(summary.workspace, 70)))
    rows.append(("time", f"{sum(seconds for _, seconds in summary.seconds):.0f} s"))
    say("")
    table(("what", "result"), rows)
    for answer in summary.answers:
        say(f"\n> {answer.prompt}\n\nbase:  {answer.base}\n\ntuned: {answer.tuned}")
    say(f"\nOpen it: finetui --workspace {shell_path(summary.workspace)}   then 5 for the chat")
