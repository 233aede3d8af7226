"""Who may ask: decided from a request's head alone, before a byte of its body is read.

Against web pages: a page that has pointed its own name at this address (DNS rebinding) sends a
Host that is not ours, and any other page an Origin that was not allowed. Against proxies: what
changes models is for this machine, and a forwarded request comes from another. A proxy is known
by the headers that it adds, or by HTTP/1.0, which clients of today do not speak and nginx before
1.29.7 does where it is not told otherwise; one that has neither can't be told from a client of
this machine.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import ServerOpen
from engine.gateway.address import is_loopback
from engine.gateway.face.refusals import Refusal
from engine.gateway.spec import ServeSpec

ADMIN = "/admin/"
HEALTH = "/health"
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
# What proxies, balancers and content networks add by their own documentation, most of them by the
# start of their headers' names. No client library sends one of these by itself.
_FORWARDED = re.compile(
    r"(?:x-)?forwarded(?:-.*)?|via|max-forwards|cdn-loop|.*-forwarded-(?:for|host|proto|port)"
    r"|x-real-ip|.*client-?ip|.*connecting-ip|.*(?:user|buyer|real|remote)-(?:ip|addr)"
    r"|x-host|x-request-start|x-varnish|x-original-.*|x-rewrite-url|x-proxy.*|proxy-.*"
    r"|(?:cf|fly|fastly|eo|cloudfront|incap|tailscale|x-fd|x-arr|x-azure|x-envoy|x-nf|x-vercel"
    r"|x-appengine|x-goog|x-amz|x-amzn|x-akamai|akamai|x-edge|x-sucuri|x-render|x-railway)-.*"
    r"|x-cloud-trace-context"
)
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::[0-9]{1,5})?")
_ALLOWED_METHODS = "GET, POST, OPTIONS"
_PREFLIGHT_S = "600"


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom a server listens to.

    Attributes:
        token: What requests need, as bytes; empty for none.
        host: The address that the server listens on.
        hosts: More names that a Host may have.
        origins: Web pages' origins that may ask.
        remote_admin: Whether models may be changed from other machines.
    """

    token: bytes
    host: str
    hosts: frozenset[str]
    origins: frozenset[str]
    remote_admin: bool

    @classmethod
    def of(cls, spec: ServeSpec, token: str) -> Rules:
        """Return the rules that a server was started with.

        Raises:
            ServerOpen: It asks for no token, and other machines reach it.
        """
        if (spec.open or not token) and not is_loopback(spec.host):
            raise ServerOpen(
                f"a server on {spec.host} without a token would answer anybody",
                hint="listen on 127.0.0.1, or use a token",
            )
        return cls(
            token=b"" if spec.open else token.encode(),
            host=spec.host,
            hosts=frozenset(name.lower().rstrip(".") for name in spec.hosts),
            origins=frozenset(origin.lower().rstrip("/") for origin in spec.origins),
            remote_admin=spec.remote_admin,
        )


