"""Base against tuned on a file of prompts: what both say, in a report."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import EvaluateError
from engine.evaluate.pair import SIDES, Pair, Side
from engine.evaluate.sharing import Weights
from engine.evaluate.system import System, frozen_system
from engine.export.held_out import turns_of
from engine.models import Turn
from engine.modes import hand_over
from engine.paths import shorten, write_atomic
from engine.runs import find
from engine.serve.client import Timing
from engine.text import inert
from engine.workspace import Workspace

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side said; ``error`` is empty unless it failed."""

    text: str
    reason: str = ""
    timing: Timing | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt and what both sides said to it, with the same seed."""

    turns: tuple[Turn, ...]
    seed: int
    answers: Mapping[Side, Answer]
    reference: str = ""

    @property
    def prompt(self) -> str:
        """The question alone."""
        return self.turns[-1].content


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finished comparison and where its report lies.

    ``system`` is the system prompt that prompts without messages were asked with, ``weights``
    whether the exported "files" answered, or the adapter over "shared" weights.
    """

    run_id: str
    quant: str
    temperature: float
    max_tokens: int
    at: float
    rows: tuple[Row, ...]
    markdown: Path
    json: Path
    system: str = ""
    weights: str = "files"

    def summary(self) -> dict[str, dict[str, float]]:
        """Return for each side its answers, failures, and means over the answers."""
        return {side: _means([row.answers[side] for row in self.rows]) for side in SIDES}


@dataclass(frozen=True, slots=True)
class FilePrompt:
    """A prompt out of a file; ``reference`` is an answer that stood there, else empty.

    ``bare`` says that it is a question alone, which the run's system prompt is put before.
    """

    turns: tuple[Turn, ...]
    reference: str = ""
    bare: bool = False

    def behind(self, system: System) -> tuple[Turn, ...]:
        """Return the turns that are asked."""
        return system.opening(self.turns[-1].content) if self.bare else self.turns


