"""The address of an app's export, looked at before anything is sent to it."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit, urlunsplit

from engine.errors import AddressRefused

SCHEMES = ("http", "https")
EXPORT_PATH = "/api/finetune/export"
"""Where an app exports its memory, if its address says nothing else."""

_PORTS = {"http": 80, "https": 443}
_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:(?:access|auth|id|refresh|session|api|bearer)?[_-]?(?:token|key|apikey)"
    r"|password|passwd|pwd|pass|secret|auth|authorization|jwt|bearer|sig|signature|credential"
    r"|credentials)$",
    re.IGNORECASE,
)
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}")
_LONG_VALUE = 32
_BY_TOKEN = "leave it out; the token comes from FINETUI_MEMORY_TOKEN or a prompt"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be asked.

    Attributes:
        url: The whole address, without a name, password or fragment.
        origin: Scheme, host and port: whom a token is for.
        shown: The address as it can be printed, without what stands behind ``?``.
        clear: Whether what is sent could be read on its way: plain http to another machine.
        loopback: Whether it is this machine.
    """

    url: str
    origin: str
    shown: str
    clear: bool
    loopback: bool


def parse(text: str) -> Address:
    """Take an address apart; a bare host gets the path of the export.

    Raises:
        AddressRefused: It is no http or https address, or it holds a secret.
    """
    text = text.strip()
    if any(ord(character) <= 32 or ord(character) == 127 for character in text) or "\\" in text:
        raise AddressRefused(
            "the address has a space, a backslash or a control character in it",
            hint="write it as in: http://localhost:8000",
        )
    parts = _split(text)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    # What comes before @ may hold another one; the host can't.
    where = f"{scheme}://{host}"
    if "@" in parts.netloc:
        raise AddressRefused(f"the address of {where} holds a name or password", hint=_BY_TOKEN)
    _check_secrets(where, parts)
    path = EXPORT_PATH if parts.path in ("", "/") else parts.path
    return _address(scheme, host, port, path, parts.query)


def origin_of(text: str) -> str:
    """Return the scheme, host and port of an address, the port always in it.

    Raises:
        AddressRefused: As :func:`parse` raises it.
    """
    return parse(text).origin


def same_origin(base: Address, target: str) -> Address | None:
    """Return an address that an app points to; None where it is not the app's own.

    Args:
        base: The address that pointed to it.
        target: What it said, in full or relative to itself.
    """
    try:
        bare = _split(urljoin(base.url, target.strip()))
    except (AddressRefused, ValueError):
        return None
    # An app may point to an address with a signature in it, and to a part of a page.
    if "@" in bare.netloc or bare.hostname is None:
        return None
    found = _address(bare.scheme.lower(), bare.hostname, bare.port, bare.path or "/", bare.query)
    return found if found.origin == base.origin else None


def _split(text: str) -> SplitResult:
    """Split an address that has a scheme we know and a host."""
    parts = None
    with suppress(ValueError):
        found = urlsplit(text)
        if found.scheme.lower() in SCHEMES and found.hostname and found.port != 0:
            parts = found
    # Not raised from the error above: its text may hold a part of a password.
    if parts is None:
        raise _malformed()
    return parts


def _address(scheme: str, host: str, port: int | None, path: str, query: str) -> Address:
    netloc = f"[{host}]" if ":" in host else host
    origin = f"{scheme}://{netloc}:{port or _PORTS[scheme]}"
    if port is not None and port != _PORTS[scheme]:
        netloc += f":{port}"
    loopback = _is_loopback(host)
    return Address(
        url=urlunsplit((scheme, netloc, path, query, "")),
        origin=origin,
        shown=f"{scheme}://{netloc}{path}",
        clear=scheme == "http" and not loopback,
        loopback=loopback,
    )


def _malformed() -> AddressRefused:
    return AddressRefused(
        "that is no http or https address with a host",
        hint="write it as in: http://localhost:8000",
    )


def _check_secrets(where: str, parts: SplitResult) -> None:
    """Raise where a part of the address looks like a secret; it would be stored with the source."""
    if parts.fragment:
        raise AddressRefused(
            f"the address of {where} has a part behind #, which is never sent",
            hint="leave it out",
        )
    fields = parse_qsl(parts.query, keep_blank_values=True)
    named = next((name for name, _ in fields if _SECRET_NAME.search(name)), None)
    if named is not None:
        raise AddressRefused(
            f"the address of {where} holds a secret in its field {named[:40]}", hint=_BY_TOKEN
        )
    long = any(_is_random(text) for field in fields for text in field)
    if long or _JWT.search(parts.path) or _JWT.search(parts.query):
        raise AddressRefused(
            f"the address of {where} holds what looks like a token", hint=_BY_TOKEN
        )


def _is_random(value: str) -> bool:
    return (
        len(value) >= _LONG_VALUE
        and re.fullmatch(r"[\w+/=.~-]+", value) is not None
        and any(character.isdigit() for character in value)
        and any(character.isalpha() for character in value)
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
