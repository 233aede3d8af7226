"""An app's export over HTTP, and everything that can go wrong with it.

The request is ``POST`` with a bearer token and the options as JSON. The answer may be the
rows as JSONL or JSON, a link to them on the same host, or a note that the app saved them on
its own machine. The token goes to the origin that the person named and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import (
    AddressRefused,
    AppAnswerInvalid,
    AppElsewhere,
    AppFailed,
    AppKeptExport,
    AppTimeout,
    FinetuiError,
    SourceEmpty,
    TokenMissing,
    TokenRefused,
)
from engine.sources.items import Item
from engine.sources.memory.address import Address, parse, same_origin
from engine.sources.memory.answer import Linked, Saved, Sent, judge
from engine.sources.memory.body import Body, Filling, too_large
from engine.sources.memory.choices import Choices
from engine.sources.memory.failures import named, status_error
from engine.sources.memory.token import VARIABLE, Token, forget, token_for

if TYPE_CHECKING:
    import httpx

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_KEEP_METHOD = frozenset((307, 308))
_EXPORT_END, _DOWNLOAD_END = "/export", "/download"
_ACCEPT = "application/x-ndjson, application/jsonl, application/json"
_ASK_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is waited for and read.

    Attributes:
        connect_s: Seconds until a connection must stand.
        silence_s: Seconds that an app may be silent, such as while it makes the export.
        total_s: Seconds that the whole export may take.
        bytes: The most bytes of an answer.
        redirects: How often an app may point to another address of its own.
    """

    connect_s: float = 10.0
    silence_s: float = 300.0
    total_s: float = 900.0
    bytes: int = 500_000_000
    redirects: int = 5


LIMITS = Limits()


def exported(
    text: str, choices: Choices, keep_going: Callable[[], None], limits: Limits = LIMITS
) -> Item:
    """Ask an app for its memory and return what it sends as a file of a source.

    Args:
        text: The app's address, or that of its export.
        choices: What is asked for, and how long it may take.
        keep_going: Called several times a second; what it raises ends the asking.
        limits: What holds besides.

    Raises:
        AddressRefused: The address holds a secret, or the token would travel in the clear.
        TokenMissing: There is no token for it; offer one and ask again.
        TokenRefused: The app does not accept the token.
        SourceError: Anything else that keeps the export from coming.
    """
    address = parse(text)
    if address.clear and not choices.insecure:
        raise AddressRefused(
            f"the token would travel to {address.shown} unencrypted, for anybody to read",
            hint="use its https address, or set insecure=yes on a network that you trust",
        )
    token = token_for(text)
    if token is None:
        raise TokenMissing(
            f"{address.shown} asks for a token", hint=f"set {VARIABLE}, or type it when asked"
        )
    exchange = _Exchange(choices, token, replace(limits, total_s=choices.timeout_s))
    body = _finished(exchange, address, keep_going)
    return body.item()


def _finished(exchange: _Exchange, address: Address, keep_going: Callable[[], None]) -> Body:
    """Run an exchange, and raise what goes wrong as an error of ours.

    The errors of the HTTP library hold the request and with it the token. So ours are not
    raised from them, nor while they are handled, and begin here.
    """
    import httpx

    failure: FinetuiError | None = None
    try:
        return asyncio.run(exchange.within(address, keep_going))
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        failure = named(error, exchange.at.shown, exchange.read, exchange.limits)
    except TimeoutError:
        failure = AppTimeout(
            f"{exchange.at.shown} was not done after {exchange.limits.total_s:,.0f} s",
            hint="have the app export less, or set timeout to more seconds",
        )
    except FinetuiError as error:
        failure = error
    if isinstance(failure, TokenRefused):
        # A token that is refused once is asked for again.
        forget(address.url)
    failure.__cause__ = failure.__context__ = None
    # What an app sent stands in the variables of the frames below, and may repeat the token.
    raise failure.with_traceback(None)


