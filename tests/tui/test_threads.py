"""Threads: only the bridge starts them, what runs in them knows no widget, and workers are named.

The rule that the syntax tree can show: no ``@work(thread=True)``, no ``to_thread``,
no ``run_in_executor``, no ``Thread`` outside ``tui/bridge``; what ``off_loop`` is
given to call reaches, from ``self``, nothing but the workspace, its store, and objects
of the bridge (by their names); and the bridge imports nothing that paints.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tui

ROOT = Path(tui.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
SCREENS = [path for path in FILES if "bridge" not in path.parts]
BRIDGE = [path for path in FILES if "bridge" in path.parts]
HOLDS_NO_WIDGET = {
    "_store",
    "_drafts",
    "_tokens",
    "_views",
    "_desk",
    "_holder",
    "workspace",
    "_workspace",
}


def calls(path: Path) -> Iterator[ast.Call]:
    """Yield every call in a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def attributes(node: ast.AST) -> list[str]:
    """Return the chain of names of ``a.b.c``."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return names[::-1]


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_bridge_starts_threads(path: Path) -> None:
    for call in calls(path):
        assert called(call) not in {"Thread", "to_thread", "run_in_executor", "Timer"}, call.lineno
        for keyword in call.keywords:
            assert keyword.arg != "thread", f"line {call.lineno}: a worker in a thread"


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_runs_off_the_loop_is_no_method_of_a_widget(path: Path) -> None:
    for call in calls(path):
        if called(call) != "off_loop":
            continue
        for chain in own_chains(call.args[0]):
            allowed = set(chain) & HOLDS_NO_WIDGET or is_given(path, chain)
            assert allowed, f"line {call.lineno}: {'.'.join(chain)}"


def is_given(path: Path, chain: list[str]) -> bool:
    """Return whether ``self.name`` is a function that was handed in, and no method."""
    tree = ast.parse(path.read_text("utf-8"))
    methods = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assigned = {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }
    return len(chain) == 2 and chain[1] in assigned - methods


def own_chains(node: ast.AST) -> Iterator[list[str]]:
    """Yield each chain of names in an expression that begins with ``self``."""
    if isinstance(node, ast.Attribute | ast.Name):
        chain = attributes(node)
        if chain[:1] == ["self"]:
            yield chain
        return
    for child in ast.iter_child_nodes(node):
        yield from own_chains(child)


@pytest.mark.parametrize("path", BRIDGE, ids=lambda path: path.name)
def test_the_bridge_knows_no_widget(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
        for module in modules:
            assert not module.startswith(("textual.widget", "textual.screen", "textual.app"))
            assert not module.startswith(("tui.widgets", "tui.screens", "tui.app"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_worker_names_group_exclusive_and_exit_on_error(path: Path) -> None:
    for call in calls(path):
        if called(call) in {"work", "run_worker"}:
            given = {keyword.arg for keyword in call.keywords}
            assert {"group", "exclusive", "exit_on_error"} <= given, f"line {call.lineno}"
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            bare = [d for d in node.decorator_list if isinstance(d, ast.Name) and d.id == "work"]
            assert not bare, f"line {node.lineno}: @work without its three names"
