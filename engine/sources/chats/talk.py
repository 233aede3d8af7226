"""Messages put together as a conversation that can be trained on, and what was left out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.appmarks import NOTHING, Missing, Taken, hollow, taken
from engine.elsewhere import speaks_of_made
from engine.models import Alternative, Role, Turn
from engine.sources.turns import clean

MAX_ALTERNATIVES = 16
"""The most other answers that are kept of one turn."""

REASONS: Mapping[str, tuple[str, str]] = {
    "hidden": ("message", "hidden in the app it comes from"),
    "custom-instructions": ("message", "the person's custom instructions, not said in the talk"),
    "late-system": ("message", "a system message after the beginning"),
    "tool-calls": ("part", "a call of a tool or its result"),
    "thoughts": ("part", "the model's thoughts, not its answer"),
    "not-text": ("message", "the question shows an image or a file"),
    "media": ("part", "an image, sound or file in an answer"),
    "attachment-too-long": ("message", "the question has a long file attached"),
    "empty-answer": ("message", "the answer has no words"),
    "empty-question": ("message", "the question has no words"),
    "no-question": ("message", "an answer before any question"),
    "no-answer": ("message", "a question that was never answered"),
    "not-wanted": ("message", "the answer is marked as not wanted"),
    "not-trained": ("message", "the answer is marked as not to be trained on"),
    "elsewhere": ("message", "what they answer lies in a canvas, an artifact or a file"),
    "unknown-role": ("message", "nobody is named who says it"),
    "other-branch": ("message", "they lie on other branches; set branches=all to read them"),
    "cycle": ("message", "the messages before it lead round in a circle"),
    "no-prompt": ("message", "yours before any answer: nothing stands there to prompt them"),
    "no-reply": ("message", "an answer that you did not reply to in words"),
    "attached": ("attached text", "it stood beside your words and is not yours"),
    "more-alternatives": ("alternative", f"more than {MAX_ALTERNATIVES} answers to one question"),
}
"""What each code counts, and what it says about them."""


_OF_ANSWERS = frozenset((
    *("no-question", "no-answer", "empty-answer", "empty-question", "not-trained", "elsewhere"),
    *("not-text", "attachment-too-long", "late-system", "more-alternatives", "media"),
))  # fmt: skip
"""What is left out since no answer of the assistant's can be learnt from it."""


@dataclass(slots=True)
class Message:
    """One message of a chat, as far as it is text.

    Attributes:
        role: Who says it.
        text: Its words.
        out: The code with which it is left out as a whole.
        parts: The codes of its parts that are left out.
        blocks: The code with which the exchange that it belongs to is left out.
        others: Other texts for an answer; at a question, other answers to it. They go where
            the exchange is left out.
        document: Which document of the app's the text is, such as one in a canvas. Of several
            versions in one answer the last is kept.
        own: What of it the person wrote, where the text holds more, such as attached files.
        missing: Whether the message speaks of content that the export does not hold: "some"
            where its words may be an answer without it, "all" where they are none. Of a message
            that is left out too: an image that a tool made is content that is not here.
        shows: Whether a document of the app's stands in the text.
    """

    role: Role
    text: str = ""
    out: str = ""
    parts: Sequence[str] = ()
    blocks: str = ""
    others: Sequence[str] = ()
    document: str = ""
    own: str | None = None
    missing: Missing = ""
    shows: bool = False


@dataclass(slots=True)
class Tally:
    """How many messages became turns, had no words, or were left out, by code.

    ``parts`` counts what was cut out of messages, of which the rest may be kept. ``mine``
    counts what is left out where the person's words are learnt.
    """

    kept: int = 0
    empty: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    mine: Counter[str] = field(default_factory=Counter)

    def reasons(self, *, mine: bool = False) -> list[tuple[str, str]]:
        """Return code and reason of all that was left out, each with its number.

        Args:
            mine: Whether the person's words are learnt, and not the assistant's.
        """
        found: list[tuple[str, str]] = []
        counts = self.messages + self.parts
        if mine:
            others = {code: number for code, number in counts.items() if code not in _OF_ANSWERS}
            counts = Counter(others) + self.mine
        for code, number in counts.items():
            unit, why = REASONS[code]
            if unit == "part" and not self.parts[code]:
                unit = "message"
            found.append((code, f"{number:,} {unit}{'' if number == 1 else 's'} left out: {why}"))
        return found


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: a system turn perhaps, then user and assistant by turns, the assistant last.

    ``branch`` is 0 for the one that the app shows, and counts the others from 1. ``hollow``
    are the turns that speak of a document or file, and say little else. ``mine`` is the same
    talk as the person's words answer the assistant's; ``turns`` may then be empty.
    """

    turns: tuple[Turn, ...]
    alternatives: tuple[Alternative, ...] = ()
    branch: int = 0
    hollow: tuple[int, ...] = ()
    mine: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a record holds: the talk that the app shows and other branches of it.

    ``about`` are further facts, such as the model; ``chat`` says that it was had with an
    app, and is no row of a data set.
    """

    talks: tuple[Talk, ...]
    tally: Tally
    title: str = ""
    date: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    chat: bool = True


