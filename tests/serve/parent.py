"""A process that starts a worker, says its number, and waits: ``… FILE``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from engine.serve.pool import Worker


def main() -> None:
    """Start a worker in a thread that ends, and wait for the end of the input."""
    started: list[Worker] = []
    thread = threading.Thread(
        target=lambda: started.append(Worker.start(Path(sys.argv[1]), context=512))
    )
    thread.start()
    thread.join()
    print(started[0].pid, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
