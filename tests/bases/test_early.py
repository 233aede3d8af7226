"""The embedded base's tokenizer, before its weights can be imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine.bases import EMBEDDED, bring_tokenizer, installed, tokenizer_dir
from engine.bases.embedded import embedded_gguf
from engine.child import child_environment
from engine.errors import BaseMissing
from engine.paths import bases_dir
from engine.tokens import Tokenizer


def test_tokens_are_counted_without_the_weights() -> None:
    with pytest.raises(BaseMissing):
        tokenizer_dir(EMBEDDED)
    folder = bring_tokenizer(EMBEDDED)
    assert tokenizer_dir(EMBEDDED) == folder == bring_tokenizer(EMBEDDED)
    tokenizer = Tokenizer.load(folder)
    assert len(tokenizer.encode("I said no, and it took me a week to see why.")) > 5
    assert "im_start" in tokenizer.template
    # It is no base: nothing trains on it or lists it.
    assert installed() == []


def test_neither_torch_nor_transformers_is_loaded() -> None:
    script = (
        "import sys\n"
        "from engine.bases.import_gguf import main\n"
        "main(sys.argv[1:])\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    folder = bases_dir() / "alone"
    subprocess.run(
        [sys.executable, "-c", script, str(embedded_gguf()), str(folder), "tokenizer"],
        check=True,
        capture_output=True,
        env={**os.environ, **child_environment()},
    )
    assert (folder / "tokenizer.json").is_file()
