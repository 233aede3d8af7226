"""The examples of a workspace as deduplication sees them: keys instead of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.child import Progress
from engine.models import Brief, Card, LinkWhat, State, example_id
from engine.similarity.texts import key_of, normal_form, parts, signature
from engine.similarity.vectors import CHUNK, Embedder
from engine.store import Store

WHATS: tuple[LinkWhat, ...] = ("both", "prompt", "answer")

_HELD_CHARACTERS = 8_000_000
_CARDS_AT_ONCE = 256

CHANGED = "!"
"""What the store puts before the key of a text that an example no longer has."""

NodeKey = tuple[bytes, ...]
"""What is compared as one thing: the keys of the sides that are compared."""


@dataclass(frozen=True, slots=True)
class Sides:
    """An example's text, by keys.

    Args:
        text_id: The id of the text that the keys were computed from.
        prompt: The key of the prompt's normal form; empty for an empty prompt.
        answer: The key of the answer's.
        prompt_numbers: What stands for the numbers in the prompt; see
            :func:`engine.similarity.texts.signature`.
        answer_numbers: What stands for those in the answer.
        answer_length: The length of the answer, in characters.
    """

    text_id: str
    prompt: bytes
    answer: bytes
    prompt_numbers: int
    answer_numbers: int
    answer_length: int

    def node(self, what: LinkWhat) -> NodeKey | None:
        """Return what takes part in a forest; None where there is nothing to compare."""
        if what == "prompt":
            return (self.prompt,) if self.prompt else None
        if what == "answer":
            return (self.answer,) if self.answer else None
        return (self.prompt, self.answer) if self.prompt or self.answer else None

    def packed(self) -> str:
        """Return it as the store keeps it."""
        keys = f"{self.prompt.hex()}|{self.answer.hex()}"
        numbers = f"{self.prompt_numbers:x}|{self.answer_numbers:x}|{self.answer_length:x}"
        return f"{self.text_id}|{keys}|{numbers}"


def unpacked(text: str) -> Sides | None:
    """Return what :meth:`Sides.packed` made, of a changed text too; None for anything else."""
    try:
        text_id, prompt, answer, *numbers = text.removeprefix(CHANGED).split("|")
        prompt_numbers, answer_numbers, answer_length = (int(number, 16) for number in numbers)
        return Sides(
            text_id,
            bytes.fromhex(prompt),
            bytes.fromhex(answer),
            prompt_numbers,
            answer_numbers,
            answer_length,
        )
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an example when a representative is chosen."""

    position: int
    example_id: str
    source_id: str
    state: State
    quality: float | None
    answer_length: int
    language: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """All examples of a workspace, by position, and which of them are new or changed."""

    sides: Mapping[int, Sides]
    about: Mapping[int, About]
    changed: Sequence[int] = ()


def read(store: Store, before: Mapping[int, str], cancelled: Callable[[], bool]) -> Reading | None:
    """Read all examples; the texts of those that have not changed are not looked at.

    Args:
        store: The workspace's store.
        before: What the store has kept, by position.
        cancelled: Asked now and then whether to stop.

    Returns:
        What was read; None where it was stopped.
    """
    sides: dict[int, Sides] = {}
    about: dict[int, About] = {}
    unknown: dict[int, Brief] = {}
    for brief in store.briefs():
        key = before.get(brief.position, "")
        known = None if key.startswith(CHANGED) else unpacked(key)
        if known is None:
            unknown[brief.position] = brief
        else:
            sides[brief.position] = known
            about[brief.position] = _about(brief, known)
    changed: list[int] = []
    places = list(unknown)
    for start in range(0, len(places), _CARDS_AT_ONCE):
        if cancelled():
            return None
        for card in store.cards_at(places[start : start + _CARDS_AT_ONCE]):
            changed.append(card.position)
            sides[card.position] = _sides(card)
            about[card.position] = _about(unknown[card.position], sides[card.position])
    return Reading(sides, about, changed)


def _sides(card: Card) -> Sides:
    text_id = example_id(card.turns)
    pair = parts(card.turns)
    prompt, answer = normal_form(pair.prompt), normal_form(pair.answer)
    return Sides(
        text_id,
        key_of(prompt),
        key_of(answer),
        signature(prompt),
        signature(answer),
        sum(len(turn.content) for turn in card.turns if turn.role == "assistant"),
    )


def _about(brief: Brief, sides: Sides) -> About:
    return About(
        brief.position,
        brief.example_id,
        brief.source_id,
        brief.state,
        brief.quality,
        sides.answer_length,
        brief.language,
    )


def embed_missing(
    store: Store,
    embedder: Embedder,
    missing: Iterable[bytes],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> set[bytes] | None:
    """Embed the texts of some keys, which are read once more for it.

    Returns:
        The keys that the model gives no numbers for; None where it was stopped.
    """
    wanted = set(missing)
    total, done = len(wanted), 0
    bad: set[bytes] = set()
    progress(0, total)
    for texts in _batches(_wanted_texts(store, wanted)):
        if cancelled():
            return None
        bad |= embedder.add(texts)
        done += len(texts)
        progress(done, total)
    return bad


def _wanted_texts(store: Store, wanted: set[bytes]) -> Iterator[tuple[bytes, str]]:
    for card in store.cards():
        if not wanted:
            return
        pair = parts(card.turns)
        for text in (pair.prompt, pair.answer):
            normal = normal_form(text)
            key = key_of(normal)
            if key in wanted:
                wanted.discard(key)
                yield key, normal


def _batches(texts: Iterable[tuple[bytes, str]]) -> Iterator[dict[bytes, str]]:
    batch: dict[bytes, str] = {}
    held = 0
    for key, text in texts:
        batch[key] = text
        held += len(text)
        if len(batch) >= CHUNK or held > _HELD_CHARACTERS:
            yield batch
            batch, held = {}, 0
    if batch:
        yield batch
