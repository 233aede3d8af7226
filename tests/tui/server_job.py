"""A job in a server's folder that lives until it is stopped.

What the server says of itself is written by the test, in the documented form; that it runs, on
which machine, and how it ended is told by the job protocol, as with a real server.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from engine.gateway.spec import server_dir
from engine.gateway.state import STATE_FILE
from engine.paths import write_atomic
from engine.runs import launch, request_stop, state, wait_until_gone
from engine.runs.child import Job, run_job
from engine.runs.process import read_process
from engine.workspace import Workspace
from tests.support.jobs import wait_for
from tests.support.waiting import wait_until
from tests.tui.scripted import RUN

URL = "http://127.0.0.1:8090"

SERVING = {
    "phase": "serving", "url": URL, "socket": "/run/server.sock", "model": "brief:q4_k_m",
    "run": RUN, "quant": "q4_k_m", "engine": "native", "next": "", "requests": 1204, "failed": 0,
    "active": 0, "waiting": 0, "prompt_tokens": 81_200, "tokens": 45_678, "tokens_per_s": 0.0,
    "memory": 412_000_000, "swaps": 0, "restarts": 0, "said": "", "open": False,
}  # fmt: skip


def says(root: Path, **changes: Any) -> None:
    """Write what a server says of itself, as the server does."""
    now = time.time()
    told = {**SERVING, "started": now - 725, "at": now, **changes}
    directory = server_dir(root)
    directory.mkdir(exist_ok=True)
    write_atomic(directory / STATE_FILE, json.dumps(told).encode())


@contextmanager
def running_job(workspace: Workspace, **changes: Any) -> Iterator[psutil.Process]:
    """Run a job in the server's folder that says it serves."""
    directory = server_dir(workspace.root)
    says(workspace.root, **changes)
    launch(directory, "tests.tui.server_job")
    info = read_process(directory)
    assert info is not None
    try:
        wait_until(lambda: state(directory).status == "running", what="the job runs")
        yield psutil.Process(info.pid)
    finally:
        request_stop(directory)
        assert wait_until_gone(directory)


def main(directory: Path) -> int:
    """Live until a stop is asked for; the last word is that of a server that was asked to end."""
    with Job(directory) as job:
        job.phase("serving")
        try:
            wait_for(job, directory / "never")
        finally:
            told = json.loads((directory / STATE_FILE).read_bytes())
            write_atomic(directory / STATE_FILE, json.dumps({**told, "phase": "ended"}).encode())
    return job.exit_status


if __name__ == "__main__":
    sys.exit(run_job(main, Path(sys.argv[1])))
