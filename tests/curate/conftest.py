from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.workspace import init_workspace, open_workspace
from tests.store.support import NOW, example, turns

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace of six examples; the working folder is in it."""
    root = init_workspace(tmp_path / "space")
    with open_workspace(root) as space:
        source = space.store.add_source("vault", "/notes")
        found = [
            example(number, kind="decision" if number % 2 else "reflection", tags=("work",))
            for number in range(5)
        ]
        odd = example(5, text=turns("Escape \x1b[31m and [bold]?", "\ud83d nul\0"), tags=("odd",))
        space.store.record_scan(source.id, [*found, odd], [], 6, at=NOW)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str, stdin: str | bytes = "") -> tuple[int, str, str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        status = main(list(words))
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return status, out, err

    return call
