"""The process of a run in the queue: ``python -m engine.runs.waiting RUN_DIR MODULE``.

It holds the run's folder, waits for its turn, and then becomes the run: ``exec`` keeps its
number, its session and the locks it holds. It loads nothing of what the run needs, so a run that
waits takes little memory.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from engine.errors import FinetuiError
from engine.runs.control import kill_requested, stop_requested
from engine.runs.hold import INHERITED, Held, Hold, take
from engine.runs.queue import try_seat, wake
from engine.runs.tickets import drop_ticket, read_ticket, waits
from engine.trust import covers, require_plain, run_items

LOOK_S = 1.0
_WAKE_EVERY = 5


def main(arguments: list[str]) -> int:
    """Wait for the turn of a run, and become it.

    Returns:
        The exit status, where it shall not run after all.
    """
    directory, module = Path(arguments[0]), arguments[1]
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        hold = take(directory)
        seat = _wait(directory, module, hold)
    except Held:
        print("another process has taken over this folder", file=sys.stderr, flush=True)
        return 1
    ticket = read_ticket(directory)
    if seat is not None and ticket is not None:
        _become(hold, seat, [module, str(directory), *ticket.arguments])
    return 0


def _become(hold: Hold, seat: int, words: list[str]) -> NoReturn:
    """Run a module in place of this program, with the locks that this process holds."""
    # Both files stay open in what this process becomes.
    for handle in (hold.handle, seat):
        os.set_inheritable(handle, True)
    os.environ[INHERITED] = f"{hold.handle}:{hold.kind}"
    os.execv(sys.executable, [sys.executable, "-P", "-m", *words])


def _wait(directory: Path, module: str, hold: Hold) -> int | None:
    """Return the seat once it is the run's turn; None where it was taken out of the queue."""
    looks = 0
    while True:
        hold.touch()
        if stop_requested(directory) or kill_requested(directory):
            drop_ticket(directory)
            return None
        if not waits(directory, read_ticket(directory)):
            return None
        if (seat := try_seat(directory)) is not None:
            return seat
        if looks % _WAKE_EVERY == 0:
            # Others whose process died, such as for want of memory, are not left behind.
            wake(directory.parent, module, allowed=may_start)
        looks += 1
        time.sleep(LOOK_S)


def may_start(directory: Path) -> bool:
    """Say whether a run may be started without asking: its workspace is trusted with it."""
    from engine.runs.state import read_spec

    root = directory.parent.parent
    spec = read_spec(directory)
    items = run_items(str(spec.get("base_dir", "")), str(spec.get("report_to", "none")))
    try:
        require_plain(root, directory)
    except FinetuiError:
        return False
    return covers(root, items)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
