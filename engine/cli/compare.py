"""The verbs ``compare`` and ``votes``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from engine.cli.asking import system_options, weights_option
from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.cli.waiting import patiently
from engine.evaluate.blind import take_back as take_back_vote
from engine.evaluate.compare import compare as compare_run
from engine.evaluate.sharing import Weights
from engine.evaluate.tally import Tally, tally
from engine.paths import shorten
from engine.runs import find
from engine.text import inert


@click.command()
@click.argument("run")
@click.option(
    "--prompts",
    type=click.Path(path_type=Path),
    required=True,
    help="A text file with a prompt a line, or JSONL with prompt or messages.",
)
@click.option("--quant", default="", help="The quantisation (default: the newest export).")
@click.option("--seed", default=0, show_default=True, help="The seed of the first prompt.")
@click.option("--temperature", type=click.FloatRange(0, 2), default=None, help="0 is greedy.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=None, help="Longest answer.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="The report's folder.")
@weights_option
@system_options
@common_options
def compare(
    run: str,
    prompts: Path,
    quant: str,
    seed: int,
    temperature: float | None,
    max_tokens: int | None,
    out: Path | None,
    system: str | None,
    weights: Weights | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Ask base and tuned model a file of prompts and write a report.

    Prompts carry the system prompt that the run's dataset was frozen with; rows of messages
    are asked as they are.

    RUN is an id, a part of one that only it begins or ends with, or "last".
    """
    with opened(workspace) as here:
        result = patiently(
            "chat",
            lambda: compare_run(
                here,
                run,
                prompts,
                quant=quant,
                seed=seed,
                temperature=temperature,
                max_tokens=max_tokens,
                system=system,
                weights=weights,
                out=out,
                progress=Progress("asking", quiet=as_json),
            ),
        )
    summary = result.summary()
    if as_json:
        files = {"markdown": str(result.markdown), "json": str(result.json)}
        print_json(
            {
                "run": result.run_id,
                "quant": result.quant,
                "weights": result.weights,
                "system": result.system,
                "summary": summary,
                **files,
            }
        )
        return
    table(
        ["", "answers", "failed", "tokens", "first token s", "tokens/s"],
        [
            [
                side,
                int(means["answers"]),
                int(means["failed"]),
                round(means["mean_tokens"], 1),
                round(means["mean_ttft_s"], 2),
                round(means["mean_tokens_per_s"], 1),
            ]
            for side, means in summary.items()
        ],
    )
    say(f"report: {shorten(result.markdown, 90)}")


@click.command()
@click.argument("run", required=False, default="")
@click.option("--all", "every", is_flag=True, help="Count votes with open sides, too.")
@click.option("--take-back", is_flag=True, help="Take back the last vote before counting.")
@common_options
def votes(run: str, every: bool, take_back: bool, workspace: Path | None, as_json: bool) -> None:
    """Say what the blind votes on a run, or on all runs, amount to."""
    with opened(workspace) as here:
        run_id = find(here, run).id if run else ""
        taken = take_back_vote(here.store, run_id) if take_back else None
        given = here.store.votes(run_id)
    counted = tally(given, blind_only=not every)
    if as_json:
        told = {"taken_back": taken.id if taken else None} if take_back else {}
        print_json({"run": run_id, **asdict(counted), "share": counted.share, **told})
        return
    if taken is not None:
        say(f"taken back: {taken.choice} on “{fit_line(taken.prompt)}”")
    elif take_back:
        say("no vote to take back")
    say(tally_line(counted))


def fit_line(text: str, most: int = 60) -> str:
    """Return foreign text inert, on one line, and not too long."""
    line = " ".join(inert(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def tally_line(counted: Tally) -> str:
    """Return a tally as one line."""
    if not counted.total:
        return "no votes yet; judge blind with: finetui chat RUN --blind"
    words = (
        f"tuned won {counted.tuned}, lost {counted.base}, tied {counted.ties}, "
        f"both bad {counted.both_bad}"
    )
    if counted.share is None:
        return words
    return (
        f"{words}; tuned wins {counted.share:.0%} of the untied "
        f"({counted.low:.0%} to {counted.high:.0%} at 95%)"
    )
