"""How the transformers engine draws tokens and makes text of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.serve.engines.folder import Choice, Text
from engine.serve.protocol import Sampling
from tests.support.tiny_model import make_tokenizer


def sampling(**how: Any) -> Sampling:
    given = {"max_tokens": 1, "temperature": 1.0, "seed": 0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    return Sampling(**(given | how))


@pytest.mark.parametrize(
    "how",
    [
        {"top_k": 5},
        {"top_p": 0.5},
        {"top_p": 0.9, "top_k": 20},
        {"min_p": 0.2},
        {"top_k": 30, "top_p": 0.95, "min_p": 0.05},
        {"top_k": 10_000},
    ],
)
def test_candidates_are_those_of_transformers(how: dict[str, Any]) -> None:
    import torch
    from transformers.generation import logits_process as warpers

    logits = torch.randn(200, generator=torch.Generator().manual_seed(3)) * 2
    scores = logits[None]
    for name, warper in (
        ("top_k", warpers.TopKLogitsWarper),
        ("top_p", warpers.TopPLogitsWarper),
        ("min_p", warpers.MinPLogitsWarper),
    ):
        if name in how:
            scores = warper(how[name])(None, scores)
    indices, weights = Choice(sampling(**how), None).candidates(logits)
    expected = scores[0].softmax(-1)
    assert sorted(indices.tolist()) == expected.nonzero()[:, 0].tolist()
    torch.testing.assert_close(weights, expected[indices])


def test_the_penalty_is_that_of_transformers() -> None:
    import torch
    from transformers import RepetitionPenaltyLogitsProcessor

    logits = torch.randn(50, generator=torch.Generator().manual_seed(1))
    likeliest = int(logits.argmax())
    seen = [likeliest, 4, likeliest, 9]
    processor = RepetitionPenaltyLogitsProcessor(3.0)
    expected = int(processor(torch.tensor([seen]), logits[None].clone())[0].argmax())
    assert expected != likeliest
    assert Choice(sampling(temperature=0, repeat_penalty=3.0), None)(logits, seen) == expected


_BACKEND: Any = make_tokenizer()


@given(st.lists(st.integers(0, 440), max_size=40))
@settings(max_examples=100)
def test_pieces_add_up_to_the_text_of_all_tokens(ids: list[int]) -> None:
    text = Text(_BACKEND)
    pieces = [text.add(token) for token in ids]
    assert "".join(pieces) + text.rest() == _BACKEND.decode(ids, skip_special_tokens=True)


@given(st.text(max_size=30))
def test_no_character_is_cut(given_text: str) -> None:
    text = Text(_BACKEND)
    pieces = [text.add(token) for token in _BACKEND.encode(given_text).ids]
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in given_text


def test_a_spaces_prefix_belongs_to_its_word() -> None:
    # SentencePiece's first word has no space in front, and the second one has.
    from tokenizers import Tokenizer, decoders, models

    words = {"<unk>": 0, "\u2581a": 1, "\u2581b": 2}
    backend = Tokenizer(models.WordLevel(words, "<unk>"))
    backend.decoder = decoders.Metaspace()
    text = Text(backend)
    assert [text.add(token) for token in (1, 2, 1)] == ["a", " b", " a"]


def test_the_module_loads_without_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, engine.serve.engines.folder, engine.serve.engines.choice;"
        "print(sorted({'torch', 'transformers', 'llama_cpp', 'xllamacpp'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
