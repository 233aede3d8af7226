"""Ollama's HTTP API, as https://docs.ollama.com/api documents it, in what an export needs.

A request goes to the one address that was named: redirects are refused. Answers are read with
limits, and a foreign text is shortened before it stands in a message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine.errors import (
    OllamaAnswerInvalid,
    OllamaElsewhere,
    OllamaError,
    OllamaRefused,
    OllamaTimeout,
    OllamaUnreachable,
    OllamaUploadCut,
)
from engine.export.ollama.address import Address
from engine.export.ollama.deadline import Deadline
from engine.export.ollama.failures import (
    error_in,
    no_ollama,
    refusal,
    short,
    timed_out,
    unreachable,
)

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
"""How long a short answer may take as a whole, in seconds."""
WORK_TIMEOUT_S = 600.0
"""How long Ollama may say nothing new while it makes or loads a model, in seconds."""
MOST_STATUSES = 1_000
"""How many different things Ollama may say while it makes a model."""
MOST_LINES = 100_000
"""How many lines an answer may have."""

_CHUNK = 1 << 20
_MAX_ANSWER = 16_000_000
_MAX_LINE = 1_000_000

Tell = Callable[[int, int], None]
Line = Mapping[str, Any]


class Ollama:
    """A running Ollama.

    Args:
        address: Where it listens.
        answer_s: How long a short request may take as a whole, in seconds.
        work_s: How long it may say nothing new while it works, in seconds.
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
            # Each request has a connection of its own, which its deadline can shut.
            limits=httpx.Limits(max_keepalive_connections=0),
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
        return short(found)

    def models(self) -> list[Line]:
        """Return the models that it has, each with ``name``, ``size`` and ``modified_at``.

        Raises:
            OllamaError: It does not say.
        """
        answer = self._json("GET", "/api/tags")
        found = answer.get("models", 0)
        if found is None:  # as Go writes a list that was never filled
            return []
        if not isinstance(found, list):
            raise self._no_ollama()
        for one in found:
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise self._no_ollama()
        return found

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
        deadline = Deadline(self._work_s)

        def pieces() -> Iterator[bytes]:
            sent = 0
            with path.open("rb") as file:
                while piece := file.read(_CHUNK):
                    deadline.renew()
                    tell(sent, size)
                    yield piece
                    sent += len(piece)
            deadline.renew()
            tell(sent, size)

        try:
            with self._sent(
                "POST",
                f"/api/blobs/{digest}",
                content=pieces(),
                headers={"Content-Length": str(size), "Content-Type": "application/octet-stream"},
                deadline=deadline,
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
            OllamaError: The connection broke, Ollama said nothing new for too long, or it said
                new things without end.
        """
        said: set[str] = set()
        last = ""
        with self._lines("/api/create", {**request, "stream": True}, "made the model") as lines:
            for line, deadline in lines:
                status = line.get("status")
                if not isinstance(status, str) or status in said:
                    continue
                last = status
                said.add(status)
                deadline.renew()
                if len(said) > MOST_STATUSES:
                    raise self._endless(f"{MOST_STATUSES:,} different things", last)
                yield short(last)
                if last == "success":
                    return
        raise OllamaRefused(
            f"Ollama at {self.address.shown} ended without making the model"
            + (f"; last it said: {short(last)}" if last else ""),
            hint="look into Ollama's own log, and run the same command again",
        )

    def chat(self, request: Mapping[str, object]) -> Iterator[Line]:
        """Ask a model and yield the parts of its answer; the last one holds the counts.

        Raises:
            OllamaRefused: The model can't be loaded, or fails.
            OllamaError: The connection broke, or Ollama said nothing more for too long.
        """
        with self._lines("/api/chat", {**request, "stream": True}, "answered") as lines:
            for line, deadline in lines:
                message = line.get("message")
                if isinstance(message, dict) and message.get("content"):
                    deadline.renew()
                yield line
                if line.get("done") is True:
                    return
        raise OllamaAnswerInvalid(
            f"the answer of Ollama at {self.address.shown} ends in the middle",
            hint="look into Ollama's own log, and run the same command again",
        )

    # Requests

    @contextmanager
    def _sent(
        self, method: str, path: str, *, deadline: Deadline | None = None, **what: Any
    ) -> Iterator[httpx.Response]:
        """Send a request and give its answer, of which nothing was read."""
        import httpx

        shown = self.address.shown
        with deadline or Deadline(self._answer_s) as limit:
            what |= {
                "timeout": httpx.Timeout(limit.seconds, connect=CONNECT_TIMEOUT_S),
                "extensions": {"trace": limit.trace},
            }
            try:
                with self._client.stream(method, path, **what) as response:
                    if 300 <= response.status_code < 400:
                        raise OllamaElsewhere(
                            f"{shown} points to another address ({response.status_code})",
                            hint="name the address that answers, with --host",
                        )
                    yield response
                # An answer that was shut may look like one that ended.
                if limit.expired:
                    raise OllamaTimeout("its time is over")
            except Exception as error:
                late = limit.expired or isinstance(error, httpx.TimeoutException)
                if late and not isinstance(error, httpx.ConnectTimeout):
                    raise timed_out(shown, limit.seconds) from error
                if isinstance(error, httpx.TransportError | httpx.InvalidURL):
                    raise unreachable(self.address, error) from error
                raise

    def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        within_s: float | None = None,
    ) -> Line:
        what = {} if body is None else {"json": body}
        deadline = Deadline(within_s or self._answer_s)
        with self._sent(method, path, deadline=deadline, **what) as response:
            answer = self._read(response)
        if response.status_code != 200:
            if response.status_code in (404, 405) and not error_in(answer):
                raise self._no_ollama()
            raise self._refusal(response.status_code, answer, f"was asked for {path}")
        return self._parsed(answer)

    @contextmanager
    def _lines(
        self, path: str, body: Mapping[str, object], did: str
    ) -> Iterator[Iterator[tuple[Line, Deadline]]]:
        """Send a request and give the objects of its answer, which come a line each.

        Each has the deadline beside it, which whoever reads renews where something new was said.
        """
        deadline = Deadline(self._work_s)
        with self._sent("POST", path, json=body, deadline=deadline) as response:
            if response.status_code != 200:
                raise self._refusal(response.status_code, self._read(response), f"has not {did}")
            yield ((line, deadline) for line in self._objects(response, did))

    def _objects(self, response: httpx.Response, did: str) -> Iterator[Line]:
        pending, count, size = bytearray(), 0, 0
        for piece in response.iter_raw():
            size += len(piece)
            pending += piece
            if len(pending) > _MAX_LINE and b"\n" not in pending:
                raise self._no_ollama()
            if b"\n" not in piece:
                continue
            *lines, rest = bytes(pending).split(b"\n")
            pending, count = bytearray(rest), count + len(lines)
            for line in lines:
                yield from self._line(line, did)
            if count > MOST_LINES or size > _MAX_ANSWER:
                raise self._endless(f"{MOST_LINES:,} lines or {_MAX_ANSWER:,} bytes", "")
        yield from self._line(bytes(pending), did)

    def _line(self, line: bytes, did: str) -> Iterator[Line]:
        if not line.strip():
            return
        found = self._parsed(line)
        if "error" in found:
            raise self._refusal(0, line, f"has not {did}")
        yield found

    def _read(self, response: httpx.Response) -> bytes:
        data = bytearray()
        for piece in response.iter_raw():
            data += piece
            if len(data) > _MAX_ANSWER:
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
        return no_ollama(self.address.shown)

    def _refusal(self, status: int, answer: bytes, did: str) -> OllamaError:
        return refusal(self.address.shown, status, answer, did)

    def _endless(self, much: str, last: str) -> OllamaAnswerInvalid:
        end = f"; last it said: {short(last)}" if last else ""
        return OllamaAnswerInvalid(
            f"Ollama at {self.address.shown} said more than {much}, and did not end{end}",
            hint="is it Ollama that answers there? Look into its own log",
        )
