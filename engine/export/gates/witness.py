"""An independent witness of what other programs make of a GGUF: llama.cpp's own server."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from engine.errors import DependencyMissing, ExportError, GgufDamaged
from engine.runs.child import Job
from engine.serve.engines.launch import PACKAGE, Launched, LlamaOptions, launch_llama
from engine.serve.engines.shapes import installed

# A second copy of the weights for faster computing would only take memory.
_OPTIONS = LlamaOptions(context=512, warm_up=False, repack=False, verbosity=3)
_ANSWER_S = 120.0
_END_S = 5.0


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
    if not installed(PACKAGE):
        raise DependencyMissing(
            f"llama.cpp's own server is not installed ({PACKAGE})",
            hint=f"install it with: pip install {PACKAGE}",
        )
    launched = launch_llama(gguf, _OPTIONS)
    try:
        _wait(launched, gguf, job)
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(launched.socket)),
            base_url="http://witness",
            headers={"Authorization": f"Bearer {launched.key}"},
            timeout=_ANSWER_S,
            trust_env=False,
        ) as client:
            yield Witness(client)
    finally:
        launched.end(grace_s=_END_S)


def _wait(launched: Launched, gguf: Path, job: Job) -> None:
    """Wait until the server serves."""
    said = launched.process.stdout
    assert said is not None
    while not select.select([said], [], [], 0.3)[0]:
        job.check_stop()
    if said.readline().strip() != b"ready":
        raise GgufDamaged(
            f"llama.cpp's server can't load {gguf.name}", hint="stdout.log has its last words"
        )


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
