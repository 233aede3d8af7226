"""An independent witness of what other programs make of a GGUF: llama.cpp's own server."""

from __future__ import annotations

import contextlib
import importlib.util
import secrets
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from engine.child import child_environment, environment_without_secrets
from engine.errors import DependencyMissing, ExportError, GgufDamaged
from engine.runs.child import Job

PACKAGE = "xllamacpp"
_CONTEXT = 512
_ANSWER_S = 120.0
_LINES_KEPT = 5


class Refused(ExportError):
    """The server does not take a request; the message has its words."""

    code = "witness-refused"


class Witness:
    """A running server; :func:`witness` gives one."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return messages as the file's own template writes them, before an answer.

        Raises:
            Refused: The template does not take them.
        """
        return str(self._ask("/apply-template", {"messages": list(messages)})["prompt"])

    def ids(self, text: str) -> list[int]:
        """Return a text's ids, with what the file says to add to a text.

        Raises:
            Refused: The server does not take the text.
        """
        asked = {"content": text, "add_special": True, "parse_special": True}
        return [int(index) for index in self._ask("/tokenize", asked)["tokens"]]

    def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        try:
            answer = self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise GgufDamaged(
                f"llama.cpp's server broke off: {type(error).__name__}",
                hint="stdout.log has its last words; export again",
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise Refused(f"llama.cpp's server refuses it: {_words(answer)}")
        return answer.json()


@contextlib.contextmanager
def witness(gguf: Path, job: Job) -> Iterator[Witness]:
    """Start a server around a file, for as long as the context lasts.

    Args:
        gguf: The file.
        job: Is asked whether to stop.

    Raises:
        DependencyMissing: The server's package is not installed.
        GgufDamaged: The file can't be loaded.
        JobStopped: The job was asked to stop.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise DependencyMissing(
            f"llama.cpp's own server is not installed ({PACKAGE})",
            hint=f"install it with: pip install {PACKAGE}",
        )
    key = secrets.token_urlsafe(32)
    # A socket's path has to be short, which the job's folder may not be.
    with tempfile.TemporaryDirectory(prefix="finetui-") as folder:
        socket = Path(folder) / "w.sock"
        command = [sys.executable, "-P", "-m", "engine.export.gates.server"]
        child = subprocess.Popen(
            [*command, str(gguf), str(socket), str(_CONTEXT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment_without_secrets(), **child_environment()},
        )
        try:
            _wait(child, key, gguf, job)
            with httpx.Client(
                transport=httpx.HTTPTransport(uds=str(socket)),
                base_url="http://witness",
                headers={"Authorization": f"Bearer {key}"},
                timeout=_ANSWER_S,
                trust_env=False,
            ) as client:
                yield Witness(client)
        finally:
            _end(child)


def _wait(child: subprocess.Popen[bytes], key: str, gguf: Path, job: Job) -> None:
    """Give the child its key, and wait until it serves."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(f"{key}\n".encode())
        child.stdin.flush()
    while not select.select([child.stdout], [], [], 0.3)[0]:
        job.check_stop()
    if child.stdout.readline().strip() != b"ready":
        raise GgufDamaged(
            f"llama.cpp's server can't load {gguf.name}", hint="stdout.log has its last words"
        )


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
