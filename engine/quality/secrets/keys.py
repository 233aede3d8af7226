"""Private key blocks, which run over many lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.quality.secrets.plausible import is_placeholder
from engine.quality.secrets.spans import Candidate

_BEGIN = re.compile(r"-----BEGIN ((?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?)-----")
# What is published: certificates, requests for them, and public keys.
_PUBLIC = re.compile(
    r"-----BEGIN (?P<kind>(?:(?:TRUSTED|X509|NEW|ATTRIBUTE) )?CERTIFICATE(?: REQUEST)?|X509 CRL"
    r"|(?:(?:RSA|DSA|EC) )?PUBLIC KEY|PGP PUBLIC KEY BLOCK|PGP SIGNATURE|PKCS7)-----"
    r"(?:\s|\\{1,2}[nr]|[A-Za-z]{1,20}: [^\n]{0,100}\n|[A-Za-z0-9+/=\"',]){0,20000}?"
    r"-----END (?P=kind)-----"
)
_PUTTY = re.compile(r"PuTTY-User-Key-File-[0-9]: [^\n]{1,60}\n")
_BODY_LINE = re.compile(r"[A-Za-z0-9+/=]{16,}")
_BODY = re.compile(r"(?:[A-Za-z0-9+/=:;,.()\- \t\r\n\\\"'>|]|PuTTY)*")
# A key of 16,384 bits is 12,700 characters long.
_MOST_CHARS = 20_000
_LEAST_BODY = 40
_LINE_END = "\\n"


def find_private_keys(text: str) -> Iterator[Candidate]:
    """Yield private key blocks from their first dash to their last.

    A block whose end is missing goes as far as its body does. A header without a body, as
    in a sentence about keys, does not count.
    """
    if "PRIVATE KEY" in text:
        done = 0
        for match in _BEGIN.finditer(text):
            if match.start() < done:
                continue
            end = _end(text, match)
            if _holds_key(text[match.end() : end]):
                done = end
                yield Candidate(match.start(), end, "private-key", 1.0, 0)
    if "PuTTY-User-Key-File-" in text:
        for match in _PUTTY.finditer(text):
            stop = text.find("\n\n", match.end(), match.end() + _MOST_CHARS)
            end = stop if stop >= 0 else min(len(text), match.end() + _MOST_CHARS)
            if "Private-Lines" in text[match.end() : end]:
                yield Candidate(match.start(), end, "private-key", 1.0, 0)


def public_blocks(text: str) -> list[tuple[int, int]]:
    """Return where blocks stand that are made to be published (RFC 7468, RFC 9580)."""
    if "-----BEGIN " not in text:
        return []
    return [match.span() for match in _PUBLIC.finditer(text)]


def _end(text: str, begin: re.Match[str]) -> int:
    limit = begin.end() + _MOST_CHARS
    mark = f"-----END {begin.group(1)}-----"
    found = text.find(mark, begin.end(), limit)
    other = text.find("-----BEGIN ", begin.end(), limit)
    if found >= 0 and not 0 <= other < found:
        # In JSON an escaped line end is a part of it.
        end = found + len(mark)
        return end + len(_LINE_END) if text.startswith(_LINE_END, end) else end
    body = _BODY.match(text, begin.end(), limit if other < 0 else other)
    end = body.end() if body else begin.end()
    while end > begin.end() and text[end - 1] in " \t\r\n":
        end -= 1
    return end


def _holds_key(body: str) -> bool:
    runs = [run for run in _BODY_LINE.findall(body) if not is_placeholder(run)]
    return sum(map(len, runs)) >= _LEAST_BODY
