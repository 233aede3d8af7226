"""Keeps a program that serves a model: ``python -m engine.serve.engines.keeper NAME``.

The first line of its standard input is a JSON object: the command, in which ``{socket}`` and
``{key_file}`` stand for paths, variables for its environment, in which ``{key}`` stands for the
key, names of variables that it must not have, a socket's path and a key. The program ends when
this process does, and this process when its standard input does, whatever ended the process that
held the other end. It ends as the program does.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from engine.serve.protocol import ORPHANED
from engine.tether import tethered


def _environment(given: dict[str, Any]) -> dict[str, str]:
    dropped = tuple(given["without"])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        name: value.replace("{key}", given["key"]) for name, value in given["environment"].items()
    }


def _command(given: dict[str, Any]) -> list[str]:
    folder = Path(given["socket"]).parent
    key_file = folder / "key"
    command = [part.replace("{socket}", given["socket"]) for part in given["command"]]
    if any("{key_file}" in part for part in command):
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(given["key"] + "\n")
    return [part.replace("{key_file}", str(key_file)) for part in command]


def _watch(folder: Path) -> None:
    """End this process and the program when standard input ends."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _end_as(status: int) -> NoReturn:
    """End as the program did, and have what it started end too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    os._exit(status if status >= 0 else ORPHANED)


def main() -> NoReturn:
    """Run the program until it or standard input ends."""
    given = json.loads(sys.stdin.buffer.readline())
    program = subprocess.Popen(
        _command(given),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        env=_environment(given),
        preexec_fn=tethered(),
    )
    place = Path(given["socket"]).parent
    threading.Thread(target=_watch, args=(place,), daemon=True).start()
    _end_as(program.wait())


if __name__ == "__main__":
    main()
