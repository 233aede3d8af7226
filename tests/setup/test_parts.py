from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from engine.setup import NEEDS, PARTS
from engine.setup.parts import UNSLOTH
from engine.setup.pins import CONSTRAINTS, constraints, hashed, hashes, pins

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_parts_are_what_pip_installs_each_in_one_of_them() -> None:
    requirements = [Requirement(text) for text in PROJECT["dependencies"]]
    declared = {
        canonicalize_name(requirement.name)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }
    counted = Counter(name for part in PARTS for name in part.packages)
    assert set(counted) == declared
    assert set(counted.values()) == {1}


def test_every_package_is_pinned_and_those_without_dependencies_by_hash() -> None:
    pinned = pins()
    every = (*PARTS, UNSLOTH)
    for part in every:
        assert set(part.everything) <= set(pinned), part.name
    assert set(hashes()) == {name for part in every for name in part.alone}
    assert all("--hash=sha256:" in line for line in hashed(hashes()).splitlines())


@pytest.mark.parametrize(
    "extra", ["", "train", "gpu", "multilingual", "tensorboard", "wandb", "dev"]
)
def test_every_requirement_is_pinned_inside_its_range(extra: str) -> None:
    required = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for text in required:
        requirement = Requirement(text)
        version = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text} is pinned to {version}"


def test_the_extra_for_training_has_its_former_name_too_and_tests_install_it() -> None:
    extras = PROJECT["optional-dependencies"]
    assert extras["gpu"] == extras["train"]
    assert set(extras["train"]) <= set(extras["dev"])


def test_the_constraints_name_no_host_and_no_path() -> None:
    for line in CONSTRAINTS.read_text("utf-8").splitlines():
        pin = r"[a-z0-9-]+==[0-9A-Za-z.+!]+(  # sha256:[0-9a-f]{64})?"
        assert line.startswith("# ") or re.fullmatch(pin, line), line


def test_what_is_installed_is_kept_at_its_version() -> None:
    kept = constraints({"numpy": "2.0.1", "mine": "7"}).splitlines()
    assert "numpy==2.0.1" in kept
    assert "mine==7" in kept
    assert f"torch=={pins()['torch']}" in kept


def test_features_need_parts_that_there_are() -> None:
    names = {part.name for part in PARTS}
    assert all(set(needed) <= names for _, needed in NEEDS.values())


def test_it_imports_the_standard_library_alone() -> None:
    """It runs before anything is installed; -S leaves every installed package out."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import engine.setup, engine.setup.__main__\n"
        "engine.setup.setup_state(); print('fine')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "fine\n", done.stderr