class Guard:
    """Lets through what may ask, and refuses the rest.

    Args:
        app: What answers.
        rules: Whom it listens to.
        header: How large a request's line and headers may be, in bytes.
    """

    def __init__(self, app: ASGIApp, rules: Rules, header: int) -> None:
        self._app = app
        self._rules = rules
        self._header = header
        self._names = {rules.host.lower(), *rules.hosts}
        self._addresses = {_address(name) for name in self._names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_size(scope)
            self._check_host(headers)
            origin = self._origin(headers)
            if origin and scope["method"] == "OPTIONS":
                await _preflight(origin, headers)(scope, receive, send)
                return
            self._check_token(scope, headers)
            self._check_admin(scope, headers)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, _for_page(send, origin) if origin else send)

    def _check_size(self, scope: Scope) -> None:
        # h11 limits a head that comes in pieces, and takes a larger one that comes at once.
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size + len(scope["raw_path"]) + len(scope["query_string"]) > self._header:
            raise Refusal(431, "The headers are too large.", code="headers_too_large")

    def _check_host(self, headers: Headers) -> None:
        given = headers.getlist("host")
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if found and self._is_ours(found["name"].lower().rstrip(".")):
            return
        raise Refusal(
            421,
            "The Host header is not a name of this server. Use the address that it printed, or "
            "start it with --allow-host NAME.",
            code="host_not_allowed",
        )

    def _is_ours(self, name: str) -> bool:
        if name in _LOCAL_NAMES or name in self._names:
            return True
        address = _address(name)
        # A page can rebind a name and no address; which addresses are ours is known by the
        # machine alone where the server listens on all of them.
        return address is not None and (
            address.is_loopback or _is_any(self._rules.host) or address in self._addresses
        )

    def _origin(self, headers: Headers) -> str:
        """Return the web page's origin; empty where no page asks."""
        given = headers.getlist("origin")
        if not given:
            return ""
        if len(given) == 1 and given[0].lower() in self._rules.origins:
            return given[0]
        raise Refusal(
            403,
            "Web pages may not ask this server. For one that may, start it with --allow-origin.",
            code="origin_not_allowed",
        )

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        if not self._rules.token:
            if not _is_local(scope):
                said = "This server answers its own machine alone."
                raise Refusal(403, said, code="local_only")
            if _is_old(scope):
                raise Refusal(
                    403,
                    "This server asks for no token and answers its own machine alone: HTTP/1.0 "
                    "is what proxies speak. Ask with HTTP/1.1.",
                    code="local_only",
                )
            return
        if scope["path"] == HEALTH:
            return
        given = headers.getlist("authorization")
        scheme, _, value = (given[0] if len(given) == 1 else "").partition(" ")
        # Compared even where the scheme is wrong, so that both take as long.
        same = hmac.compare_digest(value.strip().encode("latin-1", "replace"), self._rules.token)
        if same and scheme.lower() == "bearer":
            return
        raise Refusal(
            401,
            "The token is missing or wrong. Send it as: Authorization: Bearer TOKEN (OpenAI's "
            "clients call it the API key).",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _check_admin(self, scope: Scope, headers: Headers) -> None:
        if not scope["path"].lower().startswith(ADMIN):
            return
        if any(_FORWARDED.fullmatch(name.replace("_", "-")) for name in headers):
            raise Refusal(
                403,
                "The server is not managed through a proxy: the request has a forwarded header.",
                code="reload-refused",
            )
        if _is_old(scope):
            raise Refusal(
                403,
                "The server is not managed through a proxy: the request is HTTP/1.0, which "
                "proxies speak. Ask with HTTP/1.1.",
                code="reload-refused",
            )
        if not self._rules.remote_admin and not _is_local(scope):
            raise Refusal(
                403,
                "The server is managed from its own machine alone, unless it was started with "
                "--remote-admin.",
                code="reload-refused",
            )


def is_stranger(scope: Scope) -> bool:
    """Say whether whoever asks may not know where files of this machine are."""
    return not _is_local(scope)


def _is_local(scope: Scope) -> bool:
    """Say whether a request comes from this machine; a Unix socket has no other peer."""
    if scope["client"] is None:
        return bool(scope.get("server")) and scope["server"][1] is None
    return is_loopback(scope["client"][0])


def _is_old(scope: Scope) -> bool:
    return bool(scope["http_version"] == "1.0")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a name is, of which there are many texts; None for another."""
    try:
        return ipaddress.ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _is_any(host: str) -> bool:
    return host in ("", "0.0.0.0", "::")


def _preflight(origin: str, headers: Mapping[str, str]) -> ASGIApp:
    from starlette.responses import Response

    wanted = headers.get("access-control-request-headers", "")
    allowed = wanted if re.fullmatch(r"[A-Za-z0-9_, -]{0,1024}", wanted) else "authorization"
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": _ALLOWED_METHODS,
            "Access-Control-Allow-Headers": allowed,
            "Access-Control-Max-Age": _PREFLIGHT_S,
            "Vary": "Origin",
        },
    )


def _for_page(send: Send, origin: str) -> Send:
    async def allowed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", ()),
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"vary", b"Origin"),
            ]
        await send(message)

    return allowed
