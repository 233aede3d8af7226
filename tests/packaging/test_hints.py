"""Hints print paths that can be pasted: a path in a hint is written for the shell."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import pytest

import engine
import tui
from engine.paths import shell_path

ROOT = Path(engine.__file__).parent.parent
FILES = sorted(
    path for package in (engine, tui) for path in Path(str(package.__file__)).parent.rglob("*.py")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_hint_shortens_a_path(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.keyword) and node.arg == "hint"):
            continue
        for inner in ast.walk(node.value):
            name = getattr(inner.func, "id", "") if isinstance(inner, ast.Call) else ""
            assert name not in {"shorten", "short_path"}, f"line {inner.lineno}"  # type: ignore[attr-defined]


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
