"""Blind trials: two sealed sides, one judgement, and what many judgements say."""

from __future__ import annotations

import contextlib
import math
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NoReturn, get_args

from engine.errors import EvaluateError, FinetuiError, ServeError
from engine.evaluate.pair import Pair, Side, SideChunk, new_seed
from engine.models import Turn, Vote
from engine.serve.client import Timing
from engine.store import Store

Position = Literal["left", "right"]
POSITIONS: tuple[Position, ...] = get_args(Position)
Choice = Literal["left", "right", "tie", "both-bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)

# The two-sided 95% quantile of the normal distribution.
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class BlindChunk:
    """A part of the answer at one position; it does not tell which model that is."""

    position: Position
    text: str
    done: bool = False
    timing: Timing | None = None
    reason: str = ""
    error: FinetuiError | None = None


@dataclass(frozen=True, slots=True)
class Revealed:
    """Which model stood where."""

    left: Side
    right: Side


class _Seal:
    """Holds a side so that nothing which draws, copies or stores a value can show it."""

    __slots__ = ("_open",)

    def __init__(self, left: Side) -> None:
        self._open: Callable[[], Side] = lambda: left

    def __repr__(self) -> str:
        return "<sealed>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealed side can't be copied or stored")

    def left(self) -> Side:
        return self._open()


class Trial:
    """One question to both sides, which stand left and right by lot.

    Make it with :func:`new_trial`; ask with :meth:`ask`; then :func:`vote` or
    :func:`reveal`. A vote after a reveal is kept, but not as a blind one.

    Attributes:
        id: The trial's own name.
        prompt: The question as text.
        turns: The conversation that is sent.
        seed: The seed of both answers.
        revealed: Whether the sides were shown.
        vote: The vote, once there is one.
    """

    def __init__(self, turns: Sequence[Turn], *, left: Side, seed: int) -> None:
        self.id = secrets.token_hex(8)
        self.turns = tuple(turns)
        self.prompt = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
        self.seed = seed
        self.revealed = False
        self.vote: Vote | None = None
        self._seal = _Seal(left)
        self._lock = threading.Lock()
        self._texts: dict[Position, str] = dict.fromkeys(POSITIONS, "")
        self._last: dict[Position, BlindChunk] = {}
        self._asked: dict[str, str] = {}

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
        heat = pair.temperature if temperature is None else temperature
        self._asked = {"run": pair.run_id, "quant": pair.quant, "temperature": f"{heat:g}"}
        rounds: list[tuple[Position, ...]] = [("left",), ("right",)] if one_by_one else [POSITIONS]
        for positions in rounds:
            chunks = pair.ask(
                self.turns,
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
        blind = BlindChunk(
            position, chunk.text, chunk.done, chunk.timing, chunk.reason, _unnamed(chunk.error)
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
        }
        for position in POSITIONS:
            side, timing = self._side(position), self._last[position].timing
            if timing is not None:
                data |= {
                    f"{side}_ttft_s": f"{timing.ttft_s:.4f}",
                    f"{side}_tokens_per_s": f"{timing.tokens_per_s:.2f}",
                    f"{side}_tokens": str(timing.completion_tokens),
                }
        return data


def _unnamed(error: FinetuiError | None) -> FinetuiError | None:
    """Return an error without the file names that would tell the side."""
    if error is None or not isinstance(error, ServeError):
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


@dataclass(frozen=True, slots=True)
class Tally:
    """How many judgements went where.

    ``low`` and ``high`` bound, at 95%, the share of untied judgements that the tuned
    model wins.
    """

    tuned: int
    base: int
    ties: int
    both_bad: int
    low: float
    high: float

    @property
    def total(self) -> int:
        """All judgements."""
        return self.tuned + self.base + self.ties + self.both_bad

    @property
    def share(self) -> float | None:
        """The share of untied judgements that the tuned model won; None without any."""
        untied = self.tuned + self.base
        return self.tuned / untied if untied else None


def tally(votes: Iterable[Vote], *, blind_only: bool = True) -> Tally:
    """Count votes.

    Args:
        votes: The votes.
        blind_only: Whether those given with open sides are left out.
    """
    counts = {"tuned": 0, "base": 0, "tie": 0, "both-bad": 0}
    for item in votes:
        if item.blind or not blind_only:
            counts[item.choice] += 1
    low, high = wilson(counts["tuned"], counts["tuned"] + counts["base"])
    return Tally(
        tuned=counts["tuned"],
        base=counts["base"],
        ties=counts["tie"],
        both_bad=counts["both-bad"],
        low=low,
        high=high,
    )


def wilson(wins: int, trials: int) -> tuple[float, float]:
    """Return the 95% score interval of a proportion.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", JASA 22 (158), 1927, 209-212. It holds its level for few trials, where the
    usual interval p ± z·s does not: L. D. Brown, T. T. Cai, A. DasGupta, "Interval Estimation
    for a Binomial Proportion", Statistical Science 16 (2), 2001, 101-133.

    Args:
        wins: Successes.
        trials: Trials; without any the answer is (0, 1).
    """
    if not trials:
        return 0.0, 1.0
    share, square = wins / trials, _Z95 * _Z95
    middle = share + square / (2 * trials)
    spread = _Z95 * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # At the ends the bound is the end itself, which rounding would miss by a last bit.
    low = (middle - spread) / scale if wins else 0.0
    high = (middle + spread) / scale if wins < trials else 1.0
    return low, high
