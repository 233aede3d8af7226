"""Asking any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from engine.compose.address import KEY, key_for, parse
from engine.errors import (
    ComposeError,
    EndpointAnswerInvalid,
    EndpointBusy,
    EndpointElsewhere,
    EndpointInvalid,
    EndpointRefused,
    EndpointTimeout,
    EndpointUnreachable,
    PromptTooLong,
)
from engine.models import Turn

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 10.0
TIMEOUT_S = 300.0
MAX_BYTES = 4_000_000
"""The longest answer that is read, in bytes."""

ATTEMPTS = 5
MAX_WAIT_S = 120.0
"""The longest time that an endpoint may ask to wait before the next try, in seconds."""

_FIRST_WAIT_S = 0.5
_MAX_BACKOFF_S = 30.0
_MAX_REDIRECTS = 3
_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_UNFIT = frozenset({400, 422})
_TOO_LONG = ("prompt-too-long", "context_length_exceeded", "exceed_context_size_error")
_SAID = 300


class Endpoint:
    """A model behind an address.

    The key is held in this object alone: it is in no message, log or file.

    Args:
        base_url: The address before ``/chat/completions``, such as ``http://localhost:11434/v1``.
        model: The model's name there.
        key: The key; None takes the environment's, see :func:`engine.compose.address.key_for`.
        timeout_s: How long an answer may take, in seconds.
        attempts: How often a request is tried where the endpoint is busy or breaks off.
        sleep: Waits between two tries.

    Raises:
        EndpointInvalid: The address can't be used, or a key can't be sent there.
    """

    longest_prompt = 12_000
    spare_tokens = 1_000

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = parse(base_url)
        if not model.strip():
            raise EndpointInvalid("no model is named", hint="name one with --model")
        self.name = model.strip()
        self._key = _checked(key_for(self._address) if key is None else key.strip())
        if key and self._address.clear:
            raise EndpointInvalid(
                f"the key would cross the network to {self._address.shown} in the clear",
                hint="use https, or an endpoint on this machine",
            )
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._sleep = sleep
        self._client: httpx.Client | None = None
        self._reached = False
        self._limit_name = "max_tokens"
        self._left_out: set[str] = set()

    def __repr__(self) -> str:
        return f"Endpoint({self._address.shown!r}, {self.name!r})"

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def place(self) -> str:
        """Where texts are sent to, for a person."""
        return f"{self.name} at {self._address.shown}"

    def close(self) -> None:
        """Close the connections; closing again does nothing."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def write(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, seed: int
    ) -> str:
        """Return the model's answer; see :class:`engine.compose.writer.Writer`.

        Raises:
            EndpointUnreachable: Nothing answers there, or the connection broke.
            EndpointTimeout: No answer came in time.
            EndpointBusy: It asked to wait for longer than we do, or again and again.
            EndpointRefused: It refused the key, the model or the request.
            EndpointElsewhere: It points to another address.
            EndpointAnswerInvalid: Its answer is too large, or no chat completion.
            PromptTooLong: The messages don't fit the model.
        """
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": turn.role, "content": turn.content} for turn in messages],
            "stream": False,
            "temperature": temperature,
            "seed": seed,
        }
        for _ in range(4):
            sent = {name: value for name, value in body.items() if name not in self._left_out}
            status, answer = self._ask({**sent, self._limit_name: max_tokens})
            if status == 200:
                return self._text(answer)
            if status not in _UNFIT or not self._adapts(answer):
                break
        raise self._refusal(status, answer)

    # Requests

    def _ask(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Send a request until it is answered, and return the answer's status and bytes."""
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            wait = min(_FIRST_WAIT_S * 2 ** (attempt - 1), _MAX_BACKOFF_S) * (
                0.75 + random.random() / 2
            )
            try:
                status, asked, answer = self._once(body)
            except EndpointUnreachable:
                # A wrong address stays wrong; a connection that broke may come back.
                if last or not self._reached:
                    raise
            else:
                if status not in _LATER or self._is_final(answer):
                    return status, answer
                if last:
                    raise self._busy(status, answer, f"after {self._attempts} tries")
                wait = wait if asked is None else asked
                if wait > MAX_WAIT_S:
                    raise self._busy(status, answer, f"it asks to wait {wait:,.0f} s")
            self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _once(self, body: dict[str, Any]) -> tuple[int, float | None, bytes]:
        """Send a request and return status, the time it asks to wait, and the body."""
        import httpx  # 0.2 s

        url = self._address.url
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                with self._connected().stream("POST", url, json=body) as response:
                    self._reached = True
                    status = response.status_code
                    if 300 <= status < 400:
                        url = self._next_url(url, status, response.headers.get("location", ""))
                        continue
                    wait = _wait_of(response.headers.get("retry-after", ""))
                    return status, wait, self._read(response)
        except httpx.ConnectTimeout as error:
            raise self._unreachable(error) from error
        except httpx.TimeoutException as error:
            raise self._too_slow() from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        raise EndpointElsewhere(f"{self._address.shown} sends requests round in a circle")

    def _connected(self) -> httpx.Client:
        import httpx

        if self._client is None:
            headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._client = httpx.Client(
                headers=headers,
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                follow_redirects=False,
                # The environment's proxies are not for this machine.
                trust_env=not self._address.loopback,
                verify=self._address.scheme == "https",
            )
        return self._client

    def _next_url(self, url: str, status: int, target: str) -> str:
        """Return where a request is sent again; only within the same origin, and as it is."""
        if status in (307, 308) and target:
            try:
                after = parse(urljoin(url, target))
            except (EndpointInvalid, ValueError):
                after = None
            if after is not None and after.same_origin(self._address):
                return after.url
        raise EndpointElsewhere(
            f"{self._address.shown} points to another address ({status})",
            hint="name the address that answers; the key and the texts went nowhere else",
        )

    def _read(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise EndpointAnswerInvalid(
                f"the answer of {self._address.shown} is compressed, which was not asked for"
            )
        deadline = time.monotonic() + self._timeout_s
        data = bytearray()
        for chunk in response.iter_raw():
            data += chunk
            if len(data) > MAX_BYTES:
                raise EndpointAnswerInvalid(
                    f"the answer of {self._address.shown} is larger than {MAX_BYTES // 10**6} MB"
                )
            if time.monotonic() > deadline:
                raise self._too_slow()
        return bytes(data)

    # What answers mean

    def _text(self, answer: bytes) -> str:
        """Return the text of a chat completion."""
        try:
            value = json.loads(answer)
            message = value["choices"][0]["message"]
            content = message["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise EndpointAnswerInvalid(
                f"what {self._address.shown} answers is no chat completion",
                hint="does the address end in /v1, or what stands before /chat/completions?",
            ) from error
        if isinstance(content, list):
            parts = [part.get("text") for part in content if isinstance(part, dict)]
            content = "".join(part for part in parts if isinstance(part, str))
        if not isinstance(content, str):
            # A model that declines, or that spent all its tokens on thinking.
            return ""
        return content.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")

    def _adapts(self, answer: bytes) -> bool:
        """Say whether the request can be put another way, and remember that way.

        Some models take ``max_completion_tokens`` only, or no temperature or seed.
        """
        said = _error(answer)
        about = f"{said.get('param') or ''} {said.get('message') or ''}".lower()
        if self._limit_name == "max_tokens" and "max_completion_tokens" in about:
            self._limit_name = "max_completion_tokens"
            return True
        for name in ("temperature", "seed"):
            if name in about and name not in self._left_out:
                self._left_out.add(name)
                return True
        return False

    def _is_final(self, answer: bytes) -> bool:
        """Say whether waiting does not help: the account is empty."""
        said = _error(answer)
        return "insufficient_quota" in (said.get("code"), said.get("type"))

    def _refusal(self, status: int, answer: bytes) -> ComposeError | PromptTooLong:
        said = _error(answer)
        message = self._said(said)
        too_long = said.get("code") in _TOO_LONG or said.get("type") in _TOO_LONG
        if too_long or (status in _UNFIT and "context length" in message):
            return PromptTooLong(f"the text is too long for {self.name}{message}")
        if status in (401, 403):
            if self._address.clear:
                hint = "a key is not sent over plain http to another machine; use https"
            else:
                hint = f"set {KEY} to its key" if not self._key else f"is the key in {KEY} right?"
            return EndpointRefused(
                f"{self._address.shown} asks for another key ({status}){message}", hint=hint
            )
        if status == 404:
            return EndpointRefused(
                f"{self._address.shown} knows no such model or address (404){message}",
                hint=f"is {self.name} a model there, and does the address end in /v1?",
            )
        return EndpointRefused(
            f"{self._address.shown} refused the request ({status}){message}",
            hint="is it an endpoint for chat completions?",
        )

    def _busy(self, status: int, answer: bytes, why: str) -> EndpointBusy:
        return EndpointBusy(
            f"{self._address.shown} is busy ({status}), {why}{self._said(_error(answer))}",
            hint="what was written is kept; the same command goes on later",
        )

    def _said(self, said: dict[str, Any]) -> str:
        """Return the endpoint's own words, without the key that some repeat."""
        message = said.get("message")
        if not isinstance(message, str) or not message.strip():
            return ""
        words = " ".join(message.split())
        if self._key:
            words = words.replace(self._key, "•••")
        return ": " + (words if len(words) <= _SAID else words[: _SAID - 1] + "…")

    def _unreachable(self, error: Exception) -> EndpointUnreachable:
        return EndpointUnreachable(
            f"{self._address.shown} can't be reached: {error or type(error).__name__}",
            hint="is it running, and is the address right?",
        )

    def _too_slow(self) -> EndpointTimeout:
        return EndpointTimeout(
            f"{self._address.shown} did not answer within {self._timeout_s:,.0f} s",
            hint="give it more time with --timeout",
        )


def _checked(key: str) -> str:
    # The text of an encoding error would show the key.
    if any(not "!" <= sign <= "~" for sign in key):
        raise EndpointInvalid(
            "the key has a space or another sign that no key has", hint="copy it again"
        )
    return key


def _wait_of(header: str) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3)."""
    header = header.strip()
    if not header:
        return None
    try:
        return max(0.0, float(header)) if float(header) < 1e9 else 1e9
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _error(answer: bytes) -> dict[str, Any]:
    """Return the error that an answer holds, in the forms that servers give it."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return {"message": answer[:_SAID].decode("utf-8", "replace")}
    if not isinstance(value, dict):
        return {}
    inner = value.get("error", value)
    if isinstance(inner, dict):
        return inner
    return {"message": inner} if isinstance(inner, str) else {}
