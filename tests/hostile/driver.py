"""Runs verbs in one process under conditions that nobody would choose: ``driver.py PLAN``.

The plan is a JSON file: what is done to the process, and the words of each verb. What each verb
said goes to the standard output, as one JSON document.
"""

from __future__ import annotations

import contextlib
import encodings
import io
import json
import os
import resource
import sys
import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from engine.cli.main import VERBS
from engine.cli.main import main as finetui
from engine.store import Store

NOBODY = 65534
_ENDS = ("ut", "id", "pu", "la", "cp", "as")
LATER = (
    "logging.handlers",
    "engine.store.takeover",
    *(f"encodings.{one.name}" for one in iter_modules(encodings.__path__) if one.name[:2] in _ENDS),
)
BUSY_SECONDS = 0.05
"""How long a verb waits for another process here; thirty seconds are for people."""


def prepare(plan: dict[str, Any]) -> None:
    """Do to this process what the plan says."""
    Store.open.__func__.__kwdefaults__["busy_seconds"] = BUSY_SECONDS  # type: ignore[attr-defined]
    for name, value in plan["environment"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    for name, value in plan["limits"].items():
        number = getattr(resource, name)
        resource.setrlimit(number, (value, resource.getrlimit(number)[1]))
    if plan["nobody"] and os.geteuid() == 0:
        os.seteuid(NOBODY)


def run(words: list[str], plan: dict[str, Any]) -> dict[str, Any]:
    """Run one verb; return its status and what it wrote to stderr."""
    said = io.StringIO()
    out = open(plan["stdout"], "w", encoding=plan["encoding"])  # noqa: SIM115
    status: Any
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(out):
        try:
            status = finetui(words)
        except BaseException:
            status = "raised"
            said.write(traceback.format_exc())
    with contextlib.suppress(OSError):
        out.close()
    return {"words": words, "status": status, "stderr": said.getvalue()}


def main(file: Path) -> None:
    """Run the plan of a file."""
    plan = json.loads(file.read_text())
    # So that what is tested is the verb, and not Python's own files, which nobody can't read.
    for module in (*LATER, *(module for module, _, _ in VERBS.values())):
        import_module(module)
    prepare(plan)
    found = [run(words, plan) for words in plan["verbs"]]
    os.write(1, json.dumps(found).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
