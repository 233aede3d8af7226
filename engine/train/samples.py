"""Answers to fixed prompts, so that one sees the voice arrive while the loss falls.

They are the most likely tokens, one after the other (greedy): the same model always gives the same
answer, no random number is drawn, and a model that repeats itself is seen to.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.dataset import Row
from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens import Tokenizer, prompt_ids
from engine.train.setup import Setup
from engine.train.spec import TrainSpec

COUNT = 3
_POOL = 4  # one in four of the validation split's questions, the shortest, may be taken


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as a person reads it, and the ids after which the model writes its answer."""

    text: str
    ids: tuple[int, ...]


def choose_prompts(
    spec: TrainSpec, tokenizer: Tokenizer, validation: Sequence[Row], *, system: str = ""
) -> tuple[Prompt, ...]:
    """Return the prompts that a run answers at each evaluation.

    They are the spec's own, else three out of the shortest first questions of the validation
    split, chosen by the seed.

    Args:
        spec: The run's specification.
        tokenizer: The base's.
        validation: The validation split.
        system: The system message that the dataset was frozen with; put before the spec's prompts.
    """
    if not spec.sample_tokens:
        return ()
    if spec.sample_prompts:
        before = (Turn("system", system),) if system else ()
        wanted = [(*before, Turn("user", text)) for text in spec.sample_prompts]
        return tuple(_prompts(spec, tokenizer, wanted))
    found = _prompts(spec, tokenizer, [_before_answer(row) for row in validation])
    distinct = list({prompt.ids: prompt for prompt in found}.values())
    distinct.sort(key=lambda prompt: (len(prompt.ids), prompt.ids))
    pool = distinct[: max(COUNT, len(distinct) // _POOL)]
    chosen = random.Random(f"{spec.seed}/samples").sample(pool, min(COUNT, len(pool)))
    return tuple(sorted(chosen, key=lambda prompt: (len(prompt.ids), prompt.ids)))


def _before_answer(row: Row) -> tuple[Turn, ...]:
    for index, turn in enumerate(row.turns):
        if turn.role == "assistant":
            return row.turns[:index]
    return ()


def _prompts(
    spec: TrainSpec, tokenizer: Tokenizer, conversations: Sequence[tuple[Turn, ...]]
) -> list[Prompt]:
    """Return what can be asked: the template takes it, and an answer has room after it."""
    found = []
    for turns in conversations:
        if not turns or turns[-1].role != "user":
            continue
        try:
            ids = prompt_ids(tokenizer, turns)
        except TemplateError:
            continue
        if len(ids) + spec.sample_tokens <= spec.max_length:
            found.append(Prompt(turns[-1].content, ids))
    return found


def answer(setup: Setup, prompts: Sequence[Prompt]) -> list[str]:
    """Return a model's answers, all in one batch.

    Args:
        setup: The run; the model's mode is put back afterwards.
        prompts: At least one.

    Returns:
        The texts, in the order of the prompts, without the token that ends them.
    """
    import torch
    from transformers import GenerationConfig

    model, pad = setup.loaded.model, setup.pad_id
    longest = max(len(prompt.ids) for prompt in prompts)
    # Padded on the left, so that each answer follows its prompt.
    ids = [[*[pad] * (longest - len(prompt.ids)), *prompt.ids] for prompt in prompts]
    mask = [[0] * (longest - len(prompt.ids)) + [1] * len(prompt.ids) for prompt in prompts]
    config = GenerationConfig(
        max_new_tokens=setup.spec.sample_tokens,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        eos_token_id=sorted(setup.eos_ids) or None,
        pad_token_id=pad,
        use_cache=True,
    )
    with _answering(setup), torch.no_grad():
        made = model.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            generation_config=config,
        )
    return [_text(setup, row[longest:].tolist()) for row in made]


def _text(setup: Setup, ids: Sequence[int]) -> str:
    """Return an answer's text, up to the token that ends it."""
    end = next((at for at, index in enumerate(ids) if index in setup.eos_ids), len(ids))
    return str(setup.loaded.tokenizer.decode(ids[:end], skip_special_tokens=True))


@contextlib.contextmanager
def _answering(setup: Setup) -> Iterator[None]:
    """Put a model into the mode in which it answers, and back."""
    model: Any = setup.loaded.model
    # A model of text and images has it in a part of its configuration.
    training, cached = model.training, getattr(model.config, "use_cache", None)
    unsloth = setup.backend.name == "unsloth" and setup.device.cuda
    if unsloth:
        from unsloth import FastLanguageModel

        FastLanguageModel.for_inference(model)
    model.eval()  # which switches gradient checkpointing off, too
    try:
        yield
    finally:
        if unsloth:
            checkpointing = setup.spec.gradient_checkpointing
            FastLanguageModel.for_training(model, use_gradient_checkpointing=checkpointing)
        if cached is not None:
            model.config.use_cache = cached
        model.train(training)
