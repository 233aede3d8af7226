"""``finetui synthetic``: templates of synthetic data, and examples that a model writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.cli.compose import chosen_writer, cut, listed, writer_options
from engine.cli.compose import count as counted
from engine.errors import FinetuiError
from engine.models import short_id
from engine.paths import shell_path, shorten
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.compose.expand import Step
    from engine.compose.seeds import Pair


@click.group("synthetic")
def synthetic() -> None:
    """Templates of synthetic data, and examples that a model writes after yours."""


@synthetic.command("init")
@click.argument("path", type=click.Path(path_type=Path))
@common_options
def init(path: Path, workspace: Path | None, as_json: bool) -> None:
    """Write the shipped templates to PATH, to be edited. Nothing is overwritten."""
    from engine.sources.synthetic import write_template

    written = write_template(path)
    if as_json:
        print_json({"path": str(written)})
        return
    say(f"wrote {shorten(written, 70)}; edit the slots first")
    say(f"  check it with: finetui synthetic check {shell_path(written)}")
    say(f"  read it with:  finetui sources add synthetic {shell_path(written)}")


@synthetic.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--noise", type=click.Choice(("off", "light", "strong")), default="off")
@click.option("--seed", type=click.IntRange(min=0), default=0)
@click.option("--count", type=click.IntRange(min=1), default=6, help="How many are shown.")
@common_options
def check(
    path: Path, noise: str, seed: int, count: int, workspace: Path | None, as_json: bool
) -> None:
    """Say what is wrong with a file of templates, line by line, or what it gives."""
    from engine.sources.synthetic import look

    found = look(path, {"noise": noise, "seed": str(seed), "count": str(count)})
    if as_json:
        print_json(
            {
                "about": found.about,
                "problems": [
                    {"line": p.line, "code": p.code, "message": p.message, "hint": p.hint}
                    for p in found.problems
                ],
                "first": [
                    {"question": made.question, "answer": made.answer, "language": made.language}
                    for made in found.first
                ],
            }
        )
    elif found.problems:
        table(("line", "code", "what"), [(p.line, p.code, p.reason) for p in found.problems])
    else:
        say(found.about)
        for made in found.first:
            say(f"\n  {made.language} · {made.template.topic}/{made.template.name}")
            say(f"    user: {made.question}\n    assistant: {cut(made.answer)}")
    if found.problems:
        raise click.exceptions.Exit(1)


@synthetic.command("expand")
@click.option("--seeds", default="approved", help="A file of instructions, or: approved.")
@click.option("--count", type=click.IntRange(min=1), default=100, help="How many in the file.")
@click.option("--name", default="self-instruct", help="The file's name, in the workspace.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Another: other prompts.")
@click.option("--languages", default="", help="With commas; empty takes those of the seeds.")
@click.option("--no-add", is_flag=True, help="Don't add the file as a source.")
@writer_options
@common_options
def expand_seeds(
    seeds: str,
    count: int,
    name: str,
    seed: int,
    languages: str,
    no_add: bool,
    workspace: Path | None,
    as_json: bool,
    **model: Any,
) -> None:
    """Let a model write examples like yours (self-instruct); what resembles another is left out.

    Stopping keeps what was written, and the same command goes on.
    """
    from engine.compose.expand import expand, file_of
    from engine.compose.seeds import by_language, named
    from engine.trust import require_inside

    wanted = [code.strip() for code in languages.split(",") if code.strip()]
    with opened(workspace) as space:
        out = file_of(space.root, name)
        require_inside(space.root, out)
        pairs = _seeds(space, seeds, quiet=as_json)
        groups = by_language(pairs, wanted)
        with chosen_writer(**model) as writer:
            told = _Expansion(out, count, quiet=as_json)
            used = ", ".join(f"{len(found):,} in {code}" for code, found in groups.items())
            told.say(f"seeds: {named(seeds)} ({used}); they go to {writer.place}")
            with closing(expand(writer, groups, out, count=count, seed=seed)) as steps:
                told.run(steps)
        added = "" if no_add or not told.total else _add(space, out)
        told.finish(writer.name, added)


def _seeds(space: Workspace, seeds: str, *, quiet: bool) -> list[Pair]:
    from engine.compose.seeds import approved_seeds, seeds_of_file
    from engine.models import Skipped

    if seeds == "approved":
        return approved_seeds(space.store)
    skipped: list[Skipped] = []
    found = seeds_of_file(Path(seeds), skipped.append)
    if skipped and not quiet:
        codes = Counter(skip.code for skip in skipped)
        say(f"of {shorten(seeds)}, {counted(len(skipped), 'record')} not taken{listed(codes)}")
    return found


def _add(space: Workspace, path: Path) -> str:
    """Add the file as a source and read it; return the source's id."""
    from engine.extract.scan import scan

    source = space.store.add_source("instructions", str(path.resolve()))
    scan(space.store, source)
    return source.id


class _Expansion:
    """What one call of ``finetui synthetic expand`` tells."""

    def __init__(self, out: Path, count: int, *, quiet: bool) -> None:
        self.total = 0
        self._out = out
        self._wanted = count
        self._quiet = quiet
        self._new = 0
        self._requests = 0
        self._rejected: Counter[str] = Counter()
        self._stalled = self._interrupted = False

    def run(self, steps: Iterator[Step]) -> None:
        progress = Progress("writing", quiet=self._quiet)
        try:
            for step in steps:
                self.total = step.total
                self._new += len(step.taken)
                self._requests += step.request >= 0
                self._rejected.update(item.code for item in step.rejected)
                self._stalled = step.stalled
                progress(step.total, self._wanted)
        except KeyboardInterrupt:
            self._interrupted = True
        except FinetuiError:
            click.echo(f"{counted(self._new, 'example')} written, and kept", err=True)
            raise

    def finish(self, model: str, source_id: str) -> None:
        if self._quiet:
            print_json(
                {
                    "file": str(self._out),
                    "model": model,
                    "written": self._new,
                    "total": self.total,
                    "requests": self._requests,
                    "rejected": dict(self._rejected),
                    "stalled": self._stalled,
                    "interrupted": self._interrupted,
                    "source": source_id,
                }
            )
        else:
            self._print(source_id)
        if self._interrupted:
            raise click.exceptions.Exit(130)

    def _print(self, source_id: str) -> None:
        written = f"{counted(self._new, 'example')} written in {counted(self._requests, 'request')}"
        say(f"{written}; left out: {sum(self._rejected.values()):,}{listed(self._rejected)}")
        if self._stalled:
            say("the model gives nothing new any more; try more seeds or a larger model")
        if self._interrupted:
            say("stopped; the same command goes on where it was")
        if source_id:
            say(f"{shorten(self._out, 70)} is the source {short_id(source_id)}")

    def say(self, text: str) -> None:
        if not self._quiet:
            say(text)
