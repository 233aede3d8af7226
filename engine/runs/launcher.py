"""Starting a job as a child that outlives the process, the terminal and the line it came from."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.child import child_environment, environment_without_secrets
from engine.errors import RunActive, RunFailed
from engine.paths import shorten
from engine.runs.control import clear_requests
from engine.runs.events import LOG_FILE
from engine.runs.process import ProcessInfo, adopt, identify, is_alive, write_process


def launch(
    job_dir: Path,
    module: str,
    arguments: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
) -> ProcessInfo:
    """Start ``python -m MODULE JOB_DIR ARGUMENTS`` detached from the terminal.

    The child leads a session of its own, reads nothing, and writes its output to
    ``stdout.log``; a hang-up of the terminal does not reach it.

    Args:
        job_dir: The job directory; it is made.
        module: The module to run; its first argument will be the directory.
        arguments: What follows.
        environment: Variables to add to this process's own.

    Returns:
        The child's identity, which is also written to ``process.json``.

    Raises:
        RunActive: The directory's job still runs.
        RunFailed: The child could not be started.
    """
    if is_alive(job_dir):
        raise RunActive(
            f"the job in {shorten(job_dir)} is still running",
            hint="stop it first, or follow it",
        )
    job_dir = job_dir.resolve()
    job_dir.mkdir(parents=True, exist_ok=True)
    clear_requests(job_dir)
    command = [sys.executable, "-P", "-m", module, str(job_dir), *arguments]
    try:
        with (job_dir / LOG_FILE).open("ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=job_dir,
                env={**environment_without_secrets(), **child_environment(), **(environment or {})},
                start_new_session=True,
            )
    except OSError as error:
        raise RunFailed(
            f"the job could not be started: {error}", hint="see `finetui doctor`"
        ) from error
    adopt(child)
    info = identify(child.pid)
    if info is None:  # only where a zombie can't be looked at: it has ended already
        info = ProcessInfo(child.pid, start_time=-1.0, boot_id="", launched_at=time.time())
    write_process(job_dir, info)
    return info
