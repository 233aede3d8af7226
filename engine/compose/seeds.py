"""Questions with their answers, out of which a model makes further ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.compose.language import LANGUAGES, guess
from engine.errors import ComposeError
from engine.models import Filter, Skipped, Turn
from engine.paths import shorten
from engine.sources import read
from engine.sources.base import OnSkip, ignore_skip
from engine.store import Store

MIN_SEEDS = 3
"""The fewest seeds of a language from which more are made."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer, and their language; empty where it is not known."""

    question: str
    answer: str
    language: str


def seeds_of_file(path: Path, on_skip: OnSkip = ignore_skip) -> list[Pair]:
    """Return the pairs of a file of instructions, in any layout that finetui reads.

    Args:
        path: A JSON or JSONL file.
        on_skip: Called with each record that is none.

    Raises:
        SourceError: The file can't be read.
    """
    found: list[Pair] = []
    for document in read("instructions", path, on_skip=on_skip):
        pair = _pair(document.turns)
        if pair is None:
            reason = "it is no single question with its answer"
            on_skip(Skipped("", document.path, document.start_line, "several-turns", reason))
        else:
            found.append(pair)
    return found


def approved_seeds(store: Store) -> list[Pair]:
    """Return the approved examples of a workspace that are one question and its answer."""
    cards = store.cards(Filter(states=("approved",)))
    return [pair for card in cards if (pair := _pair(card.turns)) is not None]


def _pair(turns: Sequence[Turn]) -> Pair | None:
    spoken = [turn for turn in turns if turn.role != "system"]
    if [turn.role for turn in spoken] != ["user", "assistant"]:
        return None
    question, answer = (turn.content.strip() for turn in spoken)
    return Pair(question, answer, guess(f"{question}\n{answer}")) if question and answer else None


def by_language(pairs: Iterable[Pair], wanted: Sequence[str] = ()) -> dict[str, list[Pair]]:
    """Return the seeds of each language in which more are made.

    Args:
        pairs: All seeds.
        wanted: The languages; empty takes those that have enough seeds.

    Raises:
        ComposeError: There are too few seeds, or a language is not known.
    """
    groups: dict[str, list[Pair]] = {name: [] for name in LANGUAGES}
    for pair in dict.fromkeys(pairs):
        if pair.language in groups:
            groups[pair.language].append(pair)
    for name in wanted:
        if name not in groups:
            raise ComposeError(
                f"examples can't be made in {name}", hint=f"in one of: {', '.join(LANGUAGES)}"
            )
        if len(groups[name]) < MIN_SEEDS:
            raise ComposeError(
                f"there are {len(groups[name])} seed examples in {name}",
                hint=f"give at least {MIN_SEEDS}, so that a model sees what is wanted",
            )
    chosen = {
        name: found
        for name, found in groups.items()
        if (name in wanted if wanted else len(found) >= MIN_SEEDS)
    }
    if not chosen:
        raise ComposeError(
            f"there are too few seed examples: {MIN_SEEDS} in one language are needed",
            hint="approve some, or name a file with --seeds; the languages are "
            + ", ".join(LANGUAGES),
        )
    return chosen


def named(seeds: str) -> str:
    """Return how seeds are called in a sentence: approved ones, or a file's path."""
    return "the approved examples" if seeds == "approved" else shorten(seeds)