@dataclass(slots=True)
class _Exchange:
    """Messages of a user, and those that answer them; each with whether it is counted."""

    asked: list[tuple[Message, bool]] = field(default_factory=list)
    said: list[tuple[Message, bool]] = field(default_factory=list)
    answered: bool = False
    called: bool = False
    made: bool = False

    def is_hollow(self) -> bool:
        """Say whether little is said beside content that the export does not hold."""
        text = _joined([message.text for message, _ in self.said])
        missing = self.made or any(message.missing for message, _ in self.said)
        called = self.called or any("tool-calls" in message.parts for message, _ in self.said)
        if not missing and called and not any(message.shows for message, _ in self.said):
            missing = speaks_of_made(text)
        return missing and hollow(Taken(text, "some"))

    def fault(self) -> str:
        """Return the code with which the exchange is left out, or nothing."""
        for message, _ in (*self.asked, *self.said):
            if message.blocks:
                return message.blocks
        if any(message.missing == "all" for message, _ in self.said):
            return "elsewhere"
        if not any(message.text for message, _ in self.said):
            return "empty-answer" if self.answered else "no-answer"
        return "" if any(message.text for message, _ in self.asked) else "empty-question"


def compose(messages: Sequence[Message], tally: Tally, *, known: int = 0) -> Talk | None:
    """Put messages together as turns.

    A user's messages in a row are one turn, and so are those that answer them. An exchange
    that lacks its question or its answer, or whose question is no text, is left out as a
    whole; so is what stands before the first question, but for the system message.

    Args:
        messages: The messages in their order. Their texts are cleaned here.
        tally: Where what is kept and left out is counted.
        known: How many of the first messages were counted before.

    Returns:
        The talk, or None where no exchange is left, be it one that the person's words end.
    """
    system, system_counts = "", 0
    exchanges: list[_Exchange] = []
    now: _Exchange | None = None
    _clean(messages)
    for number, message in enumerate(messages):
        counts = number >= known
        if counts and message.parts:
            tally.parts.update(message.parts)
        if message.out:
            if counts:
                tally.messages[message.out] += 1
            if now is not None and message.role in ("assistant", "tool"):
                now.answered = now.answered or message.out != "hidden"
                now.called = now.called or message.out == "tool-calls"
                now.made = now.made or bool(message.missing)
        elif message.role == "user":
            if now is None or now.answered:
                now = _Exchange()
                exchanges.append(now)
            now.asked.append((message, counts))
        elif message.role == "assistant" and now is not None:
            now.said.append((message, counts))
            now.answered = True
        elif not message.text:
            tally.empty += counts
        elif message.role == "system" and not system and now is None:
            system, system_counts = message.text, int(counts)
        elif counts:
            tally.messages["no-question" if message.role == "assistant" else "late-system"] += 1
    kept = [exchange for exchange in exchanges if not _left_out(exchange, tally)]
    mine = _mine(messages, known, tally)
    if not kept:
        tally.messages["no-answer"] += system_counts
        return Talk((), mine=mine) if mine else None
    tally.kept += system_counts
    return replace(_talk(system, kept, tally), mine=mine)


@dataclass(slots=True)
class _Run:
    """What one side says before the other speaks."""

    role: Role
    messages: list[Message] = field(default_factory=list)
    counts: bool = False

    @property
    def text(self) -> str:
        """Its words; those of the person without what is attached to them."""
        own = [one.text if one.own is None else one.own for one in self.messages]
        return _joined([text for text in own if text])

    @property
    def blocks(self) -> str:
        """The code with which it is left out, or nothing."""
        return next((one.blocks for one in self.messages if one.blocks), "")


