"""Secrets that a layout points at: a cookie, a table's column, a block of YAML, a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from engine.quality.secrets.names import is_secret_name
from engine.quality.secrets.plausible import (
    is_hash_like,
    is_mixed_hash,
    is_password_like,
    is_placeholder,
    is_random,
    is_short_token,
    is_weak_value,
)
from engine.quality.secrets.spans import Candidate

_COOKIE = re.compile(
    r"\bcookie\"?'?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?P<pairs>[^\n\"']{8,3000})", re.I
)
_PAIR = re.compile(r"(?P<name>[\w.-]{1,60})=(?P<value>[^\s;,\"']{8,1000})")
_SESSION = re.compile(r"sess|sid\b|auth|token|jwt|login|remember|csrf|xsrf", re.I)
# As ftp and curl read it: machine HOST login USER password VALUE.
_NETRC = re.compile(r"\blogin[ \t]+\S{1,100}\s{1,20}password[ \t]+(?P<value>\S{6,200})")
_BLOCK = re.compile(
    r"(?P<name>[\w.-]{2,60})[\"']?[ \t]{0,4}(?::[ \t]{0,4}[>|][+-]?[0-9]?[ \t]{0,4}\r?\n[ \t]{1,40}"
    r"|[:=][ \t]{0,4}(?:'''|\"\"\")\n?)(?P<value>[^\s'\"]{6,1000})"
)
_INPUT = re.compile(r"<input\b[^<>]{0,400}>", re.I)
_INPUT_TYPE = re.compile(r"\btype[ ]?=[ ]?[\"']?password\b", re.I)
_INPUT_VALUE = re.compile(r"\bvalue[ ]?=[ ]?[\"'](?P<value>[^\"'\n]{6,200})[\"']", re.I)
_LOGIN = re.compile(
    r"\b(?:docker|podman|helm|az|oc|npm|skopeo)\b[^\n]{0,60}?\blogin\b[^\n]{0,160}?"
    r"\s(?:-p|--password)[ \t=][\"']?(?P<value>[^\s\"'-][^\s\"']{5,200})"
)
_NET_USE = re.compile(
    r"\bnet[ ]use\b[^\n]{0,200}?(?:/user:\S{1,80}[ ]{1,4}(?P<value>[^\s/\"'][^\s\"']{5,100})"
    r"|\\\\\S{3,100}[ ]{1,4}(?P<before>[^\s/*\"'][^\s\"']{5,100})[ ]{1,4}/user:)",
    re.I,
)
# Words of BIP39 have three to eight letters.
_SEED = re.compile(
    r"(?:(?:seed|recovery|backup|secret|wallet)[ _-]?(?:phrase|words)|mnemonic(?:[ _-]?phrase)?)"
    r"[\"'*]{0,3}[ ]?(?:is|was|[:=])?[ ]?[:=]?[\s\"'`*]{0,4}"
    r"(?P<value>(?:[a-z]{3,8}(?:,[ ]?|[ ]{1,2}|\n)){11,23}[a-z]{3,8})(?![\w'])",
    re.I,
)
_PROSE = re.compile(
    r"\b(?:the|and|for|are|was|has|had|not|but|from|have|been|were|will|into|your)\b"
)
_CELL_ROW = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*\Z")


def is_token_like(value: str) -> bool:
    """Return whether a value that something names a token looks drawn at random."""
    if is_hash_like(value):
        return is_mixed_hash(value)
    return is_random(value, named=True) or is_short_token(value, quoted=True)


def _is_real(name: str) -> Callable[[str], bool]:
    return (
        is_password_like
        if re.search(r"pass|pwd|parol|contrase|kennwort|senha", name, re.I)
        else is_token_like
    )


_PATTERNS = (
    ("password", _NETRC),
    ("-p", _LOGIN),
    ("--password", _LOGIN),
    ("net use", _NET_USE),
)


def find_in_layouts(window: str, offset: int) -> Iterator[Candidate]:
    """Yield secrets that stand where a layout says that one does, in a window of text."""
    lowered = window.lower()
    for start, end, code in _spans(window, lowered):
        yield Candidate(offset + start, offset + end, code, 0.75, 3)


def _spans(window: str, lowered: str) -> Iterator[tuple[int, int, str]]:
    if "cookie" in lowered:
        yield from _cookies(window)
    for anchor, pattern in _PATTERNS:
        for match in pattern.finditer(window) if anchor in lowered else ():
            group = "value" if match["value"] else "before"
            if is_password_like(match[group]):
                yield *match.span(group), "password"
    if "'''" in window or '"""' in window or re.search(r":[ \t]{0,4}[>|]", window):
        for match in _BLOCK.finditer(window):
            name = match["name"]
            if is_secret_name(name) and _is_real(name)(match["value"]):
                yield *match.span("value"), "password" if "pass" in name.lower() else "api-key"
    if "<input" in lowered:
        yield from _inputs(window)
    if "phrase" in lowered or "mnemonic" in lowered or "words" in lowered:
        for match in _SEED.finditer(window):
            words = re.findall(r"[a-z]+", match["value"])
            if not _PROSE.search(match["value"]) and len(set(words)) > 6:
                yield *match.span("value"), "seed-phrase-secret"
    if "|" in window and "--" in window:
        yield from _cells(window)


def _cookies(window: str) -> Iterator[tuple[int, int, str]]:
    for header in _COOKIE.finditer(window):
        for pair in _PAIR.finditer(window, *header.span("pairs")):
            if _SESSION.search(pair["name"]) and is_token_like(pair["value"]):
                yield *pair.span("value"), "auth-header"


def _inputs(window: str) -> Iterator[tuple[int, int, str]]:
    for match in _INPUT.finditer(window):
        value = _INPUT_VALUE.search(window, *match.span())
        if value and _INPUT_TYPE.search(match.group()) and is_password_like(value["value"]):
            yield *value.span("value"), "password"


def _cells(window: str) -> Iterator[tuple[int, int, str]]:
    """Yield the cells of a Markdown table below a header that names a secret."""
    named: Mapping[int, str] = {}
    place, before = 0, ""
    for line in window.split("\n"):
        if "|" not in line:
            named = {}
        elif _CELL_ROW.match(line):
            cells = before.strip(" \t|").split("|")
            named = {number: cell for number, cell in enumerate(cells) if is_secret_name(cell)}
        elif named:
            first = len(line) - len(line.lstrip(" \t|"))
            at = place + first
            for number, cell in enumerate(line[first:].rstrip(" \t|").split("|")):
                value = cell.strip(" \t`*")
                real = number in named and " " not in value and _is_real(named[number])(value)
                if real and not is_placeholder(value) and not is_weak_value(value):
                    start = at + cell.index(value)
                    yield start, start + len(value), "password"
                at += len(cell) + 1
        place += len(line) + 1
        before = line
