"""The address of an endpoint, looked at before anything is sent, and the key for it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from engine.errors import EndpointInvalid

KEY = "FINETUI_API_KEY"
"""The environment variable with the key that goes to whichever endpoint is named."""

OPENAI_KEY = "OPENAI_API_KEY"
"""The key that goes to OpenAI, to this machine, and to the host that ``OPENAI_BASE_URL`` names."""

OPENAI_ADDRESS = "OPENAI_BASE_URL"

_WRITE_IT = "write it as in: http://localhost:11434/v1"
_COMPLETIONS = "/chat/completions"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is.

    Attributes:
        scheme: "http" or "https".
        host: The host's name or number, in lower case.
        port: The port.
        path: The path before ``/chat/completions``, without a slash at its end.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """Host and port, as a person reads them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address that requests are sent to."""
        return f"{self.scheme}://{self.shown}{self.path}{_COMPLETIONS}"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(self.host)

    @property
    def clear(self) -> bool:
        """Whether what is sent could be read on its way."""
        return self.scheme == "http" and not self.loopback

    def same_origin(self, other: Address) -> bool:
        """Say whether another address is the same scheme, host and port."""
        return (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)


def is_loopback(host: str) -> bool:
    """Say whether a host's name or number is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse(text: str) -> Address:
    """Take an address apart; one that is a bare host gets the path ``/v1``.

    Raises:
        EndpointInvalid: It can't be used.
    """
    text = text.strip()
    if any(ord(sign) <= 32 or ord(sign) == 127 for sign in text) or "\\" in text:
        raise EndpointInvalid(
            "the endpoint's address has a space or a control sign", hint=_WRITE_IT
        )
    parts, port = _split(text)
    host = (parts.hostname or "").rstrip(".").lower()
    # Its text is not shown: a password may stand in it.
    if "@" in parts.netloc:
        raise EndpointInvalid(
            f"the address of {host} holds a name or password",
            hint=f"leave it out; a key comes from {KEY}",
        )
    if parts.query or parts.fragment:
        raise EndpointInvalid(
            f"the address of {host} has a part behind ? or #",
            hint=f"leave it out; a key comes from {KEY}",
        )
    path = parts.path.rstrip("/").removesuffix(_COMPLETIONS).rstrip("/")
    return Address(parts.scheme.lower(), host, port, path or "/v1")


def _split(text: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # The error's own text may hold a part of a password.
        raise EndpointInvalid("that is no address of an endpoint", hint=_WRITE_IT) from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname or port == 0:
        raise EndpointInvalid("that is no http or https address with a host", hint=_WRITE_IT)
    return parts, port or _PORTS[scheme]


def key_for(address: Address, environment: Mapping[str, str] | None = None) -> str:
    """Return the key that the environment has for an endpoint; empty where it gets none.

    A key that would cross a network in the clear is not sent.
    """
    environment = os.environ if environment is None else environment
    if address.clear:
        return ""
    own = environment.get(KEY, "").strip()
    if own:
        return own
    openai = environment.get(OPENAI_KEY, "").strip()
    return openai if openai and _is_for_openai_key(address, environment) else ""


def _is_for_openai_key(address: Address, environment: Mapping[str, str]) -> bool:
    if address.loopback or address.host == "openai.com" or address.host.endswith(".openai.com"):
        return True
    try:
        return parse(environment.get(OPENAI_ADDRESS, "")).same_origin(address)
    except EndpointInvalid:
        return False
