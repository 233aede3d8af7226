"""The same ids as the tools that models are made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models import Turn
from engine.tokens import Tokenizer, prompt_ids, render
from tests.support.texts import TEXTS

CONVERSATIONS = [
    [Turn("user", "Hi"), Turn("assistant", "Hello there.")],
    [Turn("system", "Be brief."), Turn("user", "Hi"), Turn("assistant", "Yes.")],
    [Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c\n\n"), Turn("assistant", "\nd")],
    *[[Turn("user", text), Turn("assistant", text)] for text in TEXTS],
]


@pytest.mark.slow
def test_ids_are_those_of_apply_chat_template(
    tiny_model_dir: Path, embedded_base_dir: Path
) -> None:
    from transformers import AutoTokenizer

    for folder in (tiny_model_dir, embedded_base_dir):
        theirs, ours = AutoTokenizer.from_pretrained(folder), Tokenizer.load(folder)
        for turns in CONVERSATIONS:
            messages = [{"role": turn.role, "content": turn.content} for turn in turns]
            whole = theirs.apply_chat_template(messages, return_dict=False)
            prompt = theirs.apply_chat_template(
                messages[:-1], add_generation_prompt=True, return_dict=False
            )
            assert list(prompt_ids(ours, turns[:-1])) == prompt
            rendered = render(ours, turns)
            if whole[: len(prompt)] != prompt:
                # The answer's first blank would be joined with the end of the prompt.
                answer = rendered.text[rendered.answers[-1].start :]
                whole = [*prompt, *theirs.encode(answer, add_special_tokens=False)]
            assert list(rendered.ids) == whole
            assert ours.decode(whole) == theirs.decode(whole)
        assert theirs.eos_token_id in ours.eos_ids