def _mine(messages: Sequence[Message], known: int, tally: Tally) -> tuple[Turn, ...]:
    """Return the person's words as answers to what the assistant said before each.

    The person's first words have nothing before them and are left out, as are answers that
    the person did not reply to, and system messages, which are about the assistant.
    """
    runs: list[_Run] = []
    for number, message in enumerate(messages):
        if message.out or message.role not in ("user", "assistant"):
            continue
        if not message.text and not message.blocks:
            continue
        if not runs or runs[-1].role != message.role:
            runs.append(_Run(message.role))
        runs[-1].messages.append(message)
        runs[-1].counts = runs[-1].counts or number >= known
    turns: list[Turn] = []
    for at, run in enumerate(runs):
        if not run.counts:
            continue
        if run.role == "assistant":
            tally.mine["no-reply"] += at + 1 == len(runs)
            continue
        tally.mine["attached"] += sum(one.own is not None for one in run.messages)
        if not at or not runs[at - 1].text:
            tally.mine["no-prompt"] += 1
        elif run.blocks:
            tally.mine[run.blocks] += len(run.messages)
        elif run.text:
            turns += [Turn("user", runs[at - 1].text), Turn("assistant", run.text)]
        else:
            tally.mine["no-reply"] += 1
    return tuple(turns)


def _clean(messages: Sequence[Message]) -> None:
    """Make the texts of messages such that they can be kept, without the marks of apps."""
    spoken = NOTHING
    for message in messages:
        if not message.text or message.out:
            continue
        role = message.role
        found = taken(clean(message.text), role, NOTHING if role == "user" else spoken)
        message.text = found.text.strip()
        if message.own is not None:
            message.own = taken(clean(message.own), role).text.strip()
        message.missing = message.missing or found.missing
        if role == "user":
            spoken = found.spoken
        if message.others:
            message.others = [taken(clean(other), "assistant", spoken).text
                              for other in message.others]  # fmt: skip
    _drop_versions(messages)


def _drop_versions(messages: Sequence[Message]) -> None:
    """Leave the last version of each document that an answer made several of."""
    later: set[str] = set()
    for message in reversed(messages):
        if message.role == "user" and not message.out:
            later.clear()
        elif message.document:
            if message.document in later:
                message.out = "tool-calls"
            later.add(message.document)


def _left_out(exchange: _Exchange, tally: Tally) -> bool:
    """Say whether an exchange is left out, and count its messages in either case."""
    code = exchange.fault()
    if code:
        for message, _ in (*exchange.asked, *exchange.said):
            message.others = ()
    for message, counts in (*exchange.asked, *exchange.said):
        if not counts:
            continue
        if not (message.text or message.blocks):
            tally.empty += 1
        elif code:
            tally.messages[code] += 1
        else:
            tally.kept += 1
    return bool(code)


def _talk(system: str, exchanges: Sequence[_Exchange], tally: Tally) -> Talk:
    turns = [Turn("system", system)] if system else []
    alternatives: list[Alternative] = []
    empty: list[int] = []
    for exchange in exchanges:
        turns.append(Turn("user", _joined([message.text for message, _ in exchange.asked])))
        answer = _joined([message.text for message, _ in exchange.said])
        others = _others(exchange, answer)
        if len(others) > MAX_ALTERNATIVES:
            tally.parts["more-alternatives"] += len(others) - MAX_ALTERNATIVES
        alternatives += [Alternative(len(turns), text) for text in others[:MAX_ALTERNATIVES]]
        if exchange.is_hollow():
            empty.append(len(turns))
        turns.append(Turn("assistant", answer))
    return Talk(tuple(turns), tuple(alternatives), hollow=tuple(empty))


def _joined(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else "\n\n".join(text for text in texts if text)


def _others(exchange: _Exchange, answer: str) -> list[str]:
    """Return other answers to the exchange's question, each once."""
    found: list[str] = []
    for message, _ in exchange.asked:
        found += message.others
    for at, (message, _) in enumerate(exchange.said):
        for other in message.others:
            texts = [said.text for said, _ in exchange.said]
            texts[at] = other
            found.append(_joined(texts))
    if not found:
        return found
    cleaned = [taken(clean(text)).text.strip() for text in found]
    return list(dict.fromkeys(text for text in cleaned if text and text != answer))
