"""Synthetic data as a source: a TOML file of templates that people edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.errors import SourceUnreadable, UsageError
from engine.models import Document, Turn, canonical_json, content_hash
from engine.paths import shorten
from engine.sources.base import Detection, Option, Reading, Survey
from engine.sources.files import Item, Refused, decode
from engine.sources.synthetic.book import Book
from engine.sources.synthetic.generate import Made, Recipe, Tally, generate, shares
from engine.sources.synthetic.load import load, looks_like_templates
from engine.sources.synthetic.noise import LEVELS
from engine.sources.synthetic.problems import Broken, Problem, nearest
from engine.sources.synthetic.shipped import shipped

MAX_BYTES = 1_000_000
MAX_COUNT = 1_000_000
DEFAULT_COUNT = 100


class SyntheticReader:
    """Makes questions and answers out of templates, one document an example."""

    kind = "synthetic"
    label = "templates of synthetic questions and answers, in TOML"
    version = 2
    options: tuple[Option, ...] = (
        Option("count", "How many examples are made.", str(DEFAULT_COUNT)),
        Option("seed", "Another seed gives other wordings in another order.", "0"),
        Option("languages", "The languages, with commas between them; empty takes all."),
        Option("noise", "How much questions look as people type them.", "off", LEVELS),
        Option(
            "repeats",
            "Whether questions are repeated when there are no others.",
            "no",
            ("no", "yes"),
        ),
    )

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise a TOML file by the format that it names."""
        if not survey.is_file or not survey.items:
            return None
        item = survey.items[0]
        try:
            if not looks_like_templates(item.head().decode("utf-8", "replace")):
                return None
            book = _book(item)
        except Refused as refused:
            return Detection(self.kind, 0.5, f"synthetic templates, but {refused.reason}")
        except Broken as broken:
            first = broken.problems[0]
            return Detection(
                self.kind, 0.9, f"synthetic templates, but line {first.line}: {first.reason}"
            )
        languages = dict.fromkeys((",".join(book.languages), *book.languages))
        choices = {"languages": tuple(languages)}
        return Detection(self.kind, 0.99, _described(book), choices=choices)

    def check(self, options: Mapping[str, str]) -> None:
        """See that options have values that they can have, before there is a file to look at.

        Raises:
            UsageError: One has not.
        """
        recipe_of(options, None)

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield the one file.

        Raises:
            UsageError: An option has a value that it can't have; nothing was read yet.
        """
        try:
            item = _item(Path(root))
        except Refused as refused:
            reading.skip(Path(root).name, 0, refused.code, refused.reason)
            return
        # What is wrong with the file is reported where it is read.
        with suppress(Refused, Broken):
            recipe_of(reading.options, _book(item).languages)
        yield item

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield the examples that the options ask for.

        Raises:
            Refused: The file can't be used; each error in it was reported with its line.
            UsageError: An option has a value that it can't have.
        """
        try:
            book = _book(item)
        except Broken as broken:
            for problem in broken.problems:
                reading.skip(item.name, problem.line, problem.code, problem.reason)
            number = len(broken.problems)
            errors = "one error" if number == 1 else f"{number} errors"
            raise Refused(
                "templates-broken", f"it has {errors}, so nothing was made of it"
            ) from broken
        recipe = recipe_of(reading.options, book.languages)
        tally = Tally()
        for made in generate(book, recipe, tally):
            yield _document(made, recipe, item.name, reading.source_id)
            reading.on_bytes(item.size * (made.index + 1) // recipe.count)
        if any(tally.missing.values()):
            reading.skip(item.name, 0, "repeats", _shortage(recipe, tally))
        reading.on_bytes(item.size)


@dataclass(frozen=True, slots=True)
class Look:
    """A file of templates, looked at: what it gives, or what is wrong with it."""

    about: str
    problems: tuple[Problem, ...]
    first: tuple[Made, ...]


def look(path: Path, options: Mapping[str, str]) -> Look:
    """Say what is wrong with a file of templates, or what it gives.

    Args:
        path: The file, or the name of shipped ones.
        options: Those of a source of this kind.

    Raises:
        SourceMissing: There is no such file.
        SourceUnreadable: It is no text, or too large.
        UsageError: An option has a value that it can't have.
    """
    try:
        book = _book(_item(path))
    except Refused as refused:
        raise SourceUnreadable(f"{shorten(path)} can't be read: {refused.reason}") from refused
    except Broken as broken:
        return Look("", broken.problems, ())
    recipe = recipe_of(options, book.languages)
    return Look(_described(book), (), tuple(generate(book, recipe, Tally())))


def _item(path: Path) -> Item:
    found = path if path.exists() else shipped(str(path))
    return Item.of(found, found.name)


def _book(item: Item) -> Book:
    return load(decode(item.data(MAX_BYTES)))


def recipe_of(options: Mapping[str, str], languages: tuple[str, ...] | None) -> Recipe:
    """Return what a source's options ask for.

    Args:
        options: As they are stored; what is absent has its default.
        languages: Those of the file; None where it was not looked at yet.

    Raises:
        UsageError: An option has a value that it can't have.
    """
    wanted = [code.strip() for code in options.get("languages", "").split(",") if code.strip()]
    for code in wanted:
        if languages is not None and code not in languages:
            raise UsageError(
                f"the templates are not there in {code}", hint=nearest(code, languages)
            )
    noise = options.get("noise") or "off"
    if noise not in LEVELS:
        raise UsageError(f"noise can't be {noise}", hint=f"it is one of: {', '.join(LEVELS)}")
    repeats = options.get("repeats") or "no"
    if repeats not in ("yes", "no"):
        raise UsageError(f"repeats can't be {repeats}", hint="it is yes or no")
    return Recipe(
        count=_whole(options.get("count") or str(DEFAULT_COUNT), "count", 1, MAX_COUNT),
        seed=_whole(options.get("seed") or "0", "seed", 0, 2**63 - 1),
        languages=tuple(dict.fromkeys(wanted)) or languages or (),
        noise=noise,
        repeats=repeats == "yes",
    )


def _whole(text: str, name: str, low: int, high: int) -> int:
    digits = text.strip().replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise UsageError(f"{name} must be a whole number", hint=f"from {low:,} to {high:,}")
    number = int(digits)
    if not low <= number <= high:
        raise UsageError(f"{name} can't be {number:,}", hint=f"from {low:,} to {high:,}")
    return number


def _document(made: Made, recipe: Recipe, name: str, source_id: str) -> Document:
    turns = (Turn("user", made.question), Turn("assistant", made.answer))
    noise = recipe.noise + (f": {', '.join(made.noises)}" if made.noises else "")
    metadata = {
        "type": "synthetic",
        "topic": made.template.topic,
        "language": made.language,
        "template": made.template.name,
        "seed": str(recipe.seed),
        "index": str(made.index),
        "noise": noise,
        "layout": "template",
    }
    if made.repeat:
        metadata["repeat"] = "yes"
    return Document(
        source_id=source_id,
        path=name,
        title="",
        content_hash=content_hash(canonical_json(turns).encode("utf-8", "backslashreplace")),
        turns=turns,
        tags=(made.template.topic,),
        start_line=made.template.line,
        record=f"{made.template.topic}/{made.template.name}",
        metadata=MappingProxyType(metadata),
        kind="synthetic",
    )


def _described(book: Book) -> str:
    languages = " and ".join(
        f"{book.questions(language):,} in {language}" for language in book.languages
    )
    topics, templates = len(book.topics), len(book.templates)
    return (
        f"{templates:,} template{'s' * (templates != 1)} on {topics:,} topic{'s' * (topics != 1)}; "
        f"questions that can be made: {languages}"
    )


def _shortage(recipe: Recipe, tally: Tally) -> str:
    """Say how many different questions there were, and what became of the rest."""
    missing = sum(tally.missing.values())
    wanted = shares(recipe)
    short = [language for language in recipe.languages if tally.missing[language]]
    there = ", ".join(
        f"{wanted[language] - tally.missing[language]:,} of {wanted[language]:,} in {language}"
        for language in short
    )
    became = (
        f"the other {missing:,} repeat earlier questions"
        if recipe.repeats
        else f"the other {missing:,} would repeat earlier ones and were not made"
    )
    return f"{recipe.count:,} were asked for; different questions there are {there}: {became}" + (
        "" if recipe.repeats else "; add wordings or slots, or set repeats=yes"
    )
