"""Further examples after a person's own, written by a model.

Self-instruct (Wang et al. 2022, https://arxiv.org/abs/2212.10560): a model sees some
examples, most of them the person's, and writes others; what is too much like one that is
there is left out. Question and answer are written together, and a language that has fewer
than the others is asked for next.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.compose.harvest import END, Rejected, Sieve, harvest
from engine.compose.language import guess
from engine.compose.prompts import EXPANSIONS
from engine.compose.rowfile import RowFile
from engine.compose.seeds import Pair
from engine.compose.writer import Writer
from engine.errors import PromptTooLong, UsageError
from engine.models import Turn
from engine.sources.synthetic.draw import Draw

FOLDER = "synthetic"
METHOD = "self-instruct"
TEMPERATURE = 0.8
OWN_SHOTS = 6
MADE_SHOTS = 2
STALLED = 10
"""After so many requests that gave nothing the expansion ends."""

_AT_ONCE = 4
_TOKENS_EACH = 300
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Step:
    """What one request gave.

    Attributes:
        request: Its number, from 0; -1 before the first, for what the file had already.
        language: In which language examples were asked for.
        taken: What went into the file.
        rejected: What did not, and why.
        total: How many examples the file has.
        stalled: Nothing new came for so long that this was the last request.
    """

    request: int
    language: str
    taken: tuple[Pair, ...]
    rejected: tuple[Rejected, ...]
    total: int
    stalled: bool = False


def file_of(workspace: Path, name: str) -> Path:
    """Return the file in a workspace's folder that examples of a name are written to.

    Raises:
        UsageError: It can't be a file's name.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't be a name", hint="letters, digits, dots and dashes can")
    return workspace / FOLDER / f"{name}.jsonl"


def expand(
    writer: Writer,
    seeds: Mapping[str, Sequence[Pair]],
    out: Path,
    *,
    count: int,
    seed: int = 0,
) -> Generator[Step]:
    """Let a model write examples into a file until it has ``count`` of them.

    What was written is on the disk before a step is yielded, so that this can be stopped at
    any moment and goes on where it was.

    Args:
        writer: The model.
        seeds: The person's examples by language; see :func:`engine.compose.seeds.by_language`.
        out: A JSONL file.
        count: How many examples the file shall have.
        seed: Another seed shows the model other examples.

    Raises:
        ComposeError: The model can't be asked, or another process writes to the file.
        ServeError: The embedded model ended.
        DiskFull: There is no room.
    """
    with RowFile(out) as file:
        yield from _Expansion(writer, seeds, file, count, seed).steps()


class _Expansion:
    """One expansion under way."""

    def __init__(
        self,
        writer: Writer,
        seeds: Mapping[str, Sequence[Pair]],
        file: RowFile,
        count: int,
        seed: int,
    ) -> None:
        self._writer = writer
        self._seeds = seeds
        self._file = file
        self._count = count
        self._seed = seed
        self._shots = OWN_SHOTS + MADE_SHOTS
        self._made: dict[str, list[Pair]] = {language: [] for language in seeds}
        self._sieve = Sieve()
        self._total = 0
        self._request = 0
        for pair in (pair for pairs in seeds.values() for pair in pairs):
            self._sieve.know(pair)
        for row in file.rows:
            self._take_in(row)

    def _take_in(self, row: Mapping[str, Any]) -> None:
        """Count a row that an earlier expansion wrote."""
        metadata = row.get("metadata")
        about = metadata if isinstance(metadata, dict) else {}
        try:
            question, answer = (str(message["content"]) for message in row["messages"])
            request = int(about.get("request", -1))
        except (KeyError, TypeError, ValueError):
            return
        self._total += 1
        self._request = max(self._request, request + 1)
        pair = Pair(question, answer, str(about.get("language") or guess(answer)))
        self._sieve.know(pair)
        if pair.language in self._made:
            self._made[pair.language].append(pair)

    def steps(self) -> Iterator[Step]:
        yield Step(-1, "", (), (), self._total)
        empty = 0
        while self._total < self._count:
            step = self._step()
            empty = 0 if step.taken else empty + 1
            stalled = empty >= STALLED
            yield Step(step.request, step.language, step.taken, step.rejected, step.total, stalled)
            if stalled:
                return

    def _step(self) -> Step:
        language = min(self._made, key=lambda name: len(self._made[name]))
        request, self._request = self._request, self._request + 1
        draw = Draw(self._seed, METHOD, request)
        at_once = _AT_ONCE if self._writer.longest_prompt >= 8_000 else 1
        rejected: list[Rejected] = []
        taken: list[Pair] = []
        try:
            output = self._writer.write(
                self._prompt(language, draw, at_once),
                max_tokens=at_once * _TOKENS_EACH + self._writer.spare_tokens,
                temperature=TEMPERATURE,
                seed=draw.below(2**31),
            )
        except PromptTooLong as error:
            # The next one shows fewer examples.
            self._shots = max(2, self._shots // 2)
            rejected.append(Rejected(error.code, error.message))
            output = ""
        for found in harvest(output, language) if output or not rejected else ():
            refusal = found if isinstance(found, Rejected) else self._sieve.judge(found)
            if refusal is not None:
                rejected.append(refusal)
            elif isinstance(found, Pair) and self._total + len(taken) < self._count:
                taken.append(found)
        rows = [self._row(pair, request, self._total + n) for n, pair in enumerate(taken)]
        self._file.append(rows)
        self._made[language] += taken
        self._total += len(taken)
        return Step(request, language, tuple(taken), tuple(rejected), self._total)

    def _row(self, pair: Pair, request: int, index: int) -> dict[str, Any]:
        return {
            "messages": [
                {"role": "user", "content": pair.question},
                {"role": "assistant", "content": pair.answer},
            ],
            "metadata": {
                "type": "synthetic",
                "method": METHOD,
                "model": self._writer.name,
                "language": pair.language,
                "seed": self._seed,
                "request": request,
                "index": index,
            },
        }

    def _prompt(self, language: str, draw: Draw, at_once: int) -> list[Turn]:
        how = EXPANSIONS[language]
        turns = [Turn("system", how.task)]
        # As turns of its own making, the examples are followed by small models too.
        for pair in self._chosen(language, draw):
            turns.append(Turn("user", how.ask_one))
            shown = f"{how.question}: {pair.question}\n{how.answer}: {pair.answer}\n{END}"
            turns.append(Turn("assistant", shown))
        ask = how.ask_one if at_once == 1 else how.ask.format(count=at_once)
        return [*turns, Turn("user", ask)]

    def _chosen(self, language: str, draw: Draw) -> list[Pair]:
        """Return the examples that are shown: most of them the person's, as many as fit."""
        made = draw.shuffled(self._made[language])[: self._shots * MADE_SHOTS // 8]
        own = draw.shuffled(self._seeds[language])[: self._shots - len(made)]
        room = self._writer.longest_prompt
        chosen: list[Pair] = []
        for pair in draw.shuffled([*own, *made]):
            length = len(pair.question) + len(pair.answer)
            # One that holds the mark between examples would be taken for two.
            if length <= room and END not in pair.question + pair.answer:
                chosen.append(pair)
                room -= length
        return chosen
