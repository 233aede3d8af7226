"""Files of an export are made once, whole, and again when what they are made from changes."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest

from engine.export.files import clear_abandoned, forget, is_made, locked, make, record_of


def test_a_file_is_made_once_for_a_key(tmp_path: Path) -> None:
    calls: list[str] = []
    path = tmp_path / "cache" / "f16.gguf"

    def build(text: str, out: Path) -> None:
        calls.append(text)
        out.write_text(text, "utf-8")

    for text, key in (("a", "1"), ("b", "1"), ("c", "2")):
        make(path, key, partial(build, text))
    assert calls == ["a", "c"]
    assert path.read_text("utf-8") == "c"
    assert is_made(path, "2")
    assert not is_made(path, "1")


def test_a_failed_file_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "f16.gguf"

    def half(out: Path) -> None:
        out.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make(path, "1", half)
    assert list(path.parent.iterdir()) == []


def test_a_file_that_was_cut_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "f16.gguf"

    def build(out: Path) -> None:
        out.write_bytes(b"whole")

    make(path, "1", build)
    path.write_bytes(b"who")
    assert not is_made(path, "1")
    make(path, "1", build)
    assert path.read_bytes() == b"whole"
    forget(path)
    assert list(path.parent.iterdir()) == []


def test_a_file_that_was_not_flushed_counts_until_the_machine_is_started_anew(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f16.gguf"

    def build(out: Path) -> None:
        out.write_bytes(b"whole")

    make(path, "1", build, flushed=False)
    assert is_made(path, "1")
    record = json.loads(record_of(path).read_text())
    record_of(path).write_text(json.dumps(record | {"boot": "another"}))
    assert not is_made(path, "1")


def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    dead, living = run / ".run-f16.gguf.999999999.tmp", run / ".run-f16.gguf.1.tmp"
    # Written before the process began that has that number now.
    reused = run / f".run-f16.gguf.{os.getpid()}.tmp"
    other = run / ".other.gguf.999999999.tmp"
    folder = run / ".merged.999999999.a1b2c3_4"
    folder.mkdir()
    mine = [run / name for name in (".notes.2024.txt", "run-f16.gguf.999999999.tmp")]
    for left in (dead, living, reused, other, folder / "model.safetensors", *mine):
        left.touch()
    os.utime(reused, (1, 1))
    clear_abandoned(run, "run-f16.gguf")
    assert not dead.exists()
    assert not reused.exists()
    assert living.exists()
    assert other.exists()
    clear_abandoned(run)
    assert sorted(run.iterdir()) == sorted([living, *mine])


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    class Enough(Exception):
        pass

    def give_up() -> None:
        raise Enough

    with locked(lock, wait=give_up), pytest.raises(Enough), locked(lock, wait=give_up):
        pass
    with locked(lock, wait=give_up):
        pass
