"""Whether a text's own words agree with what a tag, a title or a weak heading says that it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from engine.extract.headings import HeadingRule, rules
from engine.extract.languages import Language, languages
from engine.extract.letters import tokens
from engine.extract.signals import FIRST_PERSON_HINTED, Phrases, Wording
from engine.sources.blocks import Block

_OUTCOME_AGREES = 0.5
_WEIGHING_AGREES = 1.5
_ADDRESSED = 2
_ADDRESSED_SHARE = 0.045
_TABLES: Mapping[str, Callable[[Language], Sequence[str]]] = {
    "needing": lambda table: table.needing,
    "deciding": lambda table: table.deciding,
    "learned": lambda table: table.learned,
    "addressing": lambda table: table.addressing,
}


def agrees(kind: str, measured: Wording, parts: Sequence[Block]) -> bool:
    """Say whether a text's own words speak for a kind that something around it claims.

    A reflection is personal; somebody who decides or has learned says so. In a language without
    words for that, a personal text is believed.

    Args:
        kind: The kind.
        measured: Its wording.
        parts: Its measured blocks.
    """
    personal = measured.first_person >= FIRST_PERSON_HINTED
    table = languages().get(measured.language)
    if kind == "reflection":
        return personal or measured.outcome >= _OUTCOME_AGREES or _is_named(kind, parts)
    if kind == "learning":
        if table and table.learned:
            return _count("learned", measured, parts) > 0
        return personal or measured.outcome >= _OUTCOME_AGREES or _is_named(kind, parts)
    if table and table.deciding:
        return _count("deciding", measured, parts) > 0
    return _weighs(measured) or _is_named(kind, parts)


def is_at_issue(measured: Wording, parts: Sequence[Block]) -> bool:
    """Say whether a decision's context shows that something was to be decided.

    In a language that has no words for it that can't be told, so that it is believed.
    """
    table = languages().get(measured.language)
    if table is None or not table.needing or measured.outcome:
        return True
    if measured.weighing and measured.first_person:
        return True
    return _count("needing", measured, parts) > 0 or _is_named("decision", parts)


def is_addressed(measured: Wording, parts: Sequence[Block]) -> bool:
    """Say whether a text mostly greets its readers, announces something or asks them for it."""
    if measured.language not in languages():
        return False
    hits = _count("addressing", measured, parts)
    return hits >= max(_ADDRESSED, _ADDRESSED_SHARE * measured.words)


def _weighs(measured: Wording) -> bool:
    personal = measured.first_person >= FIRST_PERSON_HINTED
    return personal and measured.weighing >= _WEIGHING_AGREES


def _lettered(parts: Sequence[Block]) -> str:
    return "".join([part.letters for part in parts if part.kind != "code"])


def _count(name: str, measured: Wording, parts: Sequence[Block]) -> int:
    """Return how many entries of one of the language's tables stand in a text."""
    lettered = _lettered(parts)
    return _phrases(measured.language, name).count(Counter(tokens(lettered)), lettered)


@lru_cache(maxsize=64)
def _phrases(code: str, name: str) -> Phrases:
    return Phrases(_TABLES[name](languages()[code]))


def _is_named(kind: str, parts: Sequence[Block]) -> bool:
    """Say whether the words that such a heading begins with stand in a text."""
    said = " ".join(_lettered(parts).split())
    return any(rule.strong and rule.kind == kind and _spoken(rule).search(said) for rule in rules())


@lru_cache(maxsize=32)
def _spoken(rule: HeadingRule) -> re.Pattern[str]:
    """Return the pattern of the words that a heading begins with, anywhere in a text."""
    return re.compile(rf"(?<![\w'-]){rule.pattern.pattern}")
