"""Verbs in processes of their own: closed and full outputs, 8-bit locales, names not UTF-8."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli.endings import ended
from engine.failures import named
from engine.paths import shell_path

CASE = [
    {
        "title": "Iron",
        "create_time": 1.0,
        "current_node": "b",
        "mapping": {
            "a": {
                "id": "a",
                "parent": None,
                "children": ["b"],
                "message": {
                    "author": {"role": "user"},
                    "content": {"content_type": "text", "parts": ["How old is iron?"]},
                },
            },
            "b": {
                "id": "b",
                "parent": "a",
                "children": [],
                "message": {
                    "author": {"role": "assistant"},
                    "content": {"content_type": "text", "parts": ["About four thousand years."]},
                },
            },
        },
    }
]
FINETUI = (sys.executable, "-m", "tui")


def finetui(*words: str | bytes | Path, **given: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a verb in a process of its own, without an input."""
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **given}
    return subprocess.run([*FINETUI, *words], stderr=subprocess.PIPE, check=False, **given)


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [*FINETUI, "settings", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.close()
    _, said = child.communicate()
    assert said == b""
    assert child.returncode in (0, 1)


def test_closed_streams_are_no_files_of_the_database(tmp_path: Path) -> None:
    """Else the database would be given the number 1, and be printed into."""
    space = tmp_path / "space"
    command = '"$@" >&- 2>&- <&-'
    for words in (("init", str(space)), ("examples", "list", "--workspace", str(space))):
        done = subprocess.run(["sh", "-c", command, "sh", *FINETUI, *words], check=False)
        assert done.returncode == 0
    assert json.loads(finetui("sources", "list", "--json", "--workspace", space).stdout) == []


@pytest.mark.skipif(shutil.which("localedef") is None, reason="no localedef")
def test_an_8_bit_locale_has_its_marks_replaced(tmp_path: Path) -> None:
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE.ISO-8859-1")],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("the locale's sources are not installed")
    variables = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": "de_DE.ISO-8859-1"}
    done = finetui("doctor", env=variables)
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout
    assert "✓".encode() not in done.stdout


def test_a_workspace_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    """And a home folder, and a file of a source."""
    space = os.fsencode(tmp_path) + b"/caf\xe9"
    home = os.fsencode(tmp_path) + b"/h\xf6me"
    source = os.fsencode(tmp_path) + b"/notes"
    for folder in (home, source):
        os.mkdir(folder)
    with open(source + b"/p\xfca.json", "w") as handle:
        json.dump(CASE, handle)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    variables: dict[Any, Any] = {**kept, "HOME": home}
    at: tuple[str | bytes, ...] = ("--workspace", space, "--json")

    def run(*words: str | bytes, status: int = 0) -> Any:
        done = finetui(*words, *at, env=variables)
        assert b"Traceback" not in done.stderr
        assert done.returncode == status, (words, done.stderr)
        return json.loads(done.stdout)

    assert os.fsencode(run("init", space)["workspace"]) == space
    assert run("sources", "add", source)["scan"]["examples"] == 1
    (listed,) = run("examples", "list")["examples"]
    run("decide", listed["id"], "approve")
    assert run("check", "--only", "secrets")["looked"] == 1
    assert run("trust", space)["trusted"]
    assert os.fsencode(run("trust", "--list")[0]["workspace"]) == space
    refused = run("train", status=1)["error"]
    assert refused["code"] == "dataset-missing"


def test_a_path_in_a_hint_can_be_pasted(tmp_path: Path) -> None:
    """As bash, an implementation of its own, reads it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    for name in (b"caf\xe9", b"it's\n\x1b[31m", b"-\xff\\x41", b"plain", b"a b"):
        path = os.fsdecode(b"/" + name)
        told = subprocess.run(
            [bash, "-c", f"printf %s {shell_path(path)}"], capture_output=True, check=True
        )
        assert told.stdout == b"/" + name


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device", "/x/y"), "disk-full"),
        (OSError(122, "Disk quota exceeded"), "disk-full"),
        (OSError(30, "Read-only file system", "/x"), "access-refused"),
        (PermissionError(13, "Permission denied", "/x"), "access-refused"),
        (NotADirectoryError(20, "Not a directory", "/x/runs"), "path-unusable"),
        (OSError(36, "File name too long", "x" * 400), "path-unusable"),
        (OSError(40, "Too many levels of symbolic links", "/x"), "path-unusable"),
        (OSError(24, "Too many open files"), "limit-reached"),
        (OSError(27, "File too large", "/x"), "limit-reached"),
        (OSError(12, "Cannot allocate memory"), "memory-short"),
        (OSError(5, "Input/output error", "/x"), "system-failure"),
        (OSError(71, "Protocol error", "/x"), "system-failure"),
        (MemoryError(), "memory-short"),
        (RecursionError("deep"), "unexpected"),
        (UnicodeEncodeError("latin-1", "my diary", 0, 1, "no"), "system-failure"),
        (ValueError("my diary of March"), "unexpected"),
        (ImportError("my diary", name="torch"), "dependency-missing"),
    ],
)
def test_what_the_system_raises_has_a_name(
    error: Exception, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers as in errno(3) on Linux; a message never quotes what was read."""
    found = named(error)
    assert found.code == code
    assert found.message
    assert "diary" not in found.message + found.hint
    assert ended(error, as_json=True) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == code
    assert f"[{code}]" in said.err
    assert "Traceback" not in said.err
