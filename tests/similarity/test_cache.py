"""Vectors on the disk: kept once, found again, and begun anew where the file is broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import WorkspaceError
from engine.similarity.cache import VectorCache
from tests.similarity.support import scattered


def test_vectors_are_found_again(tmp_path: Path) -> None:
    rows = scattered(1_200)
    keys = [number.to_bytes(16, "big") for number in range(1, 1_201)]
    path = tmp_path / "deep" / "vectors.db"
    with VectorCache(path) as cache:
        assert cache.missing(keys) == keys
        cache.keep(dict(zip(keys, rows, strict=True)))
    with VectorCache(path) as cache:
        other = b"\xff" * 16
        assert cache.missing([other, *keys, other]) == [other]
        found = cache.load([keys[7], b"", other, keys[1_199], keys[7]])
    assert np.array_equal(found[[0, 3, 4]], rows[[7, 1_199, 7]])
    assert not found[1].any()
    assert np.isnan(found[2]).all()
    assert path.stat().st_mode & 0o077 == 0


def test_two_processes_may_keep_the_same(tmp_path: Path) -> None:
    rows = scattered(2)
    with VectorCache(tmp_path / "v.db") as one, VectorCache(tmp_path / "v.db") as other:
        one.keep({b"k" * 16: rows[0]})
        other.keep({b"k" * 16: rows[1]})
        assert np.array_equal(one.load([b"k" * 16])[0], rows[1])


@pytest.mark.parametrize("broken", [b"no database" * 500, b"SQLite format 3\0" + b"\x07" * 5_000])
def test_a_broken_file_is_begun_anew(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "v.db"
    path.write_bytes(broken)
    with VectorCache(path) as cache:
        cache.keep({b"k" * 16: scattered(1)[0]})
        assert cache.missing([b"k" * 16]) == []


def test_a_page_broken_later_is_named(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    keys = [number.to_bytes(16, "big") for number in range(1, 2_001)]
    with VectorCache(path) as cache:
        cache.keep(dict(zip(keys, scattered(2_000, dimensions=384), strict=True)))
    size = path.stat().st_size
    with path.open("r+b") as handle:
        handle.seek(size // 2)
        handle.write(b"\x55" * (size // 3))
    with VectorCache(path) as cache, pytest.raises(WorkspaceError) as caught:
        cache.load(cache.missing(keys) or keys)
    assert "v.db" in caught.value.message
    assert "delete" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError) as caught:
        VectorCache(tmp_path / "file" / "v.db")
    assert "XDG_CACHE_HOME" in caught.value.hint
