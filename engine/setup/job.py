"""Installing parts, one after the other, by whoever holds the lock.

What went before an interruption is kept: a part counts when its packages are there whole, and
pip keeps what it has fetched and built.
"""

from __future__ import annotations

import compileall
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from engine.setup.parts import CORE, LLAMA, PARTS, Part
from engine.setup.pins import constraints, hashed, pins, signature
from engine.setup.pip import Echo, Moved, PipFailed, run, silent
from engine.setup.place import Place

_ECHO_SECONDS = 10.0
WANTED, STATUS, CURRENT = "wanted", "status", "current"
"""The small files: that the rest is to follow, where an installation is, which pins it had."""


def complete(part: Part, packages: dict[str, str]) -> bool:
    """Say whether all of a part is there."""
    return all(name in packages for name in part.everything)


class Installation:
    """An installation that holds the lock.

    Args:
        place: The environment.
        lock: The lock's descriptor.
        keep: Whether what is installed stays as it is, whatever the pins say.
        echo: Is given what a person may read.
    """

    def __init__(self, place: Place, lock: int, *, keep: bool = False, echo: Echo = silent) -> None:
        self._place = place
        self._lock = lock
        self._keep = keep
        self._echo = echo
        self._told = time.monotonic()
        self._status: dict[str, Any] = {"failed": {}, "began": time.time()}
        shutil.rmtree(place.scratch, ignore_errors=True)
        place.scratch.mkdir(parents=True)
        place.write(STATUS, self._status)
        for name in place.clear_interrupted():
            echo(f"{name} was half installed; it is installed again")

    def parts(self, parts: Sequence[Part] = PARTS) -> dict[str, str]:
        """Install what is lacking of some parts.

        Returns:
            Why, of those that failed, by the part's name.
        """
        hopeless: PipFailed | None = None
        for part in parts:
            if self._current(part):
                continue
            try:
                if hopeless is not None:
                    raise hopeless
                self._part(part)
            except PipFailed as failed:
                self._fail(part, failed)
                if failed.offline or failed.full:
                    hopeless = failed  # nor can what comes after it be installed
        self._say("", Moved("looking"))
        failures: dict[str, str] = {
            name: told["reason"] for name, told in self._status["failed"].items()
        }
        return failures

    def more(self, requirements: Sequence[str]) -> None:
        """Install other requirements beside the parts, with the same pins.

        Raises:
            PipFailed: pip ended with an error.
        """
        self._pip([*requirements], CORE)

    def compile(self) -> None:
        """Compile bytecode, which pip was told to leave out."""
        for site in self._place.sites:
            # Files of templates and of other versions of Python don't compile; that is no fault.
            compileall.compile_dir(site, quiet=2, workers=1)

    def _current(self, part: Part) -> bool:
        if not complete(part, self._place.packages()):
            return False
        return self._keep or self._place.read(CURRENT).get(part.name) == signature(part)

    def _part(self, part: Part) -> None:
        self._echo(f"\n{part.title}, for {part.purpose}")
        self._say(part.name, Moved("looking"))
        mark = signature(part)  # of the pins that pip is given, which may change meanwhile
        environment: dict[str, str] = {}
        options: list[str] = []
        if LLAMA in part.packages and LLAMA not in self._place.packages():
            environment, words = llama_environment()
            self._echo(words)
            options = ["--verbose"]  # only so does the compiler's progress come through
        if part.packages:
            self._pip([*options, *part.packages], part, environment)
        if part.alone:
            file = self._write("alone.txt", hashed(part.alone))
            self._pip(["--no-deps", "--requirement", str(file)], part)
        if not complete(part, self._place.packages()):
            raise PipFailed("pip installed it elsewhere than it is looked for")
        if not self._keep:
            self._place.write(CURRENT, self._place.read(CURRENT) | {part.name: mark})

    def _pip(
        self, arguments: list[str], part: Part, environment: dict[str, str] | None = None
    ) -> None:
        if "--no-deps" not in arguments:
            kept = self._place.packages() if self._keep else {}
            file = self._write("constraints.txt", constraints(kept))
            arguments = ["--constraint", str(file), *arguments]
        with self._log() as log:
            run(
                arguments,
                scratch=self._place.scratch,
                log=log,
                tell=lambda moved: self._say(part.name, moved),
                echo=self._echo,
                environment=environment,
                lock=self._lock,
            )

    def _log(self) -> IO[bytes]:
        return self._place.log.open("ab")

    def _write(self, name: str, text: str) -> Path:
        path = self._place.folder / name
        path.write_text(text, "utf-8")
        return path

    def _say(self, name: str, moved: Moved) -> None:
        same = self._status.get("part") == name and self._status.get("phase") == moved.phase
        self._status |= {
            "part": name,
            "phase": moved.phase,
            "what": moved.what,
            "done": moved.done,
            "total": moved.total,
        }
        if not same:
            self._status["since"] = time.time()
        self._place.write(STATUS, self._status)
        if moved.total and time.monotonic() - self._told > _ECHO_SECONDS:
            self._told = time.monotonic()
            self._echo(f"  … {moved.phase} {moved.what}, {100 * moved.done // moved.total}%")

    def _fail(self, part: Part, failed: PipFailed) -> None:
        self._echo(f"! {part.title}: {failed.reason}")
        self._status["failed"][part.name] = {"reason": failed.reason, "offline": failed.offline}
        self._place.write(STATUS, self._status)


def llama_environment() -> tuple[dict[str, str], str]:
    """Return the variables for compiling llama.cpp, and a sentence on what is compiled.

    Raises:
        PipFailed: There is nothing to compile with, and no ready wheel is offered.
    """
    flags, how = "-DLLAVA_BUILD=OFF", "for the processor (about 8 minutes on two cores)"
    nvcc = shutil.which("nvcc")
    if nvcc and shutil.which("nvidia-smi"):
        flags += " -DGGML_CUDA=on"
        how = f"with CUDA, since {nvcc} and a driver are there (10 to 30 minutes)"
    # cmake and ninja come along as wheels where they are missing; a compiler does not.
    compilers = (os.environ.get("CXX", ""), "c++", "g++", "clang++")
    if not any(shutil.which(name) for name in compilers if name) and not _offered():
        raise PipFailed(
            "there is no C++ compiler to compile it with; "
            "on Debian and Ubuntu: apt install build-essential"
        )
    words = f"{LLAMA} {pins()[LLAMA]} comes as source and is compiled {how}, once."
    return {"CMAKE_ARGS": os.environ.get("CMAKE_ARGS", flags)}, words


def _offered() -> bool:
    """Say whether folders of ready wheels are offered, which may hold this one."""
    return bool(os.environ.get("PIP_FIND_LINKS"))
