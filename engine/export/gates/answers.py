"""The gate "answers": each file loads, takes the dataset's questions as trained, and answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import DatasetMissing, FinetuiError
from engine.export.files import forget
from engine.export.gates.model import Gate, GateInput
from engine.export.held_out import dataset_prompts
from engine.export.verify import PROBES, Tried, try_file, usable
from engine.models import Turn


def run(given: GateInput, report: Callable[[int, int], None]) -> Gate:
    """Load each file in a worker of its own and ask it a question of the dataset.

    Returns:
        The gate; ``figures`` has ``prompt``, and for ``tuned`` and ``base`` by quantisation the
        answer, its tokens, tokens per second, and seconds to load and to the first token.

    Raises:
        FinetuiError: A file does not load or answer.
    """
    prompts = usable(given.tokenizer, _questions(given), given.spec.context)
    sides: dict[str, dict[str, Any]] = {"tuned": {}, "base": {}}
    work = [("tuned", quant, path) for quant, path in given.tuned.items()]
    work += [("base", quant, path) for quant, path in given.base.items()]
    for done, (side, quant, path) in enumerate(work):
        report(done, len(work))
        given.job.check_stop()
        tried = _try(given, side, path, prompts)
        sides[side][quant] = _told(tried)
        _warn_of_tokens(given, side, quant, tried)
    count = len(work)
    return Gate(
        "answers",
        "passed",
        f"{count} file{'s' if count != 1 else ''} loaded and answered",
        figures={"prompt": prompts[0][-1].content, **sides},
    )


def _questions(given: GateInput) -> list[tuple[Turn, ...]]:
    try:
        return [prompt.turns for prompt in dataset_prompts(given.spec.run_dir)]
    except DatasetMissing:
        return []


def _try(given: GateInput, side: str, path: Path, prompts: list[tuple[Turn, ...]]) -> Tried:
    try:
        return try_file(path, given.tokenizer, prompts, context=given.spec.context)
    except FinetuiError:
        if side == "base":
            # A cached file that does not work must not be found again.
            forget(path)
        raise


def _told(tried: Tried) -> dict[str, Any]:
    return {
        "answer": tried.answer,
        "tokens": tried.completion_tokens,
        "tokens_per_s": round(tried.tokens_per_s, 2),
        "ttft_s": round(tried.ttft_s, 4),
        "load_s": round(tried.load_s, 3),
    }


def _warn_of_tokens(given: GateInput, side: str, quant: str, tried: Tried) -> None:
    if tried.different:
        given.job.warn(
            f"the {side} GGUF at {quant} splits {len(tried.different)} of {len(PROBES)} odd texts "
            f"otherwise than the model's own tokenizer, such as {tried.different[0]!r}; chats "
            "here send token ids and are not affected, other programs may be"
        )
