"""Seeing an exported file work: it loads, splits text as the base does, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ExportError, TemplateError
from engine.models import Turn
from engine.serve import client
from engine.serve.pool import Worker
from engine.tokens import Tokenizer, prompt_ids

# Texts on which tokenizers of one name and two makes have differed.
PROBES = (
    "The 3 cats of 1999 paid 12,345.67 in total.",
    "În România, șapte fraţi țin la tradiție.",
    "東京の天気は晴れです。",
    "👩‍👩‍👧 🙂 naïve café",
    "def f(x):\n    return x  # twice\n\n\n",
    "line one\r\nline two\ttab   spaces ",
)
MAX_TOKENS = 48
_TEMPERATURE = 0.7
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Tried:
    """What a file did when it was tried.

    ``different`` are the probes that it splits otherwise than the base's tokenizer.
    """

    answer: str
    completion_tokens: int
    tokens_per_s: float
    ttft_s: float
    load_s: float
    different: tuple[str, ...]


def usable(
    tokenizer: Tokenizer, prompts: Sequence[tuple[Turn, ...]], context: int
) -> list[tuple[Turn, ...]]:
    """Return the first prompts that the template takes and the context has room for."""
    fitting = []
    for turns in prompts:
        try:
            length = len(prompt_ids(tokenizer, turns))
        except TemplateError:
            continue
        if length + MAX_TOKENS < context:
            fitting.append(turns)
        if len(fitting) == _TRIES:
            break
    return fitting or [(Turn("user", "What should I know about you?"),)]


def try_file(
    gguf: Path, tokenizer: Tokenizer, prompts: Sequence[tuple[Turn, ...]], *, context: int
) -> Tried:
    """Load a file in a worker of its own and ask it.

    Args:
        gguf: The file.
        tokenizer: The base's.
        prompts: Questions; the first is asked, the others where no answer comes.
        context: The context window in tokens.

    Raises:
        GgufDamaged: It can't be loaded.
        WorkerDied: The worker ended.
        ExportError: It makes other tokens of a conversation, or says nothing.
    """
    with Worker.start(gguf, context=context) as worker:
        return asyncio.run(_try(worker, tokenizer, prompts))


async def _try(worker: Worker, tokenizer: Tokenizer, prompts: Sequence[tuple[Turn, ...]]) -> Tried:
    different = [text for text in PROBES if await _ids(worker, text) != tokenizer.encode(text)]
    for turns in prompts:
        await _check_template(worker, tokenizer, turns)
    for seed, turns in enumerate(prompts):
        text, timing = "", None
        chunks = worker.stream(
            prompt_ids(tokenizer, turns),
            temperature=_TEMPERATURE,
            max_tokens=MAX_TOKENS,
            seed=seed,
            stop_ids=sorted(tokenizer.eos_ids),
        )
        async for chunk in chunks:
            text += chunk.text
            timing = chunk.timing or timing
        if text.strip() and timing is not None and timing.completion_tokens:
            return Tried(
                answer=text,
                completion_tokens=timing.completion_tokens,
                tokens_per_s=timing.tokens_per_s,
                ttft_s=timing.ttft_s,
                load_s=worker.load_s,
                different=tuple(different),
            )
    raise ExportError(
        f"{worker.gguf.name} loads but answers nothing to {len(prompts)} questions",
        hint="look at the run's loss and examples; a model trained on empty answers gives them",
    )


async def _ids(worker: Worker, text: str) -> list[int]:
    answer = await client.post(worker.url, "/tokenize", {"content": text}, bearer=worker.bearer)
    return [int(index) for index in answer["tokens"]]


async def _check_template(worker: Worker, tokenizer: Tokenizer, turns: tuple[Turn, ...]) -> None:
    """Raise unless the file makes the very tokens of a conversation that training did."""
    messages = [{"role": turn.role, "content": turn.content} for turn in tokenizer.prepared(turns)]
    answer = await client.post(
        worker.url, "/apply-template", {"messages": messages}, bearer=worker.bearer
    )
    theirs, ours = await _ids(worker, str(answer["prompt"])), list(prompt_ids(tokenizer, turns))
    if theirs != ours:
        at = next(
            (i for i, pair in enumerate(zip(theirs, ours, strict=False)) if pair[0] != pair[1]),
            min(len(theirs), len(ours)),
        )
        raise ExportError(
            f"{worker.gguf.name} makes other tokens of a conversation than training did, "
            f"from token {at} on: {theirs[at : at + 4]} for {ours[at : at + 4]}",
            hint="the model would hear another language than it was taught; please report the base",
        )
