"""E-mail addresses and addresses of machines."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from engine.quality.personal.spans import Span, words_before

_EMAIL = re.compile(
    # Latin letters alone: scripts without spaces would run into the address.
    r"(?<![A-Za-z0-9À-ɏ.+%_-])[A-Za-z0-9À-ɏ+%_](?:[A-Za-z0-9À-ɏ.+%_'-]{0,62}[A-Za-z0-9À-ɏ+%_-])?@"
    r"(?:[A-Za-z0-9À-ɏ](?:[A-Za-z0-9À-ɏ-]{0,61}[A-Za-z0-9À-ɏ])?\.){1,6}[A-Za-z]{2,24}"
    r"(?![A-Za-z0-9@-]|_\w)"
)
# As addresses of pages and HTML write the sign.
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9.+_-])[A-Za-z0-9+_](?:[A-Za-z0-9.+_-]{0,62}[A-Za-z0-9+_-])?"
    r"(?:%40|&#0{0,4}64;|&#[xX]0{0,4}40;|&commat;)"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9@-])"
)
_AUTHORITY = re.compile(
    r"(?<!mailto)://(?:[^\s/?#\"'<>]*|[^\s/?#:\"'<>]*:(?![0-9]+[?#])[^\s/\"'<>]*)\Z"
)
_SIGN = re.compile(r"%40|&[^;]{2,8};")
_NO_MAIL_DOMAIN = re.compile(
    r"(?:^|\.)(?:example(?:\.\w{2,4}){0,2}|test|invalid|localhost|local|domain\.com"
    r"|yourdomain\.\w+|yoursite\.com|(?:my|your)?company\.com|email\.com|mydomain\.com)\Z",
    re.IGNORECASE,
)
_NO_MAIL_END_TEXT = (
    "png jpg jpeg gif svg webp ico pdf js ts css html py md json yml yaml txt zip so dll "
    "service socket timer target mount"
)
_NO_MAIL_END = frozenset(_NO_MAIL_END_TEXT.split())
_NO_PERSON = re.compile(
    r"(?:git|svn|hg|no-?reply|do-?not-?reply|noreply\w*|user|username|you|your\.?(?:name|email)"
    r"|someone"
    r"|name|email|me|foo|bar|test|postmaster|mailer-daemon|npm|root)\Z",
    re.IGNORECASE,
)

_IPV4 = re.compile(r"(?<![\w.+/-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d|/\d)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9a-fA-F]{3}:[0-9a-fA-F:]{3,34}(?![\w:])")
_VERSION = re.compile(
    r"(?:\bv(?:er(?:sion)?)?\.?|\bversions?|\brelease|\bbuild|==|>=|<=|~=|section|chapter|§)\s*\Z",
    re.IGNORECASE,
)
_MAC = re.compile(
    r"(?<![0-9A-Fa-f:.-])[0-9A-Fa-f]{2}(?:(?P<sign>[:-])[0-9A-Fa-f]{2})(?:"
    r"(?P=sign)[0-9A-Fa-f]{2}){4}"
    r"(?![:-]?[0-9A-Fa-f])"
)
# What resolvers and loopbacks are reached by is nobody's.
_PUBLIC_SERVERS_TEXT = "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 208.67.222.222"
_PUBLIC_SERVERS = frozenset(_PUBLIC_SERVERS_TEXT.split())


def find_emails(text: str) -> Iterator[Span]:
    """Yield e-mail addresses of people; names that mean nobody in particular are left out."""
    if "%40" in text or "64;" in text or "40;" in text or "&commat;" in text:
        for match in _ENCODED.finditer(text):
            local, domain = _SIGN.split(match.group(), maxsplit=1)
            if _is_somebody(local, domain):
                yield Span(*match.span(), "email", 0.9, "an e-mail address")
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        start, end = match.span()
        # Emphasis in Markdown.
        start += text[start] == "_" and text[end : end + 1] == "_"
        local, _, domain = text[start:end].rpartition("@")
        if not _is_somebody(local, domain):
            continue
        # "git@host:path" and "scheme://user@host" say how to reach a machine.
        if (
            text[match.end() : match.end() + 1] == ":"
            and text[match.end() + 1 : match.end() + 2].strip()
        ):
            continue
        if _AUTHORITY.search(text, max(0, start - 300), start):
            continue
        yield Span(start, end, "email", 0.98, "an e-mail address")


def _is_somebody(local: str, domain: str) -> bool:
    if _NO_MAIL_DOMAIN.search(domain) or domain.rpartition(".")[2].lower() in _NO_MAIL_END:
        return False
    return not (_NO_PERSON.match(local) or ".." in local)


def find_machines(text: str) -> Iterator[Span]:
    """Yield public IP addresses and hardware addresses."""
    if "." in text:
        for match in _IPV4.finditer(text):
            if _is_public_ipv4(match.group()) and not words_before(
                text, match.start(), _VERSION, 16
            ):
                yield Span(*match.span(), "ip-address", 0.85, "a public IPv4 address")
    if ":" in text:
        for match in _IPV6.finditer(text):
            if _is_public_ipv6(match.group()):
                yield Span(*match.span(), "ip-address", 0.85, "a public IPv6 address")
    if ":" in text or "-" in text:
        for match in _MAC.finditer(text):
            digits = re.sub(r"\W", "", match.group()).lower()
            letters = any(c in "abcdef" for c in digits)
            if len(set(digits)) > 3 and (letters or match["sign"] == ":"):
                yield Span(*match.span(), "mac", 0.85, "a hardware address of a network card")


def _is_public_ipv4(value: str) -> bool:
    parts = [int(part) for part in value.split(".")]
    if max(parts) > 255 or any(len(p) > 1 and p[0] == "0" for p in value.split(".")):
        return False
    if max(parts) < 20 or value in _PUBLIC_SERVERS or parts[0] == 0:
        # 4.18.2.0 is a version before it is an address.
        return False
    return ipaddress.IPv4Address(value).is_global


def _is_public_ipv6(value: str) -> bool:
    try:
        return ipaddress.IPv6Address(
            value.rstrip(":") if not value.endswith("::") else value
        ).is_global
    except ValueError:
        return False
