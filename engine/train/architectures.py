"""Which architectures the installed transformers has, read from its source without importing it.

Importing takes seconds and loads torch; two of its files name every ``model_type``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from engine.bases import Base
from engine.bases.template import read_json
from engine.errors import BaseInvalid

_FILES = ("auto_mappings.py", "configuration_auto.py")
_MAPPING = "CONFIG_MAPPING_NAMES"
_FEWEST = 50
"""A list of fewer is one that was read wrongly: transformers has had more since 2021."""


def check_architecture(base: Base) -> None:
    """Require that transformers has a base's architecture. Where its list can't be read, pass.

    Raises:
        BaseInvalid: It has not; the message names the architecture.
    """
    config = read_json(base.directory / "config.json")
    kind, known = config.get("model_type"), known_architectures()
    if not isinstance(kind, str) or not kind or not known or kind in known:
        return
    if config.get("auto_map"):
        raise BaseInvalid(
            f"{base.name} has the architecture {kind}, which needs code of its own; finetui does "
            "not run a model's own code",
            hint="take a base whose architecture transformers has itself, such as Qwen3 or Llama",
        )
    raise BaseInvalid(
        f"{base.name} has the architecture {kind}, which the installed transformers does not know",
        hint="see model_type in its config.json; a newer finetui may know a newer model",
    )


@cache
def known_architectures() -> frozenset[str]:
    """Return every ``model_type`` of the installed transformers; empty where that can't be read."""
    try:
        found = find_spec("transformers")
        places = list(found.submodule_search_locations or ()) if found is not None else []
        names: set[str] = set()
        for place in places:
            for path in (Path(place, "models", "auto", name) for name in _FILES):
                if path.is_file():
                    names.update(_keys(ast.parse(path.read_text("utf-8"))))
    except (ImportError, OSError, ValueError, SyntaxError):
        return frozenset()
    return frozenset(names) if len(names) >= _FEWEST else frozenset()


def _keys(tree: ast.Module) -> Iterator[str]:
    """Yield the keys of the mapping of configurations, where it is made and where it is added to.

    It is made of pairs, of dicts, or of both.
    """
    for statement in tree.body:
        if _MAPPING not in {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}:
            continue
        if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
            continue
        for node in ast.walk(statement):
            firsts: list[ast.expr | None] = []
            if isinstance(node, ast.Tuple) and len(node.elts) == 2:
                firsts = [node.elts[0]]
            elif isinstance(node, ast.Dict):
                firsts = list(node.keys)
            for first in firsts:
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value
