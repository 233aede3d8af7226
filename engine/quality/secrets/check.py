"""The check for secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version as version_of

from engine.models import Flag, Turn
from engine.quality.base import Finding
from engine.quality.normal import View, view_of
from engine.quality.placeholders import outside_placeholders
from engine.quality.secrets.assigned import find_assigned
from engine.quality.secrets.keys import find_private_keys, public_blocks
from engine.quality.secrets.layouts import find_in_layouts
from engine.quality.secrets.plugins import find_by_plugins
from engine.quality.secrets.random_strings import find_random_strings
from engine.quality.secrets.spans import Candidate, merged, windows
from engine.quality.secrets.tokens import find_tokens

_RULES = 3
# Without so long a word there is no token; most texts have none.
_LEAST_TOKEN = 16

_WORDS = {
    "api-key": "a value after the name of a key",
    "auth-header": "a token in a header",
    "high-entropy": "a random string near a word for a key",
    "jwt": "a JSON web token",
    "password": "a value after the name of a password",
    "private-key": "a private key",
    "seed-phrase-secret": "the words of a wallet",
    "url-password": "a password in an address",
}


class SecretsCheck:
    """Finds keys, tokens and passwords; a reason never quotes one.

    Args:
        min_score: Findings that are less sure than this are left out, from 0 to 1.
    """

    def __init__(self, *, min_score: float = 0.5) -> None:
        self._min_score = min_score

    @property
    def name(self) -> str:
        """Its stable name."""
        return "secrets"

    @property
    def version(self) -> str:
        """What changes with what it finds."""
        library = version_of("detect-secrets")
        return f"secrets-{_RULES}; detect-secrets {library}; min_score {self._min_score:g}"

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation. See :class:`engine.quality.base.Check`."""
        flags: list[Flag] = []
        for index, turn in enumerate(turns):
            for found in secrets_in(turn.content):
                if found.score >= self._min_score:
                    reason = _reason(found)
                    where = (index, found.start, found.end)
                    flags.append(Flag("secret", found.code, found.score, reason, *where))
        return Finding(tuple(flags))


def secrets_in(text: str) -> list[Candidate]:
    """Return the secrets in a text, in its order, none overlapping another."""
    # The rules take a tab for a space themselves.
    view = view_of(text, tabs=True)
    return [_placed(found, view) for found in _secrets_in(view.text)]


def _placed(found: Candidate, view: View) -> Candidate:
    start, end = view.span(found.start, found.end)
    return replace(found, start=start, end=end)


def _secrets_in(text: str) -> list[Candidate]:
    candidates = list(_candidates(text))
    public = public_blocks(text) if candidates else []
    if public:
        candidates = [
            each
            for each in candidates
            if not any(start <= each.start and each.end <= end for start, end in public)
        ]
    found = merged(candidates)
    return [each for each in found if outside_placeholders(text, each.start, each.end)]


def _candidates(text: str) -> Iterator[Candidate]:
    yield from find_private_keys(text)
    for offset, window in windows(text):
        if max(map(len, window.split()), default=0) >= _LEAST_TOKEN:
            yield from find_tokens(window, offset, text)
            yield from find_by_plugins(window, offset)
            yield from find_random_strings(window, offset)
        yield from find_assigned(window, offset)
        yield from find_in_layouts(window, offset)


def _reason(found: Candidate) -> str:
    words = _WORDS.get(found.code) or f"by its form: {found.code.replace('-', ' ')}"
    size = found.end - found.start
    return f"{words}, {size:,} characters"
