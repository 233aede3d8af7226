"""What a web page writes around its text, copied into an answer along with it.

Menus, buttons, share links, cookie notices, "related posts" and copyright lines: words that
fill a line of their own, or a part of one between separators. ``data/chrome.toml`` has them
by language. One ordinary word ("News") says nothing; several of different kinds together
do, and so does one that stands nowhere but on a page ("Skip to content").
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.phrases import Phrases
from engine.quality.score.view import View

_LONGEST_LINE = 240
_LONG_LINE = 90
"""Characters from which a line is a paragraph, unless it has separators."""
_LONGEST_PHRASE = 60
_NEAR = 4
"""Lines within which ordinary words count together."""

_PARTS = re.compile(r"[|·•»›▶►→⁄\t]| {2,}| [-–—/\\>*] |(?<=\w)/(?=\w)|, (?=[A-Z])")
_SPLIT = re.compile(r"[|·•»›▶►→⁄\t/]|  | [-–—\\>*] |, [A-Z]")
_EDGES = " \t\r*_#>»›«‹·•|/\\-–—+=~.:,;()[]{}<>\"'“”✕✖×▲▼▾▸►→←↑☰🔍"
_COUNT = re.compile(r"^\(?\d[\d.,]*[km]?\)?\s+(?=[^\W\d])|(?<=\w)\s*\(?\d[\d.,]*[km]?\)?$")
_NUMBERED = re.compile(r"[ \t]*(?:\d{1,3}[.)]|[a-zA-Z][.)])[ \t]")
_LISTED = re.compile(r"[ \t]*[-*+•][ \t]")
_COPYRIGHT = re.compile(
    r"^(?:[^\n]{0,60}(?:©|\(c\) )|[ \t*|]*copyright\b)[^\n]{0,40}\b(?:19|20)\d\d\b[^\n]{0,80}$"
    r"|^[^\n]{0,60}\b(?:19|20)\d\d\b[^\n]{0,20}©[^\n]{0,80}$",
    re.MULTILINE,
)
_OWNED = ("©", "copyright", "(c) ")
_DIGITS = frozenset(" \t0123456789abcdefghijklmnopqrstuvwxyz")
_SITE = re.compile(
    r"\bweb ?(?:site|page|app)|\bhtml\b|\bcss\b|\bhomepage|\blanding page|\bnavigation|\bmenu\b"
    r"|\bnavbar|\bfooter|\bheader\b|\bbuttons?\b|\buser interface|\bui\b|\bux\b|\bsite ?map"
    r"|\bcookie|\bsocial media|\bplatforms?\b|\bwordpress|\bblog\b|\bapp\b|\bscreens?\b|\bmockup"
    r"|\bwebseite|\bschaltflache|\bpagina web|\bsite-ul|\bsite web|\bsitio web|\bbuton"
    r"|网站|网页|サイト"
)
_COOKIE = ("cookie", "sutik", "suti ", "cerez", "куки")
_BANNER = re.compile(
    r"\b(?:we|our|this (?:web ?)?(?:site|page|app)|wir|unsere?|diese (?:web)?(?:site|seite)"
    r"|nous|notre|ce site|noi|folosim|utilizam|(?:acest )?site(?:-ul)?|aceasta (?:aplicatie|pagina)"
    r"|usamos|utilizamos|este (?:sitio|site)|esta (?:web|pagina)|questo sito|utilizziamo|usiamo"
    r"|wij|deze (?:web)?site|ta (?:strona|witryna)|uzywamy|korzystamy|мы|этот сайт|наш сайт|ez az?"
    r"|sitemizde?|bu (?:web )?site)\b[^.!?\n]{0,80}(?:\bcookie|\bsuti|\bcerez|куки)"
    # Cookies are also baked: only those of a browser.
    r"[^\n]{0,240}(?:consent|brows|website|\bsite|traffic|experien|personali|preferen|advert|analy"
    r"|policy|privacy|erfahrung|werbung|inhalte|einwillig|zustimm|funktion|naviga|publicit|audience"
    r"|confidential|navega|servicii|servicios|services|esperienza|ervaring|doswiadcz|reklam|сайт"
    r"|опыт|oldal|elmeny|deneyim)"
)
_READ_ON = re.compile(
    r"advert|sponsor|continue read|continues below|read (?:more|next|also|full)|click here|related"
    r"|share this|follow us|subscri|newsletter|anzeige|werbung|weiterles|lesen sie|abonn|publici"
    r"|reclam|reklam|lire |citeste|citiți|leer |seguir leyendo|leggi|leia|lees |czytaj|реклам|читай"
)
_WORD = re.compile(r"[^\s]+")
_ENDS = ".!?…。！？؟"
_BULLETS = " \t\r*+-•·|>"
_NO_TITLE = re.compile(r"[.!?…:;,。！？：，；`=|{}\[\]()<>$\\\"“#]")
_MENU = 3
"""Lines from which titles around the text are a menu."""
_ENOUGH = 120
"""Characters from which an answer is more than a menu."""
_CLOSERS = " \t\r\"'”’»)*_"


@dataclass(frozen=True, slots=True)
class Lists:
    """The phrases of all languages.

    Args:
        kinds: Each phrase with its kind: "sure", "action", "nav", "account" or "legal".
        says: Pieces of sentences that only a page says.
        firsts: The first words of phrases, to look at a line only where one may begin.
        longest: How many words the longest phrase has.
    """

    kinds: dict[str, str]
    says: Phrases
    firsts: frozenset[str]
    longest: int


@lru_cache(maxsize=1)
def lists() -> Lists:
    """Read the phrases."""
    path = files("engine.quality.score") / "data" / "chrome.toml"
    kinds: dict[str, str] = {}
    says: list[str] = []
    for tables in tomllib.loads(path.read_text("utf-8")).values():
        for kind, listed in tables.items():
            phrases = [one.strip() for one in listed.replace("\n", ",").split(",") if one.strip()]
            if kind == "says":
                says += phrases
                continue
            for phrase in phrases:
                if kinds.get(phrase) != "sure":
                    kinds[phrase] = kind
    firsts = frozenset(phrase.split()[0] for phrase in kinds)
    return Lists(kinds, Phrases(says), firsts, max(len(phrase.split()) for phrase in kinds))


@dataclass(frozen=True, slots=True)
class _Found:
    line: int
    start: int
    end: int
    phrase: str
    kind: str
    counts: float


def look(view: View) -> list[Fault]:
    """Return the page furniture of an answer."""
    if view.code and view.prose is view.folded:
        return []
    found = sorted(_found(view), key=lambda one: one.start)
    sides = _sides(view) if "\n" in view.prose else ()
    menu = max((_menu(view, *side) for side in sides), default=_NO_MENU, key=len)
    if not found and not menu:
        return []
    found = _at_the_edges(view, _around(found, sides))
    found = [one for one in found if one.phrase not in view.prompt_folded]
    strength, kept = _strength(found)
    strength = max(strength, 1 + 0.25 * (len(menu) - 3) if menu else 0.0)
    if _SITE.search(view.prompt_folded):
        strength *= 0.4
    if strength < 1:
        return []
    weight = 0.25 + 0.15 * ramp(strength, 1, 2) + 0.35 * ramp(strength, 2, 6)
    if not kept:
        why = f"{len(menu)} short lines around the text, as a web page's menu has them"
        return [Fault("boilerplate", "page-chrome", weight, why, menu[0][0], menu[-1][1])]
    share = sum(one.end - one.start for one in kept) / max(1, len(view.text.strip()))
    if share > 0.9 and len(kept) < 4:
        return []  # A word or two that are all of the answer: a translation, a label.
    first = kept[0]
    sample = ", ".join(dict.fromkeys(view.text[o.start : o.end].strip() for o in kept[:3]))
    why = f"{len(kept)} pieces of a web page's furniture: {sample[:80]}"
    if len(kept) == 1:
        why = f"a piece of a web page's furniture: {sample[:80]}"
    # The span is the first run of them: the rest of the answer may stand in between.
    end = first.end
    for one in kept:
        if one.start - end < 200:
            end = max(end, one.end)
    return [Fault("boilerplate", "page-chrome", weight, why, first.start, end)]


Span = tuple[int, int]
_NO_MENU: tuple[Span, ...] = ()


def _sides(view: View) -> tuple[tuple[int, list[str]], ...]:
    """Return the short lines before the first sentence and after the last, unannounced.

    An answer's own list follows a line that announces it. A menu stands before the first
    sentence, or after the last. Each side comes with the number of its first line.
    """
    lines = view.prose.split("\n")
    if len(lines) < 4:
        return ()
    first = next((at for at, line in enumerate(lines) if _is_prose(line)), -1)
    if first < 0:
        return ()
    last = next(at for at in range(len(lines) - 1, -1, -1) if _is_prose(lines[at]))
    sides: list[tuple[int, list[str]]] = []
    before, after = lines[:first], lines[last + 1 :]
    if sum(1 for line in before if line.strip()) >= _MENU:
        sides.append((0, before))
    filled = [line.rstrip() for line in after if line.strip()]
    announced = lines[last].rstrip().endswith((":", "："))
    if len(filled) >= _MENU and not announced and not filled[0].endswith((":", "：", "**")):
        sides.append((last + 1, after))
    return tuple(sides)


def _is_prose(line: str) -> bool:
    words = line.split()
    return len(words) >= 12 or (len(words) >= 6 and line.rstrip(_CLOSERS)[-1:] in _ENDS)


def _menu(view: View, first: int, lines: list[str]) -> tuple[Span, ...]:
    """Return where the lines of a side stand, if all of them are titles of a few words."""
    if len(view.prose) < _ENOUGH:
        return ()
    at = sum(len(line) + 1 for line in view.prose.split("\n")[:first])
    spans: list[Span] = []
    for line in lines:
        start, at = at, at + len(line) + 1
        written = view.text[start : start + len(line)]
        bare = written.strip(_BULLETS)
        if not bare:
            continue
        upper = bare[0].isupper() or not bare[0].islower()
        if len(bare.split()) > 7 or not bare[0].isalpha() or not upper or _NO_TITLE.search(bare):
            return ()
        lead = written.find(bare)
        spans.append((start + lead, start + lead + len(bare)))
    return tuple(spans) if len(spans) >= _MENU else ()


def _around(found: list[_Found], sides: tuple[tuple[int, list[str]], ...]) -> list[_Found]:
    """Let ordinary words count in full where a menu stands, if many of its lines are such."""
    for first, lines in sides:
        past = first + len(lines)
        filled = sum(1 for line in lines if line.strip())
        inside = sum(1 for one in found if first <= one.line < past)
        if inside and inside * 4 >= min(filled, 16):
            found = [
                replace(one, kind="sure", counts=1.0) if first <= one.line < past else one
                for one in found
            ]
    return found


def _at_the_edges(view: View, found: list[_Found]) -> list[_Found]:
    """Let a word that is all of the first or last line count in full beside much text."""
    text = view.prose.strip()
    if len(text) < _ENOUGH or not found:
        return found
    edges = [text.partition("\n")[0].strip(_EDGES), text.rpartition("\n")[2].strip(_EDGES)]
    return [
        replace(one, kind="sure", counts=1.0)
        if (one.kind == "sure" and one.phrase in edges)
        or (one.kind == "action" and one.phrase == edges[1])
        else one
        for one in found
    ]


def _strength(found: list[_Found]) -> tuple[float, list[_Found]]:
    """Return how surely phrases are furniture, and those that count."""
    sure = [one for one in found if one.kind == "sure" and one.counts >= 1]
    kept: list[_Found] = []
    strength = 0.0
    seen: set[str] = set()
    for at, one in enumerate(found):
        if one.phrase in seen:
            continue
        near = [
            other for other in found[max(0, at - 8) : at + 9]
            if abs(other.line - one.line) <= _NEAR and other.phrase != one.phrase
        ]  # fmt: skip
        alone = one.kind == "sure" and one.counts >= 1
        kinds = {other.kind for other in near}
        others = kinds - {one.kind}
        if alone:
            strength += 1
        elif "sure" in kinds or (others and len(near) >= 2) or (sure and len(near) >= 2):
            strength += 0.5 * one.counts
        else:
            continue
        seen.add(one.phrase)
        kept.append(one)
    return strength, kept


def _found(view: View) -> Iterator[_Found]:
    """Yield the phrases of an answer, in the order in which they stand."""
    known = lists()
    text = view.prose
    said = [(at, at + len(phrase)) for at, phrase in known.says.found(view.known, text)]
    if any(map(text.__contains__, _COOKIE)) and (banner := _BANNER.search(text)):
        said.append(banner.span())
    said += (
        [match.span() for match in _COPYRIGHT.finditer(text)]
        if any(map(text.__contains__, _OWNED))
        else []
    )
    for first, past in said:
        yield _Found(text.count("\n", 0, first), first, past, text[first:past], "sure", 1.0)
    taken = {text.count("\n", 0, first) for first, _ in said}
    at = 0
    for number, line in enumerate(text.split("\n")):
        start, at = at, at + len(line) + 1
        size = len(line)
        if number in taken or not line.strip():
            continue
        if size > _LONG_LINE and line.count("|") + line.count("·") + line.count("•") < 2:
            if ". " in line:
                yield from _sentences(view, known, line, start, number)
            if line.split(None, 1)[0] in known.firsts:
                yield from _edges(view, known, line, start, number)
            continue
        if size <= _LONGEST_LINE and not (line[0] in _DIGITS and _NUMBERED.match(line)):
            yield from _line(view, known, line, start, number)


def _sentences(view: View, known: Lists, line: str, start: int, number: int) -> Iterator[_Found]:
    """Yield the phrases that are sentences of a paragraph, as where a page's lines were joined.

    Steps are written so, too ("Sign in. …"): only where one of them is said of reading on, of
    advertisements or of subscriptions, and no step is.
    """
    hits: list[_Found] = []
    at = 0
    for sentence in line.split(". "):
        offset, at = at, at + len(sentence) + 2
        if len(sentence) > _LONGEST_PHRASE:
            continue
        lead = sentence.lstrip(_EDGES).split(None, 1)
        if not lead or lead[0].rstrip(_EDGES) not in known.firsts:
            continue
        label = sentence.partition(": ")[0]  # "Read more: How to bake rolls"
        hit = _part(view, known, start, number, offset, label)
        if hit and view.text[hit.start].isupper():
            hits.append(hit)
    telling = {hit.phrase for hit in hits if _READ_ON.search(hit.phrase)}
    if telling and len({hit.phrase for hit in hits}) >= 2:
        yield from (replace(hit, kind="sure", counts=1.0) for hit in hits)


def _line(view: View, known: Lists, line: str, start: int, number: int) -> Iterator[_Found]:
    """Yield the phrases of a line that is no paragraph."""
    listed = line.lstrip()[0] in "-*+•" and _LISTED.match(line) is not None
    if not _SPLIT.search(line, 3 if listed else 0):
        lead = line.lstrip(_EDGES).split(None, 1)
        if not lead or not (lead[0].rstrip(_EDGES) in known.firsts or lead[0][0].isdigit()):
            return
        hit = _part(view, known, start, number, 0, line)
        if hit:
            yield replace(hit, counts=0.5 * hit.counts) if listed else hit
        else:
            yield from _run(view, known, line, start, number)
        return
    parts = list(_cut(line))
    hits = [hit for part in parts if (hit := _part(view, known, start, number, *part))]
    if len(parts) == 1 and not hits:
        yield from _run(view, known, line, start, number)
    elif len(hits) == len(parts) >= 3 and not listed and "," not in line:
        yield from (replace(hit, kind="sure", counts=1.0) for hit in hits)  # "Share | Tweet | Pin"
    elif 2 * len(hits) >= len(parts):
        yield from (replace(hit, counts=0.5 * hit.counts) if listed else hit for hit in hits)


def _cut(line: str) -> Iterator[tuple[int, str]]:
    at = 0
    for mark in _PARTS.finditer(line):
        if line[at : mark.start()].strip(_EDGES):
            yield at, line[at : mark.start()]
        at = mark.end()
    if line[at:].strip(_EDGES):
        yield at, line[at:]


def _part(
    view: View, known: Lists, start: int, number: int, offset: int, part: str
) -> _Found | None:
    """Return the phrase that a part of a line is, if it is one."""
    bare = part.strip(_EDGES)
    if not bare or len(bare) > _LONGEST_PHRASE:
        return None
    kind = known.kinds.get(bare)
    if kind is None and (bare[-1].isdigit() or bare[0].isdigit() or bare[-1] in "km"):
        bare = _COUNT.sub("", bare).strip(_EDGES)  # "12 Comments", "Share 34".
        kind = known.kinds.get(bare)
    if kind is None or not bare:
        return None
    place = start + offset + part.find(bare)
    return _Found(number, place, place + len(bare), bare, kind, _counts(bare, kind))


def _counts(phrase: str, kind: str) -> float:
    """Return what a phrase counts: a word that means something elsewhere, too, counts half."""
    if kind == "sure" and " " not in phrase and phrase.isascii() and "-" not in phrase:
        return 0.9
    return 1.0


def _run(view: View, known: Lists, line: str, start: int, number: int) -> Iterator[_Found]:
    """Yield the phrases of a line that is nothing but phrases: "Home About Contact"."""
    lead = line.lstrip(_EDGES).split(None, 1)
    if not lead or lead[0].rstrip(_EDGES) not in known.firsts:
        return
    words = [(m.start(), m[0].strip(_EDGES)) for m in _WORD.finditer(line)]
    words = [(place, word) for place, word in words if word]
    found, at, covered = _greedy(known, words)
    if covered * 10 >= len(words) * 8 and len(found) >= 2:
        for place, phrase, kind in found:
            at = start + place
            yield _Found(number, at, at + len(phrase), phrase, kind, _counts(phrase, kind))
    else:
        yield from _edges(view, known, line, start, number)


def _greedy(
    known: Lists, words: list[tuple[int, str]]
) -> tuple[list[tuple[int, str, str]], int, int]:
    """Return the longest phrases that words begin with, where they end, and how many they are."""
    found: list[tuple[int, str, str]] = []
    at = covered = missed = 0
    while at < len(words) and missed <= 2:
        longest = known.longest if words[at][1] in known.firsts else 0
        for length in range(min(longest, len(words) - at), 0, -1):
            phrase = " ".join(word for _, word in words[at : at + length])
            kind = known.kinds.get(phrase)
            if kind is not None:
                found.append((words[at][0], phrase, kind))
                covered += length
                at += length
                break
        else:
            at += 1
            missed += 1
    return found, at, covered


def _edges(view: View, known: Lists, line: str, start: int, number: int) -> Iterator[_Found]:
    """Yield the phrases that a longer line begins with: "Skip to content Bread rises …"."""
    # What a paragraph begins with: the first words are enough.
    words = [(m.start(), m[0].strip(_EDGES)) for m in _WORD.finditer(line[:_LONG_LINE])]
    words = [(place, word) for place, word in words if word]
    at = 0
    while at < len(words) and words[at][1] in known.firsts:
        for length in range(min(known.longest, len(words) - at), 0, -1):
            phrase = " ".join(word for _, word in words[at : at + length])
            kind = known.kinds.get(phrase)
            place = start + words[at][0]
            # Furniture is written like a title, and what follows begins anew.
            if kind is None or not view.text[place : place + 1].isupper():
                continue
            after = words[at + length][0] if at + length < len(words) else len(line)
            if not view.text[start + after : start + after + 1].isupper():
                continue
            if kind == "sure" and length >= 2:
                yield _Found(number, place, place + len(phrase), phrase, kind, 1.0)
            at += length
            break
        else:
            return
