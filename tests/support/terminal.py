"""What a person's shell would run in a terminal: launches a job, and stays.

``python -m tests.support.terminal JOB_DIR``. It prints its own number and that of a
child that is *not* detached, by which a test sees that the terminal really hung up.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.runs import launch


def main() -> None:
    """Launch the job and wait at the terminal."""
    launch(Path(sys.argv[1]), "tests.support.jobs", ["steps"])
    plain = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(f"plain child {plain.pid}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
