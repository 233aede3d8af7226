"""The gate "stops": answers to held-out prompts end where llama.cpp stops, and don't loop."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import TemplateError
from engine.export.gates.children import child
from engine.export.gates.model import Gate, GateInput
from engine.export.gates.rows import HELD_OUT, Row, rows
from engine.export.gates.skip import Skipped
from engine.export.quants import QUANTS
from engine.paths import write_atomic
from engine.settings import GateSettings
from engine.text import inert
from engine.tokens import Tokenizer, prompt_ids, render

_LONGEST_PROMPT = 512
_SHORTEST_LIMIT = 48
_ROWS = 400

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the files are asked.

    Attributes:
        prompts: The prompts' ids.
        stops: The tokens that training taught to end an answer with.
        usual: The longest of the dataset's own answers to these, in tokens.
        limit: How many tokens an answer may take.
    """

    prompts: tuple[tuple[int, ...], ...]
    stops: tuple[int, ...]
    usual: int
    limit: int


def run(given: GateInput, report: Report) -> Gate:
    """Let the smallest tuned file answer held-out prompts, and the base's where it fails.

    Raises:
        Skipped: There is no held-out prompt, or all of its answers are longer than is waited.
        DatasetMissing: The dataset is gone.
        ExportError: A file can't be computed.
    """
    limits = given.spec.gates
    asked = _asked(given.tokenizer, rows(given.spec.run_dir, HELD_OUT), limits)
    quant = min(given.tuned, key=lambda name: QUANTS[name].bits)
    told = _ask(given, given.tuned[quant], asked, lambda a, b: report(a, 2 * b))
    base: Mapping[str, Any] | None = None
    if _unstopped(told) > limits.unstopped:
        base_file = given.base.get(quant, given.base_f16)
        base = _ask(given, base_file, asked, lambda a, b: report(a + b, 2 * b))
    return judge(given.tokenizer, quant, asked, told, base, limits)


def judge(
    tokenizer: Tokenizer,
    quant: str,
    asked: Asked,
    told: Mapping[str, Any],
    base: Mapping[str, Any] | None,
    limits: GateSettings,
) -> Gate:
    """Return the gate.

    It fails where llama.cpp does not stop at a token that training taught to stop with; and where
    more answers than allowed don't end and the base, asked the same, ends more of them.

    Args:
        tokenizer: The base's.
        quant: The quantisation that was asked.
        asked: What it was asked.
        told: What the child said of the tuned file.
        base: The same of the base's; None where it was not asked.
        limits: What the answers have to reach.
    """
    figures: dict[str, Any] = {
        "quant": quant,
        "limit_tokens": asked.limit,
        "longest_own_answer_tokens": asked.usual,
        "tuned": _ends(told),
    }
    if base is not None:
        figures["base"] = _ends(base)
    unknown = [t for t, ends in zip(asked.stops, told["ends"], strict=True) if not ends]
    if unknown:
        pieces = " ".join(repr(inert(tokenizer.token(token))) for token in unknown)
        return Gate(
            "stops",
            "failed",
            f"answers were trained to end with {pieces}, at which llama.cpp does not stop",
            "name it as eos_token in the base's tokenizer_config.json, or train with a chat "
            "template whose turns end with the base's own end",
            figures,
        )
    count = len(asked.prompts)
    open_ended = round(_unstopped(told) * count)
    says = (
        f"{count - open_ended} of {count} answers end within {asked.limit} tokens; "
        f"{_ends(told)['loop']} run into a loop"
    )
    if base is not None:
        ended = count - round(_unstopped(base) * count)
        says += f"; the base ends {ended}"
        if ended > count - open_ended:
            return Gate(
                "stops",
                "failed",
                says,
                "see whether the dataset's answers are cut at the longest length of the training, "
                "and train for fewer epochs or at a lower learning rate",
                figures,
            )
    return Gate("stops", "passed", says, figures=figures)


def _asked(tokenizer: Tokenizer, held_out: Iterable[Row], limits: GateSettings) -> Asked:
    prompts: list[tuple[int, ...]] = []
    lengths: list[int] = []
    shortest = 0
    stops = Counter[int]()
    for row in islice(held_out, _ROWS):
        try:
            ids = prompt_ids(tokenizer, row.turns[:-1])
            length, stop = _answer(tokenizer, row)
        except TemplateError:
            continue
        if stop is not None:
            stops[stop] += 1
        shortest = min(shortest or length, length)
        if len(ids) <= _LONGEST_PROMPT and 2 * length <= limits.answer_tokens:
            prompts.append(ids)
            lengths.append(length)
        if len(prompts) == limits.answers:
            break
    if shortest and not prompts:
        raise Skipped(
            f"held-out answers have {shortest} tokens and more, and {limits.answer_tokens} are "
            "waited for",
            hint=f"wait longer: gates.answer_tokens = {2 * shortest}",
        )
    if not prompts:
        raise Skipped(
            "the dataset has no held-out prompt",
            hint="freeze the dataset with a held-out split: finetui dataset freeze --help",
        )
    limit = min(limits.answer_tokens, max(_SHORTEST_LIMIT, 2 * max(lengths)))
    return Asked(tuple(prompts), tuple(sorted(stops)), max(lengths), limit)


def _answer(tokenizer: Tokenizer, row: Row) -> tuple[int, int | None]:
    """Return the length of a conversation's last answer, and the control token that ends it."""
    rendered = render(tokenizer, row.turns)
    start = rendered.answers[-1].start if rendered.answers else 0
    trained = [
        index
        for index, carries, (first, _) in zip(
            rendered.ids, rendered.trained, rendered.offsets, strict=True
        )
        if carries and first >= start
    ]
    ends = bool(trained) and trained[-1] in tokenizer.control_ids
    return len(trained), trained[-1] if ends else None


def _ask(given: GateInput, gguf: Path, asked: Asked, report: Report) -> Any:
    prompts = given.directory / ".gates-prompts.json"
    words = {"prompts": asked.prompts, "stops": asked.stops, "limit": asked.limit}
    write_atomic(prompts, json.dumps(words).encode())
    try:
        return child(given, "generate", [str(gguf), str(prompts)], gguf.name, report)
    finally:
        prompts.unlink(missing_ok=True)


def _ends(told: Mapping[str, Any]) -> dict[str, int]:
    answers: Sequence[Mapping[str, Any]] = told["answers"]
    counts = Counter(str(answer["end"]) for answer in answers)
    return {name: counts[name] for name in ("stop", "loop", "limit")}


def _unstopped(told: Mapping[str, Any]) -> float:
    answers = told["answers"]
    return float(np.mean([answer["end"] != "stop" for answer in answers]))
