"""Damage by another hand: pages as published, text as taken out of PDFs, code as written.

``bench_quality --public DIR`` reads these from checkouts of public repositories in a folder:

- ``article-extraction-benchmark`` (scrapinghub, MIT): the whole text of 181 news and blog
  pages by two other programs, and their articles as marked by people;
- ``trafilatura`` (adbar, Apache-2.0): for 990 pages, mostly German, pieces that people marked
  as furniture (``tests/evaldata.json``);
- ``klaro`` (kiprotect, BSD-3-Clause): a cookie notice in two dozen languages;
- ``benchmarks`` (py-pdf, BSD-3-Clause): 14 documents as four PDF readers give them.

Nothing of them is committed. The standard library's own modules are the Python whose
indentation is taken away.
"""

from __future__ import annotations

import ast
import functools
import json
import random
import re
import sysconfig
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Lines = tuple[str, ...]
_SPACES = re.compile(r"\W+")


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@functools.cache
def page_furniture(public: Path) -> tuple[Lines, ...]:
    """Return the lines around each page's article, before and after."""
    folder = public / "article-extraction-benchmark"
    if not folder.is_dir():
        return ()
    articles = _json(folder / "ground-truth.json")
    around: list[Lines] = []
    for program in ("inscriptis", "html-text"):
        for page, whole in _json(folder / "output" / f"{program}.json")["output"].items():
            body = _SPACES.sub(" ", articles[page]["articleBody"].lower())
            lines = whole["articleBody"].splitlines()
            inside = [
                number for number, line in enumerate(lines)
                if len(key := _SPACES.sub(" ", line.lower()).strip()) > 25 and key in body
            ]  # fmt: skip
            if inside:
                sides = lines[: inside[0]], lines[inside[-1] + 1 :]
                kept = [tuple(line.strip() for line in side if line.strip()) for side in sides]
                around += [side for side in kept if len(side) >= 6]
    return tuple(around)


@functools.cache
def articles(public: Path) -> Lines:
    """Return the articles of the same pages without what is around them."""
    folder = public / "article-extraction-benchmark"
    if not folder.is_dir():
        return ()
    return tuple(one["articleBody"] for one in _json(folder / "ground-truth.json").values())


@functools.cache
def marked_furniture(public: Path) -> tuple[Lines, ...]:
    """Return what people marked as furniture of a page, where it is three pieces or more."""
    path = public / "trafilatura" / "tests" / "evaldata.json"
    if not path.is_file():
        return ()
    pages = (tuple(page.get("without") or ()) for page in _json(path).values())
    return tuple(pieces for pieces in pages if len(pieces) >= 3)


@functools.cache
def notices(public: Path) -> Lines:
    """Return the sentences and buttons of a cookie notice, by language."""
    found: list[str] = []
    for path in sorted((public / "klaro" / "src" / "translations").glob("??.yml")):
        text = path.read_text("utf-8")
        parts = [
            match[2].strip(" '\"")
            for match in re.finditer(r"^( *)(?:acceptAll|acceptSelected|decline|ok|title|name): "
                                     r"(.+)$", text, re.MULTILINE)
        ]  # fmt: skip
        parts = [part for part in parts if part and "{" not in part]
        if len(parts) >= 4:
            found.append("\n".join(dict.fromkeys(parts[:6])))
    return tuple(found)


READERS = ("pdftotext", "pdfium", "pdfminer", "pypdf")


@functools.cache
def pages_of(public: Path, reader: str) -> Lines:
    """Return passages of about 1,200 characters as a PDF reader gives them."""
    folder = public / "benchmarks" / "read" / "results" / reader
    passages: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text("utf-8", "replace")
        for at in range(2000, min(len(text), 60_000) - 1500, 3000):
            start = text.find("\n", at) + 1
            piece = text[start : text.find("\n", start + 1200)]
            if sum(map(str.isalpha, piece)) > 0.65 * len(piece):
                passages.append(piece.strip())
    return tuple(passages)


