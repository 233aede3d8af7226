"""The verb ``chat``: base and tuned answer on plain lines, open or blind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from engine.cli.asking import system_options, weights_option
from engine.cli.common import common_options, opened, print_json, say
from engine.cli.compare import tally_line
from engine.cli.waiting import patiently
from engine.errors import FinetuiError
from engine.evaluate.blind import Choice, Trial, new_trial, reveal, vote
from engine.evaluate.pair import SIDES, Pair, new_seed
from engine.evaluate.sharing import Weights
from engine.evaluate.system import System, frozen_system
from engine.evaluate.tally import tally
from engine.models import Turn
from engine.runs import find
from engine.serve.client import Timing
from engine.serve.protocol import Threads
from engine.store import Store
from engine.text import inert

_KEYS: dict[str, Choice] = {"a": "left", "b": "right", "t": "tie", "x": "both-bad"}
_LETTERS = {"left": "A", "right": "B"}


@click.command()
@click.argument("run")
@click.argument("prompt", required=False)
@click.option("--quant", default="", help="The quantisation (default: the newest export).")
@click.option("--blind", is_flag=True, help="Hide which side is which, and ask for a vote.")
@click.option("--seed", type=int, default=None, help="The seed of both answers.")
@click.option("--temperature", type=click.FloatRange(0, 2), default=None, help="0 is greedy.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=None, help="Longest answer.")
@weights_option
@system_options
@common_options
def chat(
    run: str,
    prompt: str | None,
    quant: str,
    blind: bool,
    seed: int | None,
    temperature: float | None,
    max_tokens: int | None,
    system: str | None,
    weights: Weights | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Ask base and tuned model the same, one answer after the other.

    Without PROMPT, prompts are read from the input, one a line. They are asked with the system
    prompt that the run's dataset was frozen with. RUN is an id, a part of one that only it
    begins or ends with, or "last".
    """
    asked: list[dict[str, Any]] = []
    with (
        opened(workspace) as here,
        patiently("chat", lambda: Pair.open(here, run, quant, weights)) as pair,
    ):
        behind = System(frozen_system(find(here, pair.run_id).dir), system)
        if not as_json:
            if pair.sharing.why:
                say(f"weights: {pair.sharing.words()}")
            say(f"system: {' '.join(behind.words().split())}")
        for text in [prompt] if prompt is not None else _prompts(quiet=as_json):
            chosen = new_seed() if seed is None else seed
            turns = behind.opening(text)
            talk = _Talk(pair, turns, chosen, temperature, max_tokens, quiet=as_json)
            asked.append(talk.blind(here.store) if blind else talk.open())
            pair.revive()
        if blind and not as_json:
            say(tally_line(tally(here.store.votes(pair.run_id))))
    if as_json:
        told = {"text": behind.text, "origin": behind.origin}
        loaded = {"weights": pair.weights, "why": pair.sharing.why}
        print_json(
            {
                "run": pair.run_id,
                "quant": pair.quant,
                "loaded": loaded,
                "system": told,
                "asked": asked,
            }
        )


def _prompts(*, quiet: bool) -> Iterator[str]:
    """Yield the prompts that a person types, or that the input holds."""
    while (line := _ask("› ", quiet=quiet)) is not None:
        if line:
            yield line


def _ask(question: str, *, quiet: bool) -> str | None:
    """Return a line of input, or None at its end."""
    if not quiet and sys.stdin.isatty():
        click.echo(question, nl=False)
    line = sys.stdin.readline()
    return line.strip() if line else None


class _Talk:
    """One question, printed as it is answered."""

    def __init__(
        self,
        pair: Pair,
        turns: Sequence[Turn],
        seed: int,
        temperature: float | None,
        max_tokens: int | None,
        *,
        quiet: bool,
    ) -> None:
        self._pair = pair
        self._turns = turns
        self._text = turns[-1].content
        self._seed = seed
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._quiet = quiet
        self._beside = ""

    def _print(self, text: str, *, end: str = "\n") -> None:
        if not self._quiet:
            click.echo(inert(text) + end, nl=False)

    def open(self) -> dict[str, Any]:
        """Ask both sides and say which is which."""
        return asyncio.run(self._open())

    async def _open(self) -> dict[str, Any]:
        told: dict[str, Any] = {"prompt": self._text, "seed": self._seed}
        for side in SIDES:
            self._print(f"── {side}")
            text, timing, error = "", None, None
            async for chunk in self._pair.ask(
                self._turns,
                seed=self._seed,
                temperature=self._temperature,
                max_tokens=self._max_tokens,
                sides=[side],
            ):
                self._threads(chunk.threads)
                self._print(chunk.text, end="")
                text, timing, error = text + chunk.text, chunk.timing, chunk.error
            self._end(timing, error)
            told[side] = _answer(text, timing, error)
        return told

    def blind(self, store: Store) -> dict[str, Any]:
        """Ask both sides under letters, take a vote, and reveal."""
        trial = new_trial(self._turns, seed=self._seed)
        asyncio.run(self._blind(trial))
        told: dict[str, Any] = {"prompt": self._text, "seed": self._seed}
        if trial.complete and (choice := self._choice()) is not None:
            told["choice"] = vote(store, trial, choice).choice
        sides = reveal(trial)
        self._print(f"A was {sides.left}, B was {sides.right}\n")
        return (
            told
            | {"left": sides.left, sides.left: trial.text("left")}
            | {sides.right: trial.text("right")}
        )

    async def _blind(self, trial: Trial) -> None:
        last = ""
        async for chunk in trial.ask(
            self._pair,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            one_by_one=True,
        ):
            if chunk.position != last:
                last = chunk.position
                self._print(f"── {_LETTERS[last]}")
            self._threads(chunk.threads)
            self._print(chunk.text, end="")
            if chunk.done:
                self._end(chunk.timing, chunk.error)

    def _threads(self, threads: Threads | None) -> None:
        """Say that something else uses the processor, or no longer does; once each."""
        if threads is not None and threads.beside != self._beside:
            self._beside = threads.beside
            words = threads.words() or f"{threads.now} threads again"
            self._print(f"[{words}]")

    def _choice(self) -> Choice | None:
        """Ask for a vote; None where the input ended or none is given."""
        while line := _ask("better: a, b, t (tie), x (both bad), or ↵: ", quiet=self._quiet):
            if line.lower() in _KEYS:
                return _KEYS[line.lower()]
            self._print("a, b, t or x")
        return None

    def _end(self, timing: Timing | None, error: FinetuiError | None) -> None:
        if error is not None:
            self._print(f"\n[{error.message}]")
        elif timing is not None:
            self._print(
                f"\n   {timing.completion_tokens} tokens · first after {timing.ttft_s:.2f} s · "
                f"{timing.tokens_per_s:.1f} tokens/s\n"
            )


def _answer(text: str, timing: Timing | None, error: FinetuiError | None) -> dict[str, Any]:
    told: dict[str, Any] = {"text": text}
    if timing is not None:
        told |= {
            "prompt_tokens": timing.prompt_tokens,
            "completion_tokens": timing.completion_tokens,
            "ttft_s": timing.ttft_s,
            "tokens_per_s": timing.tokens_per_s,
        }
        if timing.threads is not None:
            told["threads"] = timing.threads.as_dict()
    if error is not None:
        told["error"] = error.as_dict()
    return told
