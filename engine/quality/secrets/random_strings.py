"""Long strings drawn at random, where the words around them speak of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

from engine.quality.secrets.plausible import is_hash_like, is_placeholder, is_random
from engine.quality.secrets.spans import Candidate

_RUN = re.compile(r"(?<![A-Za-z0-9+/=_.\-])[A-Za-z0-9+/_\-]{24,256}={0,2}(?![A-Za-z0-9+/=_\-])")
_CONTEXT = re.compile(
    r"\bkeys?\b|_key|apikey|api.key|secret|token|credential|passw|parol|cheie|cheia|schlüssel",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"sha-?\d|md5|commit|checksum|digest|\bhash|integrity|etag|uuid|revision|fingerprint|base64,"
    r"|https?://|public.key|ssh-(?:rsa|ed25519)|signature|certificate",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[-_/+]")
# Keys that are made to be published: they stand in pages and apps.
_PUBLISHED = re.compile(
    r"pk_(?:live|test)_|pk\.eyJ|phc_|sb_publishable_|(?:pub|sub)-c-|FLWPUBK|pubkey-|clerk_pub"
)
_CONTEXT_CHARS = 60
# That of detect-secrets for base64 is 4.5; the context makes up for the rest.
_BASE64_LIMIT = 4.2


class _Entropy(Protocol):
    def calculate_shannon_entropy(self, data: str) -> float: ...


@lru_cache(maxsize=1)
def _base64() -> _Entropy:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

    made: _Entropy = Base64HighEntropyString(limit=_BASE64_LIMIT)
    return made


def find_random_strings(window: str, offset: int) -> Iterator[Candidate]:
    """Yield random strings after a word such as "key", or with a line of their own."""
    for match in _RUN.finditer(window):
        start, end = match.span()
        # The sign of an added line in a diff.
        start += window[start] == "+" and window[start - 1 : start] in ("", "\n")
        line_start = window.rfind("\n", max(0, start - _CONTEXT_CHARS), start) + 1
        before = window[max(line_start, start - _CONTEXT_CHARS) : start]
        if _CONTEXT.search(before) is None and not _is_alone(window, start, end):
            continue
        if _NOT_SECRET.search(before):
            continue
        value = window[start:end]
        if is_hash_like(value) or is_placeholder(value) or not is_random(value):
            continue
        if _is_name(value) or _PUBLISHED.match(value):
            continue
        mixed = any(c.isupper() for c in value) and any(c.islower() for c in value)
        if mixed and _base64().calculate_shannon_entropy(value) >= _BASE64_LIMIT:
            yield Candidate(offset + start, offset + end, "high-entropy", 0.6, 5)


def _is_name(value: str) -> bool:
    """Return whether a value is words with signs between, as the name of a file or a model is."""
    words = [word for word in _SIGNS.split(value) if len(word) >= 3 and word.isalpha()]
    return len(words) >= 2 and sum(map(len, words)) >= 0.4 * len(value)


def _is_alone(window: str, start: int, end: int) -> bool:
    """Return whether a run is a line by itself, and its neighbours are not of its kind.

    Lines of random characters one upon another are a picture or a certificate.
    """
    line_end = window.find("\n", end)
    line_start = window.rfind("\n", 0, start)
    after = window[end : line_end if line_end >= 0 else len(window)]
    if window[line_start + 1 : start].strip() or after.strip() or end - start < 32:
        return False
    above = window[:line_start] if line_start >= 0 else ""
    above = above[above.rfind("\n") + 1 :] if above else ""
    below = window[line_end + 1 :].partition("\n")[0] if line_end >= 0 else ""
    return all(_RUN.fullmatch(line.strip()) is None for line in (above, below))
