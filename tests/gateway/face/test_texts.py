"""Texts taken apart: prompts in Alpaca's form, and paths in messages."""

from __future__ import annotations

from typing import Any

import pytest

from engine.gateway.face.alpaca import question
from engine.gateway.face.refusals import without_paths


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("### Instruction:\nWhy?\n\n### Response:\n", "Why?"),
        ("### Instruction:\nWhy?\n\n### Response:", "Why?"),
        ("### Instruction:\na\n\nb\n\n### Response:\n", "a\n\nb"),
        ("### Instruction:\nSum\n\n### Input:\n1, 2\n\n### Response:\n", "Sum\n\n1, 2"),
        ("### Instruction:\nWhy?\n\n### Response:\nBecause", None),
        ("Below is\n\n### Instruction:\nWhy?\n\n### Response:\n", None),
        ("### Instruction:\na\n\n### Response:\nb\n\n### Instruction:\nc\n\n### Response:\n", None),
        ("### Instruction:\na\n\n### Input:\nb\n\n### Input:\nc\n\n### Response:\n", None),
        ("### Instruction:\na\n\n### Response:\n\n\n### Response:\n", None),
        ("### Instruction:\na\n### Response:\n", None),
        ("### Instruction: a\n\n### Response:\n", None),
        ("### Instruction:\n\n\n### Response:\n", ""),
        ("### Instruction:\n\n### Response:\n", None),
        ("### Instruction:\n### Input: of what?\n\n### Response:\n", None),
        ("### Instruction:\nx ### Input: y\n\n### Response:\n", "x ### Input: y"),
        ("### Instruction:\na\r\n\n### Response:\n", "a\r"),
        ("Why?", None),
        ([1, 2], None),
    ],
)
def test_alpacas_form(prompt: Any, asked: str | None) -> None:
    assert question(prompt) == asked


@pytest.mark.parametrize(
    "part", ["\n\n### Input:\n", "\n\n### Response:\n", "\n\n### Instruction:\n", "\n\n", "#"]
)
def test_a_long_prompt_is_soon_looked_through(part: str) -> None:
    """A body may have 4 MiB; what took the square of it would take hours."""
    prompt = f"### Instruction:\na{part * (4_000_000 // len(part))}"
    assert question(prompt) is None
    plain = f"{prompt}\n\n### Response:\n"
    assert (question(plain) is None) == ("###" in part)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("can't load /home/me/runs/a.gguf: bad", "can't load a.gguf: bad"),
        ("see ~/.local/state/x.log", "see x.log"),
        (r"see C:\Users\me\x.log.", "see x.log."),
        ("use /", "use /"),
        ("1/2 of them and/or more", "1/2 of them and/or more"),
        ("https://example.com/a", "https://example.com/a"),
        ("'/a/b'", "'b'"),
        ("'/a b/c d/'", "''"),
        ("no ~/Secret Project/.hidden", "no .hidden"),
        ("can't load ~/Secret Project/x.gguf: bad", "can't load x.gguf: bad"),
        ("'/home/me/Secret, Inc: a/x y.gguf' is bad", "'x y.gguf' is bad"),
        (
            "bad: ~/Secret Project/x.gguf; the log is ~/My Logs/y.log",
            "bad: x.gguf; the log is y.log",
        ),
        ("no file:///home/Secret Project/x", "no x"),
        (r"see D:\Secret Project\x y.log", "see x y.log"),
        ("'/' is no file", "'/' is no file"),
        ("", ""),
    ],
)
def test_paths_are_cut_down_to_names(text: str, told: str) -> None:
    assert without_paths(text) == told
