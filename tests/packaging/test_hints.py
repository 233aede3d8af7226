"""Hints print paths that can be pasted: a path in a hint is written for the shell."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
import tui
from engine.paths import shell_path

ROOT = Path(engine.__file__).parent.parent
FILES = sorted(
    path for package in (engine, tui) for path in Path(str(package.__file__)).parent.rglob("*.py")
)


def shortened(path: Path) -> Iterator[int]:
    """Yield the lines where a hint holds a path that was shortened for the eye."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.keyword) and node.arg == "hint"):
            continue
        for inner in ast.walk(node.value):
            name = getattr(inner.func, "id", "") if isinstance(inner, ast.Call) else ""
            if isinstance(inner, ast.Call) and name in {"shorten", "short_path"}:
                yield inner.lineno


def test_no_hint_shortens_a_path() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in FILES for line in shortened(path)]
    assert found == []


def test_a_hint_that_shortens_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('raise X("a", hint=f"finetui init {shorten(folder)}")\n', "utf-8")
    assert list(shortened(file)) == [1]


@pytest.mark.parametrize(
    "name",
    ["notes", "my notes", "it's", 'a "b"', "a$b`c`", "năluci", "日本", "-x", "a;b", "long" * 60],
)
def test_the_shell_reads_the_path_that_was_meant(
    name: str, isolated_home: Path, tmp_path: Path
) -> None:
    for folder in (isolated_home, tmp_path / "elsewhere"):
        path = folder / name
        (word,) = shlex.split(shell_path(path))
        assert Path(word).expanduser() == path


def test_a_tilde_stands_unquoted(isolated_home: Path) -> None:
    assert shell_path(isolated_home / "notes") == "~/notes"
    assert shell_path(isolated_home / "my notes").startswith("~/")
