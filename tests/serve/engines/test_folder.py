"""How the transformers engine draws tokens and makes text of them."""

from __future__ import annotations

import codecs
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


def said(backend: Any, ids: list[int]) -> str:
    """Return a text's pieces, put together."""
    text = Text(backend)
    return "".join([*map(text.add, ids), text.rest()])


def whole_characters(data: bytes) -> str:
    """Return a text without a character at its end of which bytes are missing, by Python."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data)


@given(st.lists(st.integers(0, 440), max_size=40))
@settings(max_examples=100)
def test_pieces_add_up_to_the_whole_characters_of_all_tokens(ids: list[int]) -> None:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte_of = {char: byte for byte, char in bytes_to_unicode().items()}
    added = _BACKEND.get_added_tokens_decoder()
    names = [_BACKEND.id_to_token(token) for token in ids if token not in added]
    data = bytes(byte_of[char] for name in names for char in name)
    assert said(_BACKEND, ids) == whole_characters(data)


def byte_fallback() -> Any:
    """Return a tokenizer in the form of Llama 2's: words, and a token for each byte."""
    from tokenizers import Tokenizer, decoders, models

    names = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581a"]
    words = {name: index for index, name in enumerate(names)}
    backend = Tokenizer(models.BPE(words, [], unk_token="<unk>", byte_fallback=True))
    parts = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*parts, decoders.Strip(" ", 1, 0)])
    return backend


@pytest.mark.parametrize("text", ["🙂🙂é日本", "👩\u200d👩", "é", "\ufffd", "é\ufffd", ""])
def test_an_answer_that_ends_inside_a_character_ends_before_it(text: str) -> None:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    names, fallback = bytes_to_unicode(), byte_fallback()
    data = text.encode()
    for end in range(len(data) + 1):
        expected = whole_characters(data[:end])
        ids = [_BACKEND.token_to_id(names[byte]) for byte in data[:end]]
        assert said(_BACKEND, ids) == expected
        words = [257, *(byte + 1 for byte in data[:end])]
        assert said(fallback, words) == f"a{expected}"


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
