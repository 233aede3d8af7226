"""The check stage in a process of its own: ``python -m engine.quality.child``.

Checks bring libraries that are slow to import and take the processor for as long as they
take; the terminal app keeps both out of its own process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.child import (
    Cancelled,
    Progress,
    end_with_caller,
    never,
    quiet,
    run_child,
    run_step,
    sparing,
)
from engine.quality.rules import apply
from engine.quality.stage import CheckFailure, CheckReport, check
from engine.workspace import Workspace, open_workspace

_MODULE = "engine.quality.child"


def check_and_decide(
    workspace: Workspace,
    *,
    names: Sequence[str] = (),
    example_ids: Sequence[str] = (),
    again: bool = False,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> CheckReport:
    """Run the check stage, and then the rules that the person wrote.

    Args:
        workspace: Where the examples are.
        names: The checks that are run; empty means all.
        example_ids: Only these examples, by whole id, where given.
        again: Look at what is up to date, too.
        progress: Called with examples that are up to date and in total.
        cancelled: Asked between parcels whether to stop.

    Raises:
        UsageError: There is no check of that name.
    """
    found = check(
        workspace,
        names=names,
        example_ids=example_ids or None,
        again=again,
        progress=progress,
        cancelled=cancelled,
    )
    if found.cancelled:
        return found
    decided = apply(workspace.store, workspace.settings.check.rules, at=time.time())
    return replace(found, decided=dict(decided))


def check_apart(
    root: Path,
    *,
    names: Sequence[str] = (),
    example_ids: Sequence[str] = (),
    again: bool = False,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> CheckReport:
    """Run :func:`check_and_decide` in a process of its own.

    Args:
        root: The workspace's folder.
        names: The checks that are run; empty means all.
        example_ids: Only these examples, by whole id, where given.
        again: Look at what is up to date, too.
        progress: Called with examples that are up to date and in total.
        cancelled: Asked several times a second whether to stop; what was found is kept.

    Raises:
        FinetuiError: The child's named failure.
    """
    what = {
        "root": str(root),
        "names": list(names),
        "ids": list(example_ids),
        "again": again,
    }
    try:
        found = run_child(_MODULE, [], progress, given=json.dumps(what), cancelled=cancelled)
    except Cancelled:
        return CheckReport(cancelled=True)
    failed = tuple(CheckFailure(**one) for one in found.pop("failed"))
    return CheckReport(**found, failed=failed)


def main(_: Sequence[str]) -> Any:
    """Do what standard input says."""
    what = json.loads(sys.stdin.read())
    end_with_caller()
    # A person who types meanwhile goes first.
    os.nice(10)
    with open_workspace(Path(what["root"])) as space:
        return asdict(
            check_and_decide(
                space,
                names=what["names"],
                example_ids=what["ids"],
                again=what["again"],
                progress=sparing(),
            )
        )


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
