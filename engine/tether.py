"""Children that end with the process that started them, however that one ended.

A job that is killed can tell its children nothing, and a stop request no longer reaches them. On
Linux the kernel ends them: ``prctl(PR_SET_PDEATHSIG)``, which holds for as long as the thread lives
that started the child; so a caller waits for its child in that thread. Elsewhere a child lives on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tethered() -> Callable[[], None] | None:
    """Return what a new child runs before its program (``preexec_fn``); None where nothing does it.

    All that it needs is loaded here: in the child other threads' locks stay closed.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    parent, end = os.getpid(), int(signal.SIGKILL)

    def tether() -> None:
        prctl(_PR_SET_PDEATHSIG, end)
        if os.getppid() != parent:  # it ended before the kernel was told
            os._exit(1)

    return tether