def read_prompts(path: Path) -> list[FilePrompt]:
    """Read prompts from a file.

    A ``.jsonl`` file has an object a line, with ``prompt`` (text) or ``messages`` (a final
    answer in them is the reference); any other has a prompt a line. Empty lines are skipped.

    Raises:
        EvaluateError: The file can't be read, has no prompt, or has a line that is none.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluateError(
            f"{shorten(path)} can't be read: {error}", hint="give a UTF-8 text or JSONL file"
        ) from error
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise EvaluateError(f"{shorten(path)} has no prompts", hint="write one a line")
    if path.suffix == ".jsonl":
        return [_json_prompt(path, number, line) for number, line in rows]
    return [FilePrompt((Turn("user", line.strip()),), bare=True) for _, line in rows]


def _json_prompt(path: Path, number: int, line: str) -> FilePrompt:
    where = f"{shorten(path)} line {number}"
    hint = 'each line is {"prompt": "…"} or {"messages": [{"role": "user", "content": "…"}]}'
    try:
        row = json.loads(line)
    except ValueError as error:
        raise EvaluateError(f"{where} is not JSON: {error}", hint=hint) from error
    prompt = row.get("prompt") if isinstance(row, dict) else None
    if isinstance(prompt, str) and prompt.strip():
        return FilePrompt((Turn("user", prompt),), bare=True)
    turns = turns_of(row.get("messages")) if isinstance(row, dict) else ()
    reference = ""
    if turns and turns[-1].role == "assistant":
        turns, reference = turns[:-1], turns[-1].content
    if not turns or turns[-1].role not in ("user", "tool"):
        raise EvaluateError(f"{where} has no question", hint=hint)
    return FilePrompt(turns, reference)


def compare(
    workspace: Workspace,
    run_id: str,
    prompts: Path,
    *,
    quant: str = "",
    seed: int = 0,
    temperature: float | None = None,
    max_tokens: int | None = None,
    system: str | None = None,
    weights: Weights | None = None,
    out: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Comparison:
    """Ask base and tuned model everything in a file and write a report.

    Blocks until all is answered. Prompt n is asked with seed ``seed + n`` on both sides.

    Args:
        workspace: Where the run is.
        run_id: The run, or a prefix of its id.
        prompts: The file; see :func:`read_prompts`.
        quant: The quantisation; empty takes the newest export.
        seed: The seed of the first prompt.
        temperature: Sampling temperature; None takes the setting.
        max_tokens: The longest answer; None takes the setting.
        system: The system prompt of prompts without messages: empty for none; None takes the
            one that the run's dataset was frozen with.
        weights: Whether both sides share the base's weights; None takes the setting.
        out: The report's folder; None takes one in the run's.
        progress: Told prompts done and in total.

    Raises:
        EvaluateError: The file holds no prompts.
        RunMissing: There is no such run.
        RunUnfinished: The run has no such export.
    """
    asked = read_prompts(prompts)
    run = find(workspace, run_id)
    chat = workspace.settings.chat
    heat = chat.temperature if temperature is None else temperature
    longest = chat.max_tokens if max_tokens is None else max_tokens
    behind = System(frozen_system(run.dir), system)
    with Pair.open(workspace, run.id, quant, weights) as pair:
        rows = []
        for number, prompt in enumerate(asked):
            progress(number, len(asked))
            turns = prompt.behind(behind)
            answers = asyncio.run(_ask(pair, turns, seed + number, heat, longest))
            rows.append(Row(turns, seed + number, answers, prompt.reference))
            pair.revive()
        progress(len(asked), len(asked))
        chosen, loaded = pair.quant, pair.weights
    folder = out or run.dir / "comparisons" / f"{prompts.stem}-{chosen}"
    comparison = Comparison(
        run_id=run.id,
        quant=chosen,
        temperature=heat,
        max_tokens=longest,
        at=time.time(),
        rows=tuple(rows),
        markdown=folder / "report.md",
        json=folder / "report.json",
        system=behind.text,
        weights=loaded,
    )
    fresh = not folder.exists()
    write_atomic(comparison.json, as_json(comparison).encode())
    write_atomic(comparison.markdown, as_markdown(comparison).encode())
    for path in (folder, *folder.iterdir()) if fresh else (comparison.json, comparison.markdown):
        hand_over(path)
    return comparison


async def _ask(
    pair: Pair, turns: Sequence[Turn], seed: int, temperature: float, max_tokens: int
) -> dict[Side, Answer]:
    texts: dict[Side, str] = dict.fromkeys(SIDES, "")
    answers: dict[Side, Answer] = {}
    async for chunk in pair.ask(turns, seed=seed, temperature=temperature, max_tokens=max_tokens):
        texts[chunk.side] += chunk.text
        if chunk.done:
            error = chunk.error.message if chunk.error else ""
            answers[chunk.side] = Answer(texts[chunk.side], chunk.reason, chunk.timing, error)
    return answers


def _means(answers: Sequence[Answer]) -> dict[str, float]:
    timings = [answer.timing for answer in answers if answer.timing is not None]
    rates = [timing.tokens_per_s for timing in timings if timing.tokens_per_s]
    return {
        "answers": len(timings),
        "failed": sum(bool(answer.error) for answer in answers),
        "mean_tokens": _mean([timing.completion_tokens for timing in timings]),
        "mean_ttft_s": _mean([timing.ttft_s for timing in timings]),
        "mean_tokens_per_s": _mean(rates),
        "cut_at_max_tokens": sum(answer.reason == "length" for answer in answers),
    }


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def as_json(comparison: Comparison) -> str:
    """Return a comparison as JSON text."""
    rows = [
        {
            "messages": [asdict(turn) for turn in row.turns],
            "reference": row.reference,
            "seed": row.seed,
            **{side: asdict(row.answers[side]) for side in SIDES},
        }
        for row in comparison.rows
    ]
    document = {
        "v": 1,
        "run": comparison.run_id,
        "quant": comparison.quant,
        "temperature": comparison.temperature,
        "max_tokens": comparison.max_tokens,
        "system": comparison.system,
        "weights": comparison.weights,
        "at": comparison.at,
        "summary": comparison.summary(),
        "rows": rows,
    }
    # Escaped beyond ASCII, since an answer may hold half of a surrogate pair.
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"


def as_markdown(comparison: Comparison) -> str:
    """Return a comparison as Markdown; what models and people wrote stands in code blocks."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(comparison.at))
    lines = [
        f"# Base against tuned: run {comparison.run_id}",
        "",
        f"{len(comparison.rows)} prompts at {comparison.quant}, temperature "
        f"{comparison.temperature:g}, at most {comparison.max_tokens} tokens, {when}. Both sides "
        "got the same tokens and the same seed.",
        "",
        *_shared_lines(comparison.weights),
        *_system_lines(comparison.system),
        "| | answers | failed | mean tokens | cut | first token | tokens/s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for side, means in comparison.summary().items():
        lines.append(
            f"| {side} | {means['answers']:.0f} | {means['failed']:.0f} "
            f"| {means['mean_tokens']:.1f} | {means['cut_at_max_tokens']:.0f} "
            f"| {means['mean_ttft_s']:.2f} s | {means['mean_tokens_per_s']:.1f} |"
        )
    for number, row in enumerate(comparison.rows, 1):
        lines += ["", f"## {number}", "", *_block(row.prompt)]
        if row.reference:
            lines += ["", "what was written", "", *_block(row.reference)]
        for side in SIDES:
            answer = row.answers[side]
            lines += ["", f"**{side}** {_figures(answer)}", "", *_block(answer.text)]
    return "\n".join(lines) + "\n"


def _shared_lines(weights: str) -> list[str]:
    if weights != "shared":
        return []
    return ["The tuned side was the adapter over the base, not the exported file.", ""]


def _system_lines(system: str) -> list[str]:
    return (
        ["Prompts were asked with this system prompt:", "", *_block(system), ""] if system else []
    )


def _figures(answer: Answer) -> str:
    if answer.timing is None:
        return f"(failed: {inert(answer.error)})"
    timing = answer.timing
    return (
        f"({timing.completion_tokens} tokens, first after {timing.ttft_s:.2f} s, "
        f"{timing.tokens_per_s:.1f} tokens/s)"
    )


def _block(text: str) -> list[str]:
    """Return text as a code block whose fence does not occur in it."""
    shown = inert(text)
    fence = "```"
    while fence in shown:
        fence += "`"
    return [f"{fence}text", shown, fence]
