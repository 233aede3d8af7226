"""The children of gates: each is a module of this package that writes a JSON file and ends."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from engine.errors import ExportError
from engine.export.gates.model import GateInput
from engine.export.steps import ChildFailed, runner

_ROW = re.compile(r"row (\d+)/(\d+)")


def child(
    given: GateInput,
    module: str,
    arguments: Sequence[str],
    what: str,
    report: Callable[[int, int], None],
) -> Any:
    """Run a child and return what it wrote.

    Args:
        given: The export; a stop request ends the child.
        module: The child's module in this package.
        arguments: Its arguments, without the last: the file that it writes.
        what: What a person calls that which it computes.
        report: Is told how far it is.

    Raises:
        ExportError: It failed.
        JobStopped: The job was asked to stop.
    """
    out = given.directory / f".gates-{module}.json"
    command = [sys.executable, "-P", "-m", f"engine.export.gates.{module}", *arguments, str(out)]

    def line(text: str) -> None:
        if found := _ROW.match(text):
            report(int(found[1]), int(found[2]))

    try:
        runner(given.job)(command, line)
        return json.loads(out.read_text("utf-8"))
    except ChildFailed as failed:
        raise ExportError(
            f"{what} can't be computed: {failed.last}", hint="stdout.log has the whole story"
        ) from failed
    finally:
        out.unlink(missing_ok=True)
