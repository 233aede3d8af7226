"""The detached installation: ``python -m engine.setup``."""

from __future__ import annotations

import os
import signal
import sys

from engine.setup.job import WANTED, Installation
from engine.setup.parts import PARTS
from engine.setup.place import Place


def main() -> int:
    """Install what is wanted and lacking, unless somebody does so already."""
    # By an exception, so that pip ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.nice(10)  # A person who curates meanwhile goes first.
    place = Place()
    with place.locked() as lock:
        if lock is None:
            return 0
        keep = bool(place.read(WANTED).get("keep", True))
        installation = Installation(place, lock, keep=keep)
        failures = installation.parts(PARTS)
    # Without the lock: whoever waits for the packages need not wait for this.
    installation.compile()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
