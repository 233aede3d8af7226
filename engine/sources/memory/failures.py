"""What goes wrong on the way to an app, in words for a person."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.errors import (
    AddressRefused,
    AppFailed,
    AppTimeout,
    AppUnreachable,
    AppUntrusted,
    SourceError,
    TokenRefused,
)
from engine.sources.memory.token import VARIABLE

if TYPE_CHECKING:
    import httpx

    from engine.sources.memory.export import Limits

_MAX_WAIT_SHOWN = 86_400


def named(error: Exception, shown: str, read: int, limits: Limits) -> SourceError:
    """Return the error of ours that a failed exchange means.

    Args:
        error: What the HTTP library raised.
        shown: The address, as it can be printed.
        read: How many bytes of the answer had come.
        limits: What was waited for.
    """
    import httpx

    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return AppTimeout(
            f"{shown} did not take the connection within {limits.connect_s:g} s",
            hint="see that the app runs and that its port can be reached",
        )
    if isinstance(error, httpx.TimeoutException):
        return AppTimeout(
            f"{shown} was silent for {limits.silence_s:g} s",
            hint="see what the app is doing, and try again",
        )
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return AddressRefused(
            f"{shown} is no address that can be asked", hint="write it as in: http://localhost:8000"
        )
    causes = list(_causes(error))
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if tls is not None:
        return _untrusted(tls, shown)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return _unreachable(causes, shown)
    if read:
        return AppUnreachable(f"{shown} broke off after {read:,} bytes", hint="try again")
    return AppUnreachable(
        f"{shown} closed the connection, or does not speak HTTP",
        hint="see that the address and port are the app's, and whether it wants https",
    )


def status_error(response: httpx.Response, shown: str) -> SourceError | None:
    """Return the error that an answer's status means; None for success.

    What the app says about it is not shown, for it may repeat what was sent.
    """
    status = response.status_code
    if 200 <= status < 300:
        return None
    if status == 401:
        return TokenRefused(
            f"{shown} does not accept the token (401)",
            hint=f"it may have expired: get a new one and set {VARIABLE}, or type it when asked",
        )
    if status == 403:
        return TokenRefused(
            f"the token's owner may not export from {shown} (403)",
            hint="use the token of an owner or administrator of the app",
        )
    if status in (404, 405, 410):
        return AppFailed(
            f"there is no export at {shown} ({status})",
            hint="name the export's full address, as in http://localhost:8000/api/finetune/export",
        )
    if status in (400, 413, 415, 422):
        return AppFailed(
            f"{shown} does not understand what was asked ({status})",
            hint="set format and validation_split to what the app knows",
        )
    if status in (429, 503):
        return AppFailed(f"{shown} has too much to do ({status})", hint=_wait(response))
    if status >= 500:
        return AppFailed(
            f"{shown} failed ({status})", hint="the app's own log says why; then try again"
        )
    return AppFailed(f"{shown} answered with status {status}", hint="see the app's manual for it")


def _wait(response: httpx.Response) -> str:
    after = response.headers.get("retry-after", "")
    if after.isascii() and after.isdigit() and len(after) < 6 and int(after) <= _MAX_WAIT_SHOWN:
        return f"try again in {int(after):,} s"
    return "try again later"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that led to it."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        pending += [found.__cause__, found.__context__]
        if isinstance(found, BaseExceptionGroup):
            pending += found.exceptions


def _untrusted(error: ssl.SSLError, shown: str) -> SourceError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return AppUntrusted(
            f"the certificate of {shown} can't be trusted: {error.verify_message}",
            hint="have the machine trust it, or name its authority's file in SSL_CERT_FILE",
        )
    return AppUntrusted(
        f"no encrypted connection to {shown} came about",
        hint="see whether the app speaks https on this port, or only http",
    )


def _unreachable(causes: list[BaseException], shown: str) -> SourceError:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return AppUnreachable(
            f"the host of {shown} is not known", hint="check the address, and the network"
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return AppUnreachable(
            f"nothing answers at {shown}", hint="start the app, or check the port in its address"
        )
    return AppUnreachable(
        f"{shown} can't be reached", hint="check the address, the network, and that the app runs"
    )
