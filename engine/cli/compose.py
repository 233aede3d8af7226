"""``finetui questions``: questions that a model writes for a person's notes."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.common import Progress, common_options, opened, print_json, say
from engine.cli.waiting import patiently
from engine.errors import FinetuiError, UsageError
from engine.models import short_id
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.compose.backtranslate import Proposal, Unwritten
    from engine.compose.writer import Writer

Command = TypeVar("Command", bound=Callable[..., Any])

SHOWN = 3
_LINE = 160


def writer_options(function: Command) -> Command:
    """Add the options that choose a model; see :func:`chosen_writer`."""
    for option in (
        click.option("--endpoint", default="", metavar="URL", help="Any OpenAI-compatible one."),
        click.option("--model", default="", help="The model's name at the endpoint."),
        click.option("--embedded", is_flag=True, help="The small embedded model, on this machine."),
        click.option(
            "--timeout",
            type=click.FloatRange(min=1),
            default=300.0,
            show_default=True,
            help="How long an answer may take, in seconds.",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def chosen_writer(*, endpoint: str, model: str, embedded: bool, timeout: float) -> Iterator[Writer]:
    """Give the model that the options of :func:`writer_options` mean.

    The key of an endpoint comes from the environment: FINETUI_API_KEY, or OPENAI_API_KEY.
    """
    if embedded == bool(endpoint):
        raise UsageError(
            "name one model",
            hint="--endpoint http://localhost:11434/v1 --model NAME, or --embedded",
        )
    if embedded:
        from engine.compose.writer import EmbeddedWriter

        with patiently("writing", EmbeddedWriter) as small:
            yield small
        return
    from engine.compose.endpoint import Endpoint

    with Endpoint(endpoint, model, timeout_s=timeout) as remote:
        yield remote


@click.command()
@click.option("--source", default="", help="Only of this source of notes (a prefix of its id).")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="At most so many.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Another: other questions.")
@click.option("--yes", is_flag=True, help="Write without asking; else three are shown first.")
@click.option("--take-back", is_flag=True, help="Undo what models wrote (or --model alone).")
@writer_options
@common_options
def questions(
    source: str,
    limit: int | None,
    seed: int,
    yes: bool,
    take_back: bool,
    workspace: Path | None,
    as_json: bool,
    **model: Any,
) -> None:
    """Let a model write the questions that your notes answer.

    Only examples that nobody has decided or edited get one. Each is an edit under the
    model's name: it can be undone, and the question from the template comes back.
    """
    from engine.compose.backtranslate import note_sources, propose, waiting

    with opened(workspace) as space:
        if take_back:
            _take_back(space, model["model"], as_json=as_json)
            return
        ids = waiting(space.store, note_sources(space.store, source))[:limit]
        if not ids:
            _print_nothing(as_json)
            return
        with chosen_writer(**model) as writer:
            session = _Questions(space, writer, len(ids), quiet=as_json)
            with closing(propose(space.store, writer, ids, seed=seed)) as found:
                session.run(found, yes=yes)


def _take_back(space: Workspace, model: str, *, as_json: bool) -> None:
    from engine.compose.marks import take_back

    undone = take_back(space.store, model)
    if as_json:
        print_json({"taken_back": undone})
    else:
        say(f"{count(undone, 'question')} taken back")


def _print_nothing(as_json: bool) -> None:
    if as_json:
        print_json({"waiting": 0, "written": 0, "kept": [], "proposals": []})
        return
    say("no example from notes is without a decision, an edit or a model's question")


class _Questions:
    """One call of ``finetui questions``."""

    def __init__(self, space: Workspace, writer: Writer, total: int, *, quiet: bool) -> None:
        self._space = space
        self._writer = writer
        self._total = total
        self._quiet = quiet
        self._written: list[Proposal] = []
        self._kept: list[Unwritten] = []
        self._interrupted = False

    def run(self, found: Iterator[Proposal | Unwritten], *, yes: bool) -> None:
        """Show the first ones, ask, and write."""
        self._say(
            f"questions that came from a template: {self._total:,}; "
            f"their texts go to {self._writer.place}"
        )
        first = list(itertools.islice(found, SHOWN))
        for item in first:
            self._show(item)
        if not yes and not self._agreed():
            self._finish(first, dry=True)
            return
        step = Progress("writing", quiet=self._quiet)
        try:
            with self._space.store.operation():
                for done, item in enumerate(itertools.chain(first, found), 1):
                    self._keep(item)
                    step(done, self._total)
        except KeyboardInterrupt:
            self._interrupted = True
        except FinetuiError as error:
            error.counts.setdefault("written", len(self._written))
            click.echo(f"{count(len(self._written), 'question')} written, and kept", err=True)
            raise
        self._finish(first, dry=False)

    def _agreed(self) -> bool:
        if self._quiet or not sys.stdin.isatty():
            return False
        return click.confirm(f"Write {count(self._total, 'question')} like these?")

    def _keep(self, item: Proposal | Unwritten) -> None:
        from engine.compose.backtranslate import Proposal, record

        if not isinstance(item, Proposal):
            self._kept.append(item)
        elif record(self._space.store, [item]):
            self._written.append(item)

    def _show(self, item: Proposal | Unwritten) -> None:
        from engine.compose.backtranslate import Proposal

        self._say(f"\n  {short_id(item.card.example.id)}  {cut(item.card.turns[1].content)}")
        self._say(f"    was: {cut(item.card.turns[0].content)}")
        if isinstance(item, Proposal):
            self._say(f"    now: {item.question}")
        else:
            self._say(f"    stays: {item.reason} [{item.code}]")

    def _finish(self, first: list[Proposal | Unwritten], *, dry: bool) -> None:
        kept = [item for item in first if item in self._kept] if dry else self._kept
        if self._quiet:
            print_json(self._json(first, dry=dry))
        elif dry:
            self._say("\nnothing was written; add --yes to write")
        else:
            codes = Counter(item.code for item in kept)
            self._say(f"{count(len(self._written), 'question')} written{listed(codes)}")
            if self._interrupted:
                self._say("stopped; the same command goes on where it was")
            self._say("take them back with: finetui questions --take-back")
        if self._interrupted:
            raise click.exceptions.Exit(130)

    def _json(self, first: list[Proposal | Unwritten], *, dry: bool) -> dict[str, Any]:
        from engine.compose.backtranslate import Proposal

        shown = first if dry else self._written
        kept = [item for item in first if not isinstance(item, Proposal)] if dry else self._kept
        return {
            "model": self._writer.name,
            "waiting": self._total,
            "dry_run": dry,
            "interrupted": self._interrupted,
            "written": len(self._written),
            "proposals": [
                {
                    "id": item.card.example.id,
                    "before": item.before,
                    "question": item.question,
                    "language": item.language,
                }
                for item in shown
                if isinstance(item, Proposal)
            ],
            "kept": [
                {
                    "id": item.card.example.id,
                    "code": item.code,
                    "reason": item.reason,
                    "output": item.output,
                }
                for item in kept
            ],
        }

    def _say(self, text: str) -> None:
        if not self._quiet:
            say(text)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(counts: Counter[str]) -> str:
    """Return counts in brackets, the highest first; empty where there are none."""
    if not counts:
        return ""
    return " (" + ", ".join(f"{number:,} {name}" for name, number in counts.most_common()) + ")"


def cut(text: str) -> str:
    """Return a text on one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"
