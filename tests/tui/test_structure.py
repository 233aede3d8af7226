"""What the syntax tree shows of the app's structure.

- Textual calls ``on_x`` of every class in the order of resolution, so ``super().on_x()`` runs
  it twice, and an override does not replace it.
- A dialog is pushed in the same turn as the key that asks for it: through ``Host.ask`` alone.
- Imports in ``tui`` go one way, those inside functions counted: there is no circle.
- A part knows no screen.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import tui
from tui.actions import STAGES
from tui.app import SCREENS
from tui.screens.stage import StageScreen

ROOT = Path(tui.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a file's module name."""
    parts = [ROOT.name, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def ids(path: Path) -> str:
    return name_of(path)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_no_handler_calls_the_one_it_overrides(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        is_super = isinstance(of, ast.Call) and getattr(of.func, "id", "") == "super"
        # The app's on_event is no handler of a message: it is the dispatcher itself.
        allowed = node.func.attr == "on_event"
        assert allowed or not (is_super and node.func.attr.startswith(("on_", "_on_"))), (
            f"line {node.lineno}: Textual calls {node.func.attr} of every class by itself"
        )


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_dialogs_are_opened_by_ask_alone(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr != "push_screen_wait", f"line {node.lineno}: use ask"
            if node.attr == "push_screen":
                assert path.name == "host.py", f"line {node.lineno}: use ask"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_nothing_is_awaited_before_a_dialog_is_opened(path: Path) -> None:
    """A worker that asks would do so a turn after the key."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute) and inner.attr == "ask":
                of_app = isinstance(inner.value, ast.Attribute) and inner.value.attr == "app"
                assert not of_app, f"line {inner.lineno}: {node.name} is async"


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ``tui`` that a file imports, at its top or in a function.

    What is imported for annotations alone is never run, and is left out.
    """
    tree = tree_of(path)
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                name = full if full in MODULES else node.module
                if name in MODULES:
                    yield name
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)


def test_imports_make_no_circle() -> None:
    graph = {name: set(imported(path)) - {name} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name in done:
            return
        for other in sorted(graph[name]):
            visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


LOWER = ("tui.widgets", "tui.parts", "tui.bridge")


@pytest.mark.parametrize("path", [p for p in FILES if name_of(p).startswith(LOWER)], ids=ids)
def test_what_screens_are_made_of_knows_no_screen(path: Path) -> None:
    for name in imported(path):
        assert not name.startswith(("tui.screens", "tui.app", "tui.palette")), name


LIBRARY = {"guard.py", "scrolling.py", "stage.py"}
"""Files that say why they reach into Textual."""


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_nobody_reads_private_fields_of_another(path: Path) -> None:
    """``thing._field`` is for ``self`` and ``cls``; names of the same module's functions aside."""
    for node in ast.walk(tree_of(path)):
        if not (isinstance(node, ast.Attribute) and node.attr.startswith("_")):
            continue
        if node.attr.startswith("__") or path.name in LIBRARY or node.attr == "_exit":
            continue
        of = node.value
        own = isinstance(of, ast.Name) and of.id in {"self", "cls", "other"}
        own |= isinstance(of, ast.Call) and getattr(of.func, "id", "") == "super"
        assert own, f"line {node.lineno}: .{node.attr} of something else"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_no_file_holds_everything(path: Path) -> None:
    # The registry of keys is a table, and one by intent.
    lines = path.read_text("utf-8").count("\n")
    assert lines <= 460 or path.name == "actions.py", f"{lines} lines"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_one_class_that_holds_its_parts(stage: str) -> None:
    module, _, name = SCREENS[stage].partition(":")
    screen = getattr(importlib.import_module(module), name)
    assert screen.__bases__ == (StageScreen,)
    methods = [key for key, value in vars(screen).items() if callable(value)]
    assert len(methods) <= 60, methods
