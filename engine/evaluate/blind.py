"""Blind trials: two sealed sides, one judgement, and what many judgements say."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from engine.errors import EvaluateError, FinetuiError, PromptTooLong, ServeError
from engine.evaluate.pair import Pair, Side, SideChunk, new_seed
from engine.evaluate.seal import Seal
from engine.models import Turn, Vote
from engine.serve.client import Timing
from engine.serve.protocol import Threads
from engine.store import Store

Position = Literal["left", "right"]
POSITIONS: tuple[Position, ...] = get_args(Position)
Choice = Literal["left", "right", "tie", "both-bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)

STOPPED = "stopped"
"""The reason of an answer that a person ended."""


@dataclass(frozen=True, slots=True)
class BlindChunk:
    """A part of the answer at one position; it does not tell which model that is."""

    position: Position
    text: str
    done: bool = False
    timing: Timing | None = None
    reason: str = ""
    error: FinetuiError | None = None
    threads: Threads | None = None


@dataclass(frozen=True, slots=True)
class Revealed:
    """Which model stood where."""

    left: Side
    right: Side


class Trial:
    """One question to both sides, which stand left and right by lot.

    Make it with :func:`new_trial`, or from another one with :func:`follow` or
    :func:`again`; ask with :meth:`ask`; then :func:`vote` or :func:`reveal`. A vote after a
    reveal is kept, but not as a blind one.

    Args:
        turns: What is sent, ending with the question: the same to both sides, or by
            position, where each goes on from its own answers.
        left: What stands on the left.
        seed: The seed of both answers.
        turn: Its number in a conversation, from 1.
        conversation: The id of the conversation's first trial; its own by default.

    Attributes:
        id: The trial's own name.
        prompt: The question as text.
        seed: The seed of both answers.
        turn: Its number in a conversation, from 1.
        conversation: The id of the conversation's first trial.
        revealed: Whether the sides were shown.
        vote: The vote, once there is one.
    """

    def __init__(
        self,
        turns: Sequence[Turn] | Mapping[Position, Sequence[Turn]],
        *,
        left: Side,
        seed: int,
        turn: int = 1,
        conversation: str = "",
    ) -> None:
        self.id = secrets.token_hex(8)
        self._turns: dict[Position, tuple[Turn, ...]] = {
            position: tuple(turns[position] if isinstance(turns, Mapping) else turns)
            for position in POSITIONS
        }
        asked = reversed(self._turns["left"])
        self.prompt = next((turn.content for turn in asked if turn.role == "user"), "")
        self.seed = seed
        self.turn = turn
        self.conversation = conversation or self.id
        self.revealed = False
        self.vote: Vote | None = None
        self._seal = Seal(left)
        self._lock = threading.Lock()
        self._texts: dict[Position, str] = dict.fromkeys(POSITIONS, "")
        self._last: dict[Position, BlindChunk] = {}
        self._asked: dict[str, str] = {}
        # In functions, as the side is: an error has file names that tell which side it is.
        self._failures: dict[Position, Callable[[], FinetuiError]] = {}

    def __repr__(self) -> str:
        return f"Trial(id={self.id!r}, sides={'revealed' if self.revealed else 'sealed'})"

    @property
    def complete(self) -> bool:
        """Whether both sides have answered to the end."""
        return all(
            (last := self._last.get(position)) is not None and last.error is None
            for position in POSITIONS
        )

    def text(self, position: Position) -> str:
        """Return what has come of the answer at a position."""
        return self._texts[position]

    def turns(self, position: Position) -> tuple[Turn, ...]:
        """Return what is sent to the side at a position."""
        return self._turns[position]

    @property
    def system(self) -> str:
        """The system prompt that both sides were asked with; empty for none."""
        first = self._turns["left"][:1]
        return first[0].content if first and first[0].role == "system" else ""

    def failure(self, position: Position) -> FinetuiError | None:
        """Return why the side at a position failed, without names while it is sealed."""
        failure = self._failures.get(position)
        if failure is None:
            return None
        return failure() if self.revealed else _unnamed(failure())

    def stop(self, length: int | None = None) -> None:
        """Take the answers for finished as far as they have come.

        End the iteration of :meth:`ask` first.

        Args:
            length: The characters that both are cut to, where no more than that was shown;
                all that has come by default.
        """
        for position in POSITIONS:
            self._texts[position] = self._texts[position][:length]
            last = self._last.get(position)
            if last is None:
                self._last[position] = BlindChunk(position, "", done=True, reason=STOPPED)

    async def ask(
        self,
        pair: Pair,
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
        one_by_one: bool = False,
    ) -> AsyncGenerator[BlindChunk, None]:
        """Ask both sides and yield their answers by position. Asking again starts over.

        Args:
            pair: The two models.
            temperature: Sampling temperature; None takes the setting.
            max_tokens: The longest answer; None takes the setting.
            one_by_one: Whether the left answer comes whole before the right one begins.

        Raises:
            EvaluateError: The trial was voted on already, or has no question.
        """
        if self.vote is not None:
            raise EvaluateError("this trial has its vote already", hint="ask a new question")
        self._texts, self._last = dict.fromkeys(POSITIONS, ""), {}
        self._failures = {}
        heat = pair.temperature if temperature is None else temperature
        self._asked = {
            "run": pair.run_id,
            "quant": pair.quant,
            "temperature": f"{heat:g}",
            "weights": pair.weights,
        }
        rounds: list[tuple[Position, ...]] = [("left",), ("right",)] if one_by_one else [POSITIONS]
        for positions in rounds:
            chunks = pair.ask(
                {self._side(position): self._turns[position] for position in POSITIONS},
                seed=self.seed,
                temperature=heat,
                max_tokens=max_tokens,
                sides=[self._side(position) for position in positions],
            )
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    yield self._take(chunk)

    def _take(self, chunk: SideChunk) -> BlindChunk:
        position: Position = "left" if chunk.side == self._seal.left() else "right"
        self._texts[position] += chunk.text
        if (error := chunk.error) is not None:
            self._failures[position] = lambda: error
        blind = BlindChunk(
            position,
            chunk.text,
            chunk.done,
            chunk.timing,
            chunk.reason,
            self.failure(position),
            chunk.threads,
        )
        if chunk.done:
            self._last[position] = blind
        return blind

    def _side(self, position: Position) -> Side:
        left = self._seal.left()
        if position == "left":
            return left
        return "tuned" if left == "base" else "base"

    def _choose(self, store: Store, choice: Choice, at: float) -> Vote:
        # Two keys pressed quickly must not make two votes.
        with self._lock:
            if self.vote is not None:
                raise EvaluateError("this trial has its vote already", hint="ask a new question")
            if not self.complete:
                raise EvaluateError(
                    "both sides have to answer before a vote", hint="wait, or ask again"
                )
            left = self._side("left")
            texts = {self._side(position): self._texts[position] for position in POSITIONS}
            self.vote = store.add_vote(
                run_id=self._asked["run"],
                quant=self._asked["quant"],
                prompt=self.prompt,
                base_text=texts["base"],
                tuned_text=texts["tuned"],
                left=left,
                choice=choice if choice == "tie" or choice == "both-bad" else self._side(choice),
                blind=not self.revealed,
                at=at,
                metadata=self._metadata(),
            )
        return self.vote

    def _metadata(self) -> Mapping[str, str]:
        data = {
            "trial": self.id,
            "seed": str(self.seed),
            "temperature": self._asked["temperature"],
            "system": self.system,
            "weights": self._asked["weights"],
        }
        if self.turn > 1:
            history = {
                self._side(position): [[turn.role, turn.content] for turn in turns[:-1]]
                for position, turns in self._turns.items()
            }
            data |= {
                "conversation": self.conversation,
                "turn": str(self.turn),
                "history": json.dumps(history),
            }
        for position in POSITIONS:
            side, timing = self._side(position), self._last[position].timing
            if self._last[position].reason == STOPPED:
                data[f"{side}_stopped"] = "yes"
            if timing is not None:
                data |= {
                    f"{side}_ttft_s": f"{timing.ttft_s:.4f}",
                    f"{side}_tokens_per_s": f"{timing.tokens_per_s:.2f}",
                    f"{side}_tokens": str(timing.completion_tokens),
                }
                if timing.threads is not None and timing.threads.beside:
                    data[f"{side}_threads"] = timing.threads.words()
        return data


def _unnamed(error: FinetuiError) -> FinetuiError:
    """Return an error without the file names that would tell the side."""
    if not isinstance(error, ServeError) or isinstance(error, PromptTooLong):
        return error
    return type(error)("this side's worker could not answer", hint="reveal the sides to see why")


def new_trial(
    prompt: str | Sequence[Turn], rng: Random | None = None, *, seed: int | None = None
) -> Trial:
    """Make a trial whose sides are drawn by lot and sealed.

    Args:
        prompt: The question, or a conversation that ends with it.
        rng: Where the lot comes from; the operating system's by default.
        seed: The seed of both answers; a new one by default.
    """
    turns = (Turn("user", prompt),) if isinstance(prompt, str) else tuple(prompt)
    lot = rng if rng is not None else secrets.SystemRandom()
    left: Side = "base" if lot.random() < 0.5 else "tuned"
    return Trial(turns, left=left, seed=new_seed() if seed is None else seed)


def follow(trial: Trial, prompt: str, *, seed: int | None = None) -> Trial:
    """Make the next turn of a trial's conversation.

    Each side goes on from what it said itself. Both stay where they stand, sealed as long
    as they are; once they were shown, votes are no longer blind.

    Args:
        trial: The turn before; both sides must have answered.
        prompt: The next question.
        seed: The seed of both answers; a new one by default.

    Raises:
        EvaluateError: A side has not answered.
    """
    if not trial.complete:
        raise EvaluateError(
            "both sides have to answer before the conversation goes on", hint="ask again"
        )
    turns = {
        position: (
            *trial.turns(position),
            Turn("assistant", trial.text(position)),
            Turn("user", prompt),
        )
        for position in POSITIONS
    }
    return _in_place_of(trial, turns, seed, trial.turn + 1)


def again(trial: Trial, *, seed: int | None = None) -> Trial:
    """Make a trial of the same question in the same conversation, with another seed.

    Both sides stay where they stand.
    """
    return _in_place_of(trial, {at: trial.turns(at) for at in POSITIONS}, seed, trial.turn)


def _in_place_of(
    trial: Trial, turns: Mapping[Position, Sequence[Turn]], seed: int | None, turn: int
) -> Trial:
    made = Trial(
        turns,
        left=trial._side("left"),
        seed=new_seed() if seed is None else seed,
        turn=turn,
        conversation=trial.conversation,
    )
    made.revealed = trial.revealed
    return made


def reveal(trial: Trial) -> Revealed:
    """Break the seal and say which model stands where."""
    trial.revealed = True
    return Revealed(left=trial._side("left"), right=trial._side("right"))


def vote(store: Store, trial: Trial, choice: Choice, *, at: float | None = None) -> Vote:
    """Keep a judgement, unsealed, with the answers and how they were made.

    Args:
        store: Where votes are kept.
        trial: The trial; both sides must have answered.
        choice: The better position, "tie" or "both-bad".
        at: The time, in seconds since the epoch; now by default.

    Raises:
        EvaluateError: A side has not answered, the trial has its vote, or the choice is none.
    """
    if choice not in CHOICES:
        raise EvaluateError(f"{choice!r} is no choice", hint="choose " + ", ".join(CHOICES))
    return trial._choose(store, choice, time.time() if at is None else at)


def take_back(
    store: Store, run_id: str, trials: Iterable[Trial] = (), *, at: float | None = None
) -> Vote | None:
    """Take back the last vote on a run that stands; again, the one before it.

    The vote stays in the store's history, and counts nowhere.

    Args:
        store: Where votes are kept.
        run_id: The run.
        trials: Trials of which one may have given the vote; that one can be voted on again.
        at: The time, in seconds since the epoch; now by default.

    Returns:
        The vote that was taken back, or None where none stands.
    """
    taken = store.take_back_vote(run_id, at=time.time() if at is None else at)
    for trial in trials:
        if taken is not None and trial.vote is not None and trial.vote.id == taken.id:
            trial.vote = None
    return taken