@functools.cache
def functions() -> tuple[str, ...]:
    """Return functions and classes of the standard library, 5 to 40 lines each."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    found: list[str] = []
    for name in ("textwrap", "heapq", "bisect", "shutil", "tempfile", "calendar", "statistics",
                 "queue", "glob", "csv", "random", "string", "sched", "cmd", "zipapp"):  # fmt: skip
        source = (folder / f"{name}.py").read_text("utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                code = ast.get_source_segment(source, node) or ""
                if 5 <= code.count("\n") <= 40:
                    found.append(code)
    return tuple(found)


def flattened(text: str) -> str | None:
    """Return a text without what its lines begin with, where some are indented."""
    flat = re.sub(r"^[ \t]+", "", text, flags=re.MULTILINE)
    return flat if flat != text else None


def flattened_code(text: str) -> str | None:
    """Return an answer with the blocks of code flattened, where most lines of one are indented."""
    changed = False

    def flat(match: re.Match[str]) -> str:
        nonlocal changed
        lines = match[0].split("\n")
        if sum(line[:1] in " \t" for line in lines) >= 3:
            changed = True
            return flattened(match[0]) or match[0]
        return match[0]

    done = re.sub(r"^```[^\n]*\n.*?^```", flat, text, flags=re.MULTILINE | re.DOTALL)
    return done if changed else None


_SYLLABLE = re.compile(r"(?<=[aeiouyăâîäöüéèàáíóúаеиоуыэюя])(?=[^\W\d_aeiouyаеиоуыэюя][^\W\d_]{2})")


def divided(text: str, rng: random.Random) -> str | None:
    """Return prose set in lines of a page, with words divided at their ends."""
    width = rng.randint(55, 80)
    out: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if len(line) + len(word) < width or not line:
                line = f"{line} {word}" if line else word
                continue
            places = [m.start() for m in _SYLLABLE.finditer(word) if word.isalpha()]
            room = [at for at in places if at > 1 and len(line) + 1 + at < width]
            if room and len(word) > 5 and rng.random() < 0.6:
                out.append(f"{line} {word[: room[-1]]}-")
                line = word[room[-1] :]
            else:
                out.append(line)
                line = word
        out.append(line)
    done = "\n".join(out)
    return done if re.search(r"[^\W\d_]-\n[^\W\d_]", done) else None


def wrapped(text: str) -> str | None:
    """Return prose with its paragraphs broken at 70 columns."""
    if "```" in text or len(text) < 200:
        return None
    done = "\n".join(textwrap.fill(line, 70) for line in text.split("\n"))
    return done if done.count("\n") > text.count("\n") + 2 else None


_LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ"}


def joined(text: str) -> str | None:
    """Return text with the letters joined that a book's type joins."""
    for letters, sign in _LIGATURES.items():
        text = text.replace(letters, sign)
    return text if any(sign in text for sign in _LIGATURES.values()) else None


def numbered(text: str, rng: random.Random) -> str | None:
    """Return text set in pages: lines of 70 columns, a page's number after some of them."""
    lines = (wrapped(text) or "").split("\n")
    places = [
        at for at in range(2, len(lines) - 1)
        if len(lines[at - 1]) > 50 and lines[at][:1].islower() and len(lines[at]) > 40
    ]  # fmt: skip
    if not places:
        return None
    at, number = rng.choice(places), rng.randint(2, 400)
    return "\n".join([*lines[:at], "", str(number), "", *lines[at:]])


def shouted(text: str) -> str | None:
    """Return prose in capitals, in a script that has them."""
    cased = sum(letter.lower() != letter.upper() for letter in text)
    few = len(text.split()) < 10 or cased * 2 < sum(map(str.isalpha, text))
    return None if few or "```" in text or text.upper() == text else text.upper()


Breaker = Callable[[str, str, random.Random], str | None]


def _surrounded(text: str, sides: Sequence[Lines], rng: random.Random) -> str | None:
    """Return text with four to eight neighbouring lines of a page before or after it."""
    if not sides or len(text) < 60:
        return None
    side = rng.choice(sides)
    number = rng.randint(4, 8)
    at = rng.randrange(max(1, len(side) - number))
    lines = "\n".join(side[at : at + number])
    return f"{lines}\n\n{text}" if rng.random() < 0.5 else f"{text}\n\n{lines}"


def _noticed(text: str, notes: Sequence[str], rng: random.Random) -> str | None:
    return f"{rng.choice(notes)}\n\n{text}" if notes and len(text) >= 60 else None


def breakers(public: Path) -> dict[str, Breaker]:
    """Return the ways to damage an answer; those that need public files do nothing without."""
    sides, marked, notes = page_furniture(public), marked_furniture(public), notices(public)
    return {
        "lines of a page around": lambda p, a, r: _surrounded(a, sides, r),
        "furniture marked by people": lambda p, a, r: _surrounded(a, marked, r),
        "cookie notice": lambda p, a, r: _noticed(a, notes, r),
        "set in lines, words divided": lambda p, a, r: divided(a, r),
        "set in lines": lambda p, a, r: wrapped(a),
        "page number between lines": lambda p, a, r: numbered(a, r),
        "letters joined (ligatures)": lambda p, a, r: joined(a),
        "code flattened": lambda p, a, r: flattened_code(a),
        "capitals": lambda p, a, r: shouted(a),
    }
