"""The Makefile's promises, and pins that fit together."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]


def pins(name: str) -> dict[str, str]:
    """Return the pinned versions of a constraints file."""
    found: dict[str, str] = {}
    for line in (REPOSITORY / "constraints" / name).read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line):
            found[canonicalize_name(match[1])] = match[2]
    return found


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make on the environment that the tests run in, as installed."""
    stamps = f"{sys.prefix}/.stamps"
    return subprocess.run(
        [
            *("make", "-C", str(REPOSITORY), f"VENV={sys.prefix}"),
            *("-o", f"{stamps}/base", "-o", f"{stamps}/dev", *arguments),
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


@pytest.mark.parametrize("extra", ["", "gpu", "dev"])
def test_every_requirement_is_pinned_inside_its_range(extra: str) -> None:
    required = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    pinned = {**pins("base.txt"), **(pins("gpu.txt") if extra == "gpu" else {})}
    for text in required:
        requirement = Requirement(text)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text} is pinned to {version}"


@pytest.mark.parametrize("name", ["base.txt", "gpu.txt", "no-deps.txt"])
def test_constraints_name_no_host_and_no_path(name: str) -> None:
    text = (REPOSITORY / "constraints" / name).read_text("utf-8")
    assert "://" not in text
    assert " @ " not in text
    assert "--find-links" not in text
    assert "index-url" not in text


def test_no_deps_are_pinned_by_hash() -> None:
    lines = (REPOSITORY / "constraints" / "no-deps.txt").read_text("utf-8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert requirements
    assert all("--hash=sha256:" in line for line in requirements)


def test_trl_stays_below_the_release_that_needs_triton() -> None:
    (trl,) = [Requirement(text) for text in PROJECT["dependencies"] if text.startswith("trl")]
    assert not trl.specifier.contains("1.15.0")
