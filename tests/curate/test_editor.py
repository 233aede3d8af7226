from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from engine.curate.editor import decode, edit_text, editor_command, read_text
from engine.errors import DependencyMissing, ExampleInvalid

APPEND = """
import pathlib, sys
file = pathlib.Path(sys.argv[1])
file.write_bytes(file.read_bytes() + b"more\\r\\n")
"""


def editor(code: str) -> str:
    return f"{sys.executable} -c '{code}'"


def test_the_setting_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "code --wait")
    monkeypatch.setenv("EDITOR", "nano")
    assert editor_command("hx -v") == ["hx", "-v"]
    assert editor_command() == ["code", "--wait"]
    monkeypatch.delenv("VISUAL")
    assert editor_command() == ["nano"]
    monkeypatch.delenv("EDITOR")
    assert editor_command() == ["vi"]
    with pytest.raises(DependencyMissing):
        editor_command("hx 'open")
    assert editor_command("  ") == ["vi"]


def test_the_text_comes_back_byte_for_byte() -> None:
    text = "line\r\nnaïve \ud800 nul\0\n"
    assert edit_text(text, configured=editor(APPEND)) == text + "more\r\n"


def test_the_file_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = f'import os, sys; open("{seen}", "w").write(sys.argv[1])'
    edit_text("text", configured=editor(code))
    file = Path(seen.read_text())
    assert file.suffix == ".md"
    assert not file.exists()
    assert not file.parent.exists()


def test_an_editor_that_fails_changes_nothing() -> None:
    with pytest.raises(ExampleInvalid, match="status 3"):
        edit_text("text", configured=editor("raise SystemExit(3)"))
    with pytest.raises(DependencyMissing, match="not-an-editor"):
        edit_text("text", configured="not-an-editor-of-anyone")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    code = 'import sys; open(sys.argv[1], "wb").write(b"caf" + bytes([233]))'
    with pytest.raises(ExampleInvalid, match="byte 3"):
        edit_text("text", configured=editor(code))
    with pytest.raises(ExampleInvalid, match="can't be read"):
        read_text(tmp_path / "absent")
    with pytest.raises(ExampleInvalid, match="can't be read"):
        read_text(tmp_path)
    assert decode(b"\xef\xbb\xbfa\r\n") == "a\r\n"
    assert os.listdir(tmp_path) == ["home"]
