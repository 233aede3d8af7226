"""Leave when the terminal goes away.

A closed terminal signals the leader of its session alone. Where that is a program that
waits for its children (`make run` started by ssh or tmux), the app would hear nothing
and stay, with the models that it has loaded.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading

INTERVAL_S = 1.0


def terminal_is_gone(descriptor: int) -> bool:
    """Return whether the terminal behind a file descriptor was closed."""
    try:
        termios.tcgetattr(descriptor)
    except (termios.error, OSError):
        return True
    return False


def leave_with_terminal() -> None:
    """Watch the terminal in a daemon thread; when it is closed, end as by its hang-up signal.

    Nothing is lost: each decision is on the disk already, and runs are processes of their own.
    A parent such as ``nohup`` may have had the signal ignored. Then the process ends itself:
    Textual's input thread would read end-of-file without a pause for ever.
    """
    descriptor = sys.stdin.fileno()

    def watch() -> None:
        while not forever.wait(INTERVAL_S):
            if terminal_is_gone(descriptor):
                os.kill(os.getpid(), signal.SIGHUP)
                forever.wait(INTERVAL_S)
                os._exit(128 + signal.SIGHUP)  # it was ignored, or its handler did not end us

    forever = threading.Event()
    threading.Thread(target=watch, name="terminal", daemon=True).start()