class _Exchange:
    """One conversation with an app: the request, where it leads, and the answer."""

    def __init__(self, choices: Choices, token: Token, limits: Limits) -> None:
        self.limits = limits
        self.read = 0
        self.at = Address("", "", "", False, False)
        self._choices = choices
        self._token = token
        self._redirects = 0

    async def within(self, address: Address, keep_going: Callable[[], None]) -> Body:
        """Ask, for as long as there is time and the person has not stopped it."""
        self.at = address
        task = asyncio.create_task(self._answer(address))
        try:
            async with asyncio.timeout(self.limits.total_s):
                while not task.done():
                    keep_going()
                    await asyncio.wait({task}, timeout=_ASK_AGAIN_S)
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _answer(self, address: Address) -> Body:
        async with self._client(address) as client:
            body = await self._ask(client, "POST", address)
            found = judge(body, self._token, self.at.shown)
            if isinstance(found, Linked):
                body = await self._linked(client, found)
            elif isinstance(found, Saved):
                body = await self._saved(client, address, found)
            return body

    async def _linked(self, client: httpx.AsyncClient, found: Linked) -> Body:
        target = same_origin(self.at, found.address)
        if target is None:
            raise AppElsewhere(
                f"{self.at.shown} points to another host for its export, which gets no token",
                hint="download the file yourself and add it: finetui sources add memory PATH",
            )
        body = await self._ask(client, "GET", target)
        if not isinstance(judge(body, self._token, self.at.shown), Sent):
            raise AppAnswerInvalid(
                f"{self.at.shown} answered with yet another link instead of the export",
                hint="download the file yourself and add it: finetui sources add memory PATH",
            )
        return body

    async def _saved(self, client: httpx.AsyncClient, address: Address, found: Saved) -> Body:
        """Fetch what an app saved from beside its export, where it has it there."""
        head, end, _ = address.url.partition("?")[0].rpartition(_EXPORT_END)
        target = same_origin(address, head + _DOWNLOAD_END) if end else None
        if target is not None:
            try:
                body = await self._ask(client, "GET", target)
                if isinstance(judge(body, self._token, target.shown), Sent):
                    return body
            except (AppFailed, AppAnswerInvalid, AppElsewhere, SourceEmpty, TokenRefused):
                pass
        message, hint = found.told(address.shown)
        raise AppKeptExport(message, hint=hint)

    def _client(self, address: Address) -> httpx.AsyncClient:
        import httpx

        secure = address.url.startswith("https:")
        return httpx.AsyncClient(
            timeout=httpx.Timeout(self.limits.silence_s, connect=self.limits.connect_s),
            verify=_certificates() if secure else False,
            # A proxy sees all of plain http; what is for this machine goes to none at all.
            trust_env=secure and not address.loopback,
            follow_redirects=False,
            headers={"Accept": _ACCEPT, "Accept-Encoding": "gzip", "User-Agent": "finetui"},
        )

    async def _ask(self, client: httpx.AsyncClient, method: str, address: Address) -> Body:
        """Send a request, follow it within the origin, and return the answer's bytes."""
        while True:
            self.at, self.read = address, 0
            async with client.stream(
                method,
                address.url,
                json=self._wanted() if method == "POST" else None,
                auth=_bearer(self._token),
            ) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._taken(response)
                method, address = self._redirected(response, method)

    def _wanted(self) -> dict[str, Any]:
        return {
            "format": self._choices.format,
            "quality_filter": self._choices.quality_filter,
            "deduplicate": self._choices.deduplicate,
            "include_system": self._choices.include_system,
            "validation_split": self._choices.validation_split,
        }

    def _redirected(self, response: httpx.Response, method: str) -> tuple[str, Address]:
        location = response.headers.get("location", "")
        if not location:
            raise AppFailed(
                f"{self.at.shown} sends elsewhere without saying where ({response.status_code})",
                hint="see the app's manual for the address of its export",
            )
        target = same_origin(self.at, location)
        if target is None:
            raise AppElsewhere(
                f"{self.at.shown} sends to another host, which gets no token",
                hint="name the app's own address, with https and the port if it has them",
            )
        self._redirects += 1
        if self._redirects > self.limits.redirects:
            raise AppFailed(
                f"{self.at.shown} sends from one address to the next without end",
                hint="name the address that it ends at",
            )
        return (method if response.status_code in _KEEP_METHOD else "GET"), target

    async def _taken(self, response: httpx.Response) -> Body:
        error = status_error(response, self.at.shown)
        if error is not None:
            raise error
        declared = response.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self.limits.bytes:
            raise too_large(self.at.shown, self.limits.bytes)
        encoding = response.headers.get("content-encoding", "")
        filling = Filling(encoding, self.limits.bytes, self._token, self.at.shown)
        async for chunk in response.aiter_raw():
            filling.take(chunk)
            self.read = filling.body.size
        return filling.finish()


def _certificates() -> Any:
    """Return the certificates that the machine trusts; where it has none, those of certifi."""
    import ssl

    import certifi

    paths = ssl.get_default_verify_paths()
    known = paths.cafile or paths.capath
    return ssl.create_default_context(cafile=None if known else certifi.where())


def _bearer(token: Token) -> httpx.Auth:
    import httpx

    class Bearer(httpx.Auth):
        """Adds the token to a request as it leaves."""

        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["Authorization"] = f"Bearer {token.reveal()}"
            yield request

    return Bearer()
