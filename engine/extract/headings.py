"""What headings and titles say about the text under them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from engine.extract.languages import DECISION_PARTS, languages
from engine.extract.letters import fold


@dataclass(frozen=True, slots=True)
class HeadingRule:
    """Beginnings of headings that mean a kind.

    ``strong`` ones are enough by themselves; the others need a second sign.
    ``group`` names the questions that ask about such a section.
    """

    kind: str
    group: str
    strong: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class HeadingMatch:
    """A heading that begins as a rule says.

    Attributes:
        rule: The rule.
        rest: The words behind those that the rule knows.
        connected: Whether the rest names what the heading is about ("Reflection on
            X", "Decision: X"), or there is none. "Decision trees" are no decision.
    """

    rule: HeadingRule
    rest: str
    connected: bool

    @property
    def strong(self) -> bool:
        """Whether the heading is enough by itself."""
        return self.rule.strong and self.connected


def _rule(name: str, kind: str, group: str, strong: bool) -> HeadingRule:
    lines = [line for table in languages().values() for line in table.headings[name]]
    pattern = re.compile(rf"(?:{'|'.join(lines)})(?![\w'])")
    return HeadingRule(kind, group, strong, pattern)


@lru_cache(maxsize=1)
def rules() -> tuple[HeadingRule, ...]:
    """Return the rules: the first that fits the beginning of a folded heading holds."""
    return (
        _rule("learning", "learning", "learning", True),
        _rule("decision", "decision", "decision", True),
        *(_rule(part, "decision", part, False) for part in DECISION_PARTS),
        _rule("reflection", "reflection", "reflection", True),
        _rule("weak_reflection", "reflection", "reflection", False),
    )


class _Patterns(NamedTuple):
    """The patterns of all languages together."""

    rule: re.Pattern[str]
    connected: re.Pattern[str]
    joining: re.Pattern[str]
    junk: re.Pattern[str]
    generic: re.Pattern[str]
    doubtful: re.Pattern[str]


def _any(entries: Iterable[str], end: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(entries)}){end}")


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    tables = list(languages().values())
    connected = sorted({re.escape(word) for table in tables for word in table.connected})
    joining = sorted({re.escape(word) for table in tables for word in table.joining} | {"/"})
    return _Patterns(
        rule=re.compile("|".join(f"({rule.pattern.pattern})" for rule in rules())),
        connected=_any(connected, r"(?!\w)"),
        joining=_any(joining, r"\s+"),
        junk=_any([table.junk for table in tables if table.junk], r"\W*$"),
        generic=_any([table.generic for table in tables if table.generic], r"\W*$"),
        doubtful=_any([table.doubtful for table in tables if table.doubtful], r"\W*$"),
    )


_SIGNS_IN_FRONT = re.compile(r"[\W\d_]*")


def _core(heading: str) -> str:
    """Return a heading without the numbers, signs and pictures in front."""
    return _SIGNS_IN_FRONT.sub("", heading, count=1)


@lru_cache(maxsize=8192)
def match_heading(heading: str) -> HeadingMatch | None:
    """Return what a heading or title means, or None where no rule knows it."""
    text = _core(heading)
    match = _patterns().rule.match(fold(text))
    if match is None or match.lastindex is None:
        return None
    # Folding may change the length of a word but not the number of words.
    known = len(match[0].split())
    written = text.split()
    rest = " ".join(written[known:])
    ended = written[known - 1][-1:] in (":", "–", "—", "-", ",", ".", "?", "!")
    return HeadingMatch(
        rules()[match.lastindex - 1], rest, not rest or ended or _is_connected(rest)
    )


def _is_connected(rest: str) -> bool:
    folded = fold(rest).lstrip("–—-:,. ")
    if folded != fold(rest) or _patterns().connected.match(folded):
        return True
    joined = _patterns().joining.match(folded)
    return bool(joined) and any(
        rule.pattern.match(folded, joined.end() if joined else 0) for rule in rules()
    )


@lru_cache(maxsize=8192)
def is_junk(heading: str) -> bool:
    """Say whether a heading's section holds no thoughts, but a log, a list or links."""
    return bool(_patterns().junk.match(fold(_core(heading))))


@lru_cache(maxsize=8192)
def is_doubtful(heading: str) -> bool:
    """Say whether a heading stands over courses and books too: "Lessons", "Key takeaways"."""
    return bool(_patterns().doubtful.match(fold(_core(heading))))


@lru_cache(maxsize=8192)
def is_generic(heading: str) -> bool:
    """Say whether a heading says nothing about its section's subject."""
    return is_junk(heading) or bool(_patterns().generic.match(fold(_core(heading))))
