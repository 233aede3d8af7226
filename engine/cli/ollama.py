"""The verb ``ollama``: what Ollama needs of an export, and giving it to a running one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.cli.common import common_options, opened, print_json, say
from engine.export.ollama.address import address
from engine.export.ollama.given import ForOllama, for_ollama
from engine.export.ollama.register import Registered, Step
from engine.paths import shorten
from engine.text import inert

_UNNAMED = "\0"


@click.command()
@click.argument("run")
@click.option("--quant", default=None, help="The quantisation (default: the newest export).")
@click.option(
    "--create",
    is_flag=False,
    flag_value=_UNNAMED,
    default=None,
    metavar="[NAME]",
    help="Make the model in a running Ollama, and ask it one question (default: the run's name).",
)
@click.option(
    "--host", default=None, help="Where Ollama listens (default: OLLAMA_HOST, else this machine)."
)
@click.option("--force", is_flag=True, help="Replace a model that has the name.")
@common_options
def ollama(
    run: str,
    quant: str | None,
    create: str | None,
    host: str | None,
    force: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Write an export's Modelfile, and give the model to Ollama.

    RUN is an id, a part of one that only it begins or ends with, or "last". Without --create
    nothing is sent: the files and the two commands to paste are printed.
    """
    where = address(host) if create is not None else None
    with opened(workspace) as here:
        name = "" if create in (None, _UNNAMED) else str(create)
        found = for_ollama(here, run, quant, name)
        if where is None:
            _print_files(found, as_json)
            return
        telling = _Telling(quiet=as_json)
        try:
            made = found.give(where, replace=force, tell=telling)
        finally:
            telling.end()
    _print_made(found, made, as_json)


def _print_files(found: ForOllama, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "name": found.name,
                "quant": found.quant,
                "gguf": str(found.gguf),
                "modelfile": str(found.modelfile),
                "commands": list(found.commands),
                **found.model.as_dict(),
            }
        )
        return
    say(f"GGUF       {shorten(found.gguf, 100)}")
    say(f"Modelfile  {shorten(found.modelfile, 100)}")
    _print_remarks(found)
    say()
    for command in found.commands:
        say(command)


def _print_remarks(found: ForOllama) -> None:
    for remark in found.model.remarks:
        say(f"note: {remark}")


def _print_made(found: ForOllama, made: Registered, as_json: bool) -> None:
    if as_json:
        print_json({**made.as_dict(), **found.model.as_dict()})
        return
    _print_remarks(found)
    replaced = ", in place of the one before" if made.replaced else ""
    say(f"{made.name} is in Ollama {made.version} at {made.address}{replaced}")
    say(f"asked    {made.question}")
    say(f"tuned    {made.answer.strip()}")
    if made.prompt_tokens is None:
        say("Ollama did not say how many tokens it read, so they could not be compared")
    else:
        stopped = ", and stopped by itself" if made.done_reason == "stop" else ""
        say(f"it read the {made.prompt_tokens:,} tokens of training{stopped}")
    say(f"chat with it: {found.commands[1]}")


class _Telling:
    """Says each step: on one line of a terminal, else a line where the words change."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._said = ""
        self._share = -1

    def __call__(self, step: Step) -> None:
        if self._quiet:
            return
        share = 100 * step.done // step.total if step.total else 0
        if self._terminal:
            if (step.words, share) != (self._said, self._share):
                words = f"{share:3}%  {step.words}" if step.total else step.words
                click.echo(f"\r\033[K{inert(words)[:78]}", nl=False, err=True)
        elif not step.grows and (step.words, share // 25) != (self._said, self._share // 25):
            words = f"{step.words}: {share}%" if step.total else step.words
            click.echo(inert(words), err=True)
        self._said, self._share = step.words, share

    def end(self) -> None:
        """End the line."""
        if self._terminal and self._said:
            click.echo(err=True)
