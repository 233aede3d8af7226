"""A job that a queued run becomes: ``python -m tests.support.queued_job RUN_DIR [resume …]``.

It writes down when it began and ended in a file that all runs of a test share, so that a test
sees the order, and whether two ran at once. ``fail`` in its folder lets it fail.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.runs.child import Job, run_job
from tests.support.jobs import GO, wait_for

COURSE = "course.txt"


def main(arguments: list[str]) -> int:
    """Run the job."""
    directory = Path(arguments[0])
    resume = "resume" in arguments[1:]
    with Job(directory, resumed_step=0 if resume else None) as job:
        _note(directory, f"begins {directory.name[-4:]}{' resumed' if resume else ''}")
        try:
            if (directory / "fail").exists():
                raise ZeroDivisionError("one over nothing")
            job.phase("training")
            wait_for(job, directory / GO)
        finally:
            _note(directory, f"ends {directory.name[-4:]}")
    return job.exit_status


def _note(directory: Path, line: str) -> None:
    handle = os.open(directory.parent / COURSE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


if __name__ == "__main__":
    sys.exit(run_job(main, sys.argv[1:]))
