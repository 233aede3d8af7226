"""The Makefile's promises."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make on the environment that the tests run in, as installed."""
    stamps = f"{sys.prefix}/.stamps"
    return subprocess.run(
        [
            *("make", "-C", str(REPOSITORY), f"VENV={sys.prefix}"),
            *("-o", f"{stamps}/first", "-o", f"{stamps}/base", "-o", f"{stamps}/dev"),
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_run_without_a_terminal_names_the_headless_command() -> None:
    result = make("run")
    assert result.returncode == 2
    assert "finetui demo --headless" in result.stderr


def test_make_help_lists_run_and_test() -> None:
    result = make("help")
    assert result.returncode == 0
    assert re.search(r"^run +\S", result.stdout, re.M)
    assert re.search(r"^test +\S", result.stdout, re.M)


def test_trl_stays_below_the_release_that_needs_triton() -> None:
    (trl,) = [Requirement(text) for text in PROJECT["dependencies"] if text.startswith("trl")]
    assert not trl.specifier.contains("1.15.0")
