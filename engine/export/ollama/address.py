"""Where Ollama listens, in the forms that ``OLLAMA_HOST`` has.

After Ollama's ``envconfig/config.go``: ``host``, ``host:port``, ``:port``, an address in brackets,
a URL with a path; without a scheme the port is 11434, with one it is the scheme's. Where a server
listens on all addresses, a client connects to this machine.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from engine.compose.address import is_loopback
from engine.errors import OllamaAddressInvalid

VARIABLE = "OLLAMA_HOST"
DEFAULT_PORT = 11434
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_HINT = "write it as in: http://localhost:11434"


@dataclass(frozen=True, slots=True)
class Address:
    """Where Ollama listens.

    Attributes:
        scheme: "http" or "https".
        host: The host's name or number.
        port: The port.
        path: The path before ``/api``, without a slash at its end.
        login: A name and a password for a server in front of Ollama; never shown.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    login: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The address as a person reads it, without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(self.host)


def address(text: str | None = None, environment: Mapping[str, str] | None = None) -> Address:
    """Return where Ollama listens.

    Args:
        text: The address; None takes the environment's ``OLLAMA_HOST``, else this machine.
        environment: The environment; None takes the process's.

    Raises:
        OllamaAddressInvalid: It can't be used.
    """
    if text is None:
        text = (os.environ if environment is None else environment).get(VARIABLE, "")
    text = text.strip().strip("\"'")
    if any(ord(sign) <= 32 or ord(sign) == 127 for sign in text) or "\\" in text:
        raise OllamaAddressInvalid("Ollama's address has a space or a control sign", hint=_HINT)
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    scheme = scheme.lower()
    if scheme not in _PORTS:
        raise OllamaAddressInvalid("Ollama's address is neither http nor https", hint=_HINT)
    default = _PORTS[scheme] if found else DEFAULT_PORT
    authority, slash, path = rest.partition("/")
    secret, at, authority = authority.rpartition("@")
    host, port = _host_and_port(authority, default)
    made = Address(scheme, host, port, f"{slash}{path}".rstrip("/"), _login(secret) if at else None)
    if "?" in path or "#" in path:
        raise OllamaAddressInvalid(
            f"Ollama's address at {host} has a part behind ? or #", hint="leave it out"
        )
    if made.login and scheme == "http" and not made.loopback:
        raise OllamaAddressInvalid(
            f"the password would cross the network to {host} in the clear", hint="use https"
        )
    return made


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.%]+)\](?::(.*))?", authority)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif authority.count(":") > 1:
        host, port = authority, None
    else:
        host, colon, port = authority.partition(":")
        port = port if colon else None
    number = _port(port, default)
    host = (host or "127.0.0.1").lower()
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        if not _NAME.fullmatch(host):
            raise OllamaAddressInvalid(
                "Ollama's address has a host that can't be one", hint=_HINT
            ) from None
        return host, number
    if parsed.is_unspecified:
        return ("127.0.0.1" if parsed.version == 4 else "::1"), number
    return str(parsed), number


def _port(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) < 65536:
        raise OllamaAddressInvalid(
            "Ollama's address has a port that can't be one", hint="ports go from 1 to 65535"
        )
    return int(text)


def _login(secret: str) -> tuple[str, str]:
    name, _, password = secret.partition(":")
    return unquote(name), unquote(password)
