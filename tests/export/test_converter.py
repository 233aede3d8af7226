"""The converter is looked at before an export starts, and its failures are put into words."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from engine.errors import DependencyMissing
from engine.export import convert
from engine.export.steps import ChildFailed


def test_the_installed_converter_is_whole() -> None:
    convert.require_converter()


def test_a_missing_converter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(DependencyMissing, match="not installed") as caught:
        convert.require_converter()
    assert "finetui doctor --fix" in caught.value.hint


def test_a_replaced_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "swapped-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: swapped\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        "gguf/constants.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
    )
    (tmp_path / "gguf").mkdir()
    constants = tmp_path / "gguf" / "constants.py"
    constants.touch()  # the recorded hash is that of an empty file
    monkeypatch.setattr(convert, "DISTRIBUTION", "swapped")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    convert.require_converter()
    constants.write_text("changed")
    with pytest.raises(DependencyMissing, match=r"gguf/constants\.py") as caught:
        convert.require_converter()
    assert "--force-reinstall" in caught.value.hint


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["NotImplementedError: BPE pre-tokenizer was not recognized - update"], "tokenizer"),
        (["ERROR:hf-to-gguf:Model Xy is not supported"], "kind of model"),
        (["AttributeError: DSPARK_MARKOV_W1"], "kind of model"),
        (["KeyError: 'x'"], "KeyError: 'x'"),
    ],
)
def test_failures_are_put_into_words(lines: list[str], said: str) -> None:
    assert said in convert._explained(ChildFailed(1, lines)).message
