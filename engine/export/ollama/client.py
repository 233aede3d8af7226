"""Ollama's HTTP API, as https://docs.ollama.com/api documents it, in what an export needs.

A request goes to the one address that was named: redirects are refused. Answers are read with
limits, and a foreign text is shortened before it stands in a message.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine.errors import (
    OllamaAnswerInvalid,
    OllamaDigestWrong,
    OllamaDiskFull,
    OllamaElsewhere,
    OllamaError,
    OllamaRefused,
    OllamaTimeout,
    OllamaUnreachable,
    OllamaUploadCut,
)
from engine.export.ollama.address import Address
from engine.text import inert

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
WORK_TIMEOUT_S = 600.0
"""How long Ollama may be silent while it makes or loads a model, in seconds."""

_CHUNK = 1 << 20
_MAX_ANSWER = 16_000_000
_MAX_LINE = 1_000_000
_SAID = 300
_FULL = ("no space left", "disk quota", "not enough space", "disk is full")

Tell = Callable[[int, int], None]
Line = Mapping[str, Any]


class Ollama:
    """A running Ollama.

    Args:
        address: Where it listens.
        answer_s: How long a short request may take, in seconds.
        work_s: How long it may be silent while it works, in seconds.
    """

    def __init__(
        self,
        address: Address,
        *,
        answer_s: float = ANSWER_TIMEOUT_S,
        work_s: float = WORK_TIMEOUT_S,
    ) -> None:
        import httpx  # 0.2 s

        self.address = address
        self._answer_s, self._work_s = answer_s, work_s
        self._client = httpx.Client(
            base_url=address.shown,
            auth=address.login,
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(answer_s, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            # The environment's proxies are not for this machine.
            trust_env=not address.loopback,
        )

    def __enter__(self) -> Ollama:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    # What is there

    def version(self) -> str:
        """Return Ollama's version, which shows that it is Ollama that answers.

        Raises:
            OllamaError: Nothing answers, or something else; its kind says which.
        """
        found = self._json("GET", "/api/version").get("version")
        if not isinstance(found, str) or not found:
            raise self._no_ollama()
        return _short(found)

    def models(self) -> list[Line]:
        """Return the models that it has, each with ``name``, ``size`` and ``modified_at``.

        Raises:
            OllamaError: It does not say.
        """
        found = self._json("GET", "/api/tags").get("models")
        if not isinstance(found, list | None):
            raise self._no_ollama()
        return [one for one in found or () if isinstance(one, dict)]

    def show(self, name: str) -> Line:
        """Return what it says of a model: ``template``, ``system``, ``parameters`` and more.

        Raises:
            OllamaError: It does not say.
        """
        return self._json("POST", "/api/show", {"model": name})

    def unload(self, name: str) -> None:
        """Take a model out of memory, so that the next prompt is read as a whole.

        Raises:
            OllamaError: It refuses.
        """
        asked = {"model": name, "keep_alive": 0, "stream": False}
        self._json("POST", "/api/generate", asked, within_s=self._work_s)

    # Giving it a model

    def has_blob(self, digest: str) -> bool:
        """Whether it has a file of a digest (``sha256:…``).

        Raises:
            OllamaError: It does not say.
        """
        with self._sent("HEAD", f"/api/blobs/{digest}") as response:
            if response.status_code in (200, 404):
                return response.status_code == 200
            raise self._refusal(response.status_code, b"", "was asked for a file")

    def push_blob(self, path: Path, digest: str, tell: Tell) -> None:
        """Send a file.

        Args:
            path: The file.
            digest: Its digest, ``sha256:…``.
            tell: Called with the bytes sent, and all; what it raises ends the sending.

        Raises:
            OllamaUploadCut: The connection broke.
            OllamaDigestWrong: Other bytes arrived than were sent.
            OllamaDiskFull: There is no room on the other side.
            OllamaError: It does not take the file for another reason.
        """
        size = path.stat().st_size

        def pieces() -> Iterator[bytes]:
            sent = 0
            with path.open("rb") as file:
                while piece := file.read(_CHUNK):
                    tell(sent, size)
                    yield piece
                    sent += len(piece)
            tell(sent, size)

        try:
            with self._sent(
                "POST",
                f"/api/blobs/{digest}",
                content=pieces(),
                headers={"Content-Length": str(size), "Content-Type": "application/octet-stream"},
                within_s=self._work_s,
            ) as response:
                answer = self._read(response)
        except OllamaUnreachable as error:
            raise OllamaUploadCut(
                f"the connection to Ollama at {self.address.shown} broke while "
                f"{path.name} was sent: {error.message.rpartition(': ')[2]}",
                hint="has its machine room on its disk? Then run the same command again",
            ) from error
        if response.status_code not in (200, 201):
            raise self._refusal(response.status_code, answer, f"was sent {path.name}")

    def create(self, request: Mapping[str, object]) -> Iterator[str]:
        """Make a model and yield what Ollama says of it, until it says ``success``.

        Raises:
            OllamaRefused: It can't be made.
            OllamaError: The connection broke, or Ollama fell silent.
        """
        last = ""
        for line in self._lines("/api/create", {**request, "stream": True}, "made the model"):
            last = str(line.get("status") or last)
            yield _short(last)
        if last != "success":
            raise OllamaRefused(
                f"Ollama at {self.address.shown} ended without making the model"
                + (f"; last it said: {_short(last)}" if last else ""),
                hint="look into Ollama's own log, and run the same command again",
            )

    def chat(self, request: Mapping[str, object]) -> Iterator[Line]:
        """Ask a model and yield the parts of its answer; the last one holds the counts.

        Raises:
            OllamaRefused: The model can't be loaded, or fails.
            OllamaError: The connection broke, or Ollama fell silent.
        """
        done = False
        for line in self._lines("/api/chat", {**request, "stream": True}, "answered"):
            done = bool(line.get("done"))
            yield line
        if not done:
            raise OllamaAnswerInvalid(
                f"the answer of Ollama at {self.address.shown} ends in the middle",
                hint="look into Ollama's own log, and run the same command again",
            )

    # Requests

    @contextmanager
    def _sent(
        self, method: str, path: str, *, within_s: float | None = None, **what: Any
    ) -> Iterator[httpx.Response]:
        """Send a request and give its answer, of which nothing was read."""
        import httpx

        timeout = httpx.Timeout(within_s or self._answer_s, connect=CONNECT_TIMEOUT_S)
        shown = self.address.shown
        try:
            with self._client.stream(method, path, timeout=timeout, **what) as response:
                if 300 <= response.status_code < 400:
                    raise OllamaElsewhere(
                        f"{shown} points to another address ({response.status_code})",
                        hint="name the address that answers, with --host",
                    )
                yield response
        except httpx.ConnectTimeout as error:
            raise self._unreachable(error) from error
        except httpx.TimeoutException as error:
            raise OllamaTimeout(
                f"Ollama at {shown} did not answer within {timeout.read:,.0f} s",
                hint="is its machine busy or swapping? Run the same command again later",
            ) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error

    def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        within_s: float | None = None,
    ) -> Line:
        what = {} if body is None else {"json": body}
        with self._sent(method, path, within_s=within_s, **what) as response:
            answer = self._read(response)
        if response.status_code != 200:
            if response.status_code in (404, 405) and not _error(answer):
                raise self._no_ollama()
            raise self._refusal(response.status_code, answer, f"was asked for {path}")
        return self._parsed(answer)

    def _lines(self, path: str, body: Mapping[str, object], did: str) -> Iterator[Line]:
        """Send a request and yield the objects of its answer, which come a line each."""
        with self._sent("POST", path, json=body, within_s=self._work_s) as response:
            if response.status_code != 200:
                raise self._refusal(response.status_code, self._read(response), f"has not {did}")
            pending = b""
            for piece in response.iter_raw():
                *lines, pending = (pending + piece).split(b"\n")
                if len(pending) > _MAX_LINE:
                    raise self._no_ollama()
                for line in lines:
                    yield from self._line(line, did)
            yield from self._line(pending, did)

    def _line(self, line: bytes, did: str) -> Iterator[Line]:
        if not line.strip():
            return
        found = self._parsed(line)
        if "error" in found:
            raise self._refusal(0, line, f"has not {did}")
        yield found

    def _read(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + self._work_s
        data = bytearray()
        for piece in response.iter_raw():
            data += piece
            if len(data) > _MAX_ANSWER or time.monotonic() > deadline:
                raise self._no_ollama()
        return bytes(data)

    def _parsed(self, data: bytes) -> Line:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._no_ollama() from error
        if not isinstance(found, dict):
            raise self._no_ollama()
        return found

    # What went wrong

    def _no_ollama(self) -> OllamaAnswerInvalid:
        return OllamaAnswerInvalid(
            f"what answers at {self.address.shown} is not Ollama",
            hint="name Ollama's address with --host, or in OLLAMA_HOST; its port is mostly 11434",
        )

    def _unreachable(self, error: Exception) -> OllamaUnreachable:
        hint = "start it with `ollama serve`"
        if not self.address.loopback:
            hint = "is the address right, and does Ollama listen there (OLLAMA_HOST=0.0.0.0)?"
        return OllamaUnreachable(
            f"Ollama can't be reached at {self.address.shown}: {error or type(error).__name__}",
            hint=hint,
        )

    def _refusal(self, status: int, answer: bytes, did: str) -> OllamaError:
        said = _error(answer)
        words = f": {said}" if said else ""
        number = f" ({status})" if status else ""
        message = f"Ollama at {self.address.shown} {did}, and failed{number}{words}"
        if did.startswith("has not"):
            message = f"Ollama at {self.address.shown} {did}{number}{words}"
        if any(full in said.lower() for full in _FULL) or status == 507:
            hint = "free some space on Ollama's machine, and run the same command again"
            return OllamaDiskFull(message, hint=hint)
        if "digest" in said.lower():
            hint = "run the same command again; if it fails again, something on the way changes it"
            return OllamaDigestWrong(message, hint=hint)
        if status in (401, 403):
            hint = "does a server in front of Ollama ask for a login, or refuse this host?"
            return OllamaRefused(message, hint=hint)
        return OllamaRefused(message, hint="look into Ollama's own log, or try a newer version")


def _short(text: str) -> str:
    words = inert(" ".join(text.split()))
    return words if len(words) <= _SAID else words[: _SAID - 1] + "…"


def _error(answer: bytes) -> str:
    """Return the error in an answer; empty where there is none."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    said = found.get("error") if isinstance(found, dict) else None
    return _short(said) if isinstance(said, str) else ""
