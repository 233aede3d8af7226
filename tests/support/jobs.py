"""Small real jobs for the tests of the job protocol: ``python -m tests.support.jobs DIR KIND``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from engine.errors import DatasetMissing
from engine.runs.child import Job, run_job

STEPS = 20
GO = "go"


def main(directory: Path, kind: str) -> int:
    """Run the job of that kind in a job directory."""
    if kind == "silent":
        print("no such file: weights.bin", flush=True)
        return 3
    with Job(directory, notify=kind == "notify") as job:
        job.phase(kind)
        if kind in ("training", "loading"):
            # It heeds a stop request only once the test lets it, as a long step does.
            if kind == "training":
                job.write("step", step=1, total_steps=STEPS, loss=2.9)
            while not (directory / GO).exists():
                time.sleep(0.01)
            job.check_stop()
        elif kind == "steps":
            # The first step is said before the test lets the others go, so that what
            # happens in between happens in the middle of a job.
            for step in range(1, STEPS + 1):
                job.write("step", step=step, total_steps=STEPS, loss=3 - step / 10)
                wait_for(job, directory / GO)
            job.finish({"steps": STEPS})
        elif kind == "wait":
            wait_for(job, directory / GO)
        elif kind == "named":
            raise DatasetMissing("there is no dataset x", hint="freeze one")
        elif kind == "unexpected":
            raise ZeroDivisionError("one over nothing")
        elif kind == "full":
            with Path("/dev/full").open("wb", buffering=0) as full:
                full.write(b"x")
        elif kind in ("fill", "large"):
            with (directory / "weights.bin").open("wb", buffering=0) as weights:
                for _ in range(64):
                    weights.write(b"x" * 65536)
        elif kind == "notify":
            job.finish({"verdict": "worse-than-base"})
        elif kind == "hangup":
            os.kill(os.getpid(), signal.SIGHUP)
            job.finish({"survived": True})
        elif kind == "gpu":
            with job.gpu("card"):
                job.phase("holds the card")
                wait_for(job, directory / GO)
    return job.exit_status


def wait_for(job: Job, file: Path) -> None:
    """Wait until a file is there; a stop request ends the wait."""
    while not file.exists():
        job.check_stop()
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(run_job(lambda directory: main(directory, sys.argv[2]), Path(sys.argv[1])))
