"""Starting a job as a child that outlives the process, the terminal and the line it came from."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.child import child_environment, environment_without_secrets
from engine.errors import RunFailed
from engine.paths import shorten
from engine.plain import open_own
from engine.runs.control import clear_requests
from engine.runs.events import LOG_FILE
from engine.runs.folder import check_folder
from engine.runs.hold import INHERITED, Held, Hold, take
from engine.runs.life import check_free, elsewhere, look
from engine.runs.process import ProcessInfo, adopt, identify, write_process


def launch(
    job_dir: Path,
    module: str,
    arguments: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    force: bool = False,
    keep: Sequence[int] = (),
    before: Callable[[], object] = lambda: None,
) -> ProcessInfo:
    """Start ``python -m MODULE JOB_DIR ARGUMENTS`` detached from the terminal.

    The child leads a session of its own, reads nothing, and writes its output to
    ``stdout.log``; a hang-up of the terminal does not reach it. It inherits the lock
    of its folder, which is taken here.

    Args:
        job_dir: The job directory; it is made.
        module: The module to run; its first argument will be the directory.
        arguments: What follows.
        environment: Variables to add to this process's own.
        force: Start it also where its job was heard elsewhere lately. A lock that is
            held refuses all the same.
        keep: Open files that the child inherits and keeps open, such as a seat; see
            :mod:`engine.runs.seats`.
        before: Called once the folder is held, just before the child is started; what it raises
            ends the launch.

    Returns:
        The child's identity, which is also written to ``process.json``.

    Raises:
        RunActive: The directory's job still runs, here or elsewhere.
        PathUnusable: A link or a pipe is in the place of a file that a job writes.
        RunFailed: The child could not be started.
    """
    job_dir = job_dir.resolve()
    name = f"the job in {shorten(job_dir)}"
    hint = "stop it first, or follow it"
    check_free(job_dir, what=name, hint=hint, force=force)
    try:
        job_dir.mkdir(parents=True, exist_ok=True)
        check_folder(job_dir)
        hold = take(job_dir)
    except Held as error:  # another launcher was quicker
        check_free(job_dir, what=name, hint=hint)
        raise elsewhere(name, look(job_dir), hint) from error
    except OSError as error:
        raise _not_started(error) from error
    try:
        clear_requests(job_dir)
        before()
        return _start(
            [sys.executable, "-P", "-m", module, str(job_dir), *arguments],
            hold,
            environment,
            job_dir,
            keep,
        )
    finally:
        hold.close()


def _start(
    command: Sequence[str],
    hold: Hold,
    environment: Mapping[str, str] | None,
    job_dir: Path,
    keep: Sequence[int],
) -> ProcessInfo:
    """Start the child, which inherits the lock, and write down which process it is."""
    try:
        log = open_own(job_dir, LOG_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with os.fdopen(log, "ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=job_dir,
                env={
                    **environment_without_secrets(),
                    **child_environment(),
                    **(environment or {}),
                    INHERITED: f"{hold.handle}:{hold.kind}",
                },
                pass_fds=(hold.handle, *keep),
                start_new_session=True,
            )
    except OSError as error:
        raise _not_started(error) from error
    adopt(child, job_dir)
    info = identify(child.pid)
    if info is None:  # only where a zombie can't be looked at: it has ended already
        info = ProcessInfo(child.pid, start_time=-1.0, boot_id="", launched_at=time.time())
    info = replace(info, lock=hold.kind)
    write_process(job_dir, info)
    return info


def _not_started(error: OSError) -> RunFailed:
    return RunFailed(f"the job could not be started: {error}", hint="see `finetui doctor`")
