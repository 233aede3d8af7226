"""What printed pages leave in a text that was taken out of a PDF.

Words divided at the end of a line, lines that end where the page did and not where a
sentence does, page numbers, and letters joined into one sign (ligatures). Line breaks that
are meant are left alone: verse, lists, tables, code, addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.language import word_set
from engine.quality.score.view import View

_DIVIDED = re.compile(r"[-\u2010\u00ad¬]\n[ \t]*(?=[^\W\d_]{2})")
_JOINED = re.compile(r"(?<=[a-z\u00df-\u024f]{2})[-\u2010\u00ad¬] (?=[a-z\u00df-\u024f]{2})")
_BEFORE = re.compile(r"[^\W\d_]{2,}$")
_AFTER = re.compile(r"[^\W\d_]+")
_PAIRING = word_set(
    """
    and or und oder bzw sowie bis als aber et ou y e o u si sau ori in to nor och eller of en dan i
    lub oraz ja tai ve veya es vagy but than through plus versus vs a is was with for on at the as
    it by be this that which who from not no so if we they he she you then because while when where
    hence thus der die das ein eine ist nicht mit von auf la le les de des du un une est pour par
    qui que el los las por con para una cu pe de care este nu
    """
)
# It begins with the line break, by which the places are found fast.
_BROKEN = re.compile(r"\n(?<![\s.!?…:;。！？؟]\n)[ \t]*[\"'“‘«(*_`]*[^\WA-Z\d_]")
_LIGATURE = re.compile("[\ufb00-\ufb06]+")
_NUMBER_LINE = re.compile(r"^[ \t]*[-–—\[(]{0,2}[ \t]*(\d{1,4})[ \t]*[-–—\])]{0,2}[ \t]*$")
_FRAME = " \t-–—[]()页頁"
_PAGE_LINE = re.compile(
    r"^[ \t]*[-–—\[(]*[ \t]*(?:page|seite|pagina|pag|página|str|strona|oldal|sayfa|стр|страница"
    r"|第)"
    r"\.?[ \t]*\d{1,4}"
    r"(?:[ \t]*(?:of|von|din|de|sur|di|van|z|/|из|页|頁)[ \t]*\d{0,4})?[ \t]*[-–—\])]*[ \t]*$"
)
_MARKED = re.compile(
    r"[ \t]*(?:[-*+•·▪◦–—>|#]|\d{1,3}[.)]|\(?[a-zA-Z][.)][ \t]|\[\d|https?:|```|~~~|\$|\\)"
)
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]")
_NO_PROSE = re.compile(r"[={}\\|<>$]|;$|//|\w\(\)|\w\[|^\S+$|\w\.\w+\(")
_SHORTEST = 38
"""Characters from which a line may be as wide as a page or a column."""
_SHORTEST_SINGLE = 16
_LONGEST = 140
_ENDS = ".!?…:;。！？；：؟۔।"
_CLOSERS = "\"'”’»)]*_` \t"
_MOST = 20_000
"""So much of an answer is looked at, in characters: a page's width shows early."""


def look(view: View) -> list[Fault]:
    """Return what pages left in an answer."""
    text = view.prose
    if view.code and text is view.folded:
        return []
    faults: list[Fault] = []
    if not text.isascii():
        faults += _ligatures(view)
    if any(map(text.__contains__, ("-\n", "- ", "\u00ad", "\u2010", "¬"))):
        faults += _hyphens(view)
    broken = _BROKEN.search(view.plain) is not None
    lines = view.plain[:_MOST].split("\n")
    faults += _wrapped(view, lines) if broken else []
    faults += _numbers(view, lines) if len(lines) > 2 else []
    return faults


def _ligatures(view: View) -> list[Fault]:
    found = list(_LIGATURE.finditer(view.text))
    if not found:
        return []
    weight = 0.3 + 0.2 * ramp(len(found), 1, 6)
    why = f"“{found[0][0]}”: letters joined into one sign, as in a PDF, at {_places(len(found))}"
    return [Fault("formatting", "pdf", weight, why, found[0].start(), found[0].end())]


def _places(number: int) -> str:
    return "1 place" if number == 1 else f"{number} places"


def _hyphens(view: View) -> list[Fault]:
    """Return the words that are divided at the end of a line, joined again or not."""
    text = view.prose
    # "well-\nknown" is divided where it has a hyphen anyway.
    found = [
        (start, end, first + second in view.known)
        for start, end, first, second in _halves(text, _DIVIDED)
        if f"{first}-{second}" not in text
    ]
    # "short- and long-term" has a hyphen and a space by right.
    loose = [
        (start, end, first + second in view.known)
        for start, end, first, second in _halves(text, _JOINED)
    ]
    if len(loose) >= 2 or any(known for _, _, known in loose):
        found += [(start, end, True) for start, end, _ in loose]
    if not found:
        return []
    number = len(found)
    weight = 0.3 if number == 1 and not found[0][2] else 0.35 + 0.3 * ramp(number, 1, 6)
    start, end, _ = found[0]
    words = "1 word is" if number == 1 else f"{number} words are"
    why = f"{words} divided at the end of a line, as on a printed page"
    return [Fault("formatting", "pdf", weight, why, start, end)]


def _halves(text: str, sign: re.Pattern[str]) -> Iterator[tuple[int, int, str, str]]:
    """Yield the halves of divided words with their place."""
    for match in sign.finditer(text):
        before = _BEFORE.search(text, max(0, match.start() - 40), match.start())
        after = _AFTER.match(text, match.end())
        if before and after and after[0] not in _PAIRING:
            yield before.start(), after.end(), before[0], after[0]


def _wrapped(view: View, lines: list[str]) -> list[Fault]:
    """Return the fault of lines that end where a page ends, in the middle of sentences."""
    least = _SHORTEST_SINGLE if view.single else _SHORTEST
    breaks: list[int] = []
    chances = 0
    for at, (line, after) in enumerate(pairwise(lines)):
        if not least <= len(line.strip()) <= _LONGEST or line.endswith(("  ", "\\")):
            continue
        if _MARKED.match(after) or _NO_PROSE.search(line) or not after.strip():
            continue
        if _MARKED.match(line) and not _ITEM.match(line):
            continue
        chances += 1
        if _goes_on(line.strip(), after.strip(), single=view.single):
            breaks.append(at)
    if len(breaks) < 2 or 5 * len(breaks) < 2 * chances:
        return []
    width = max(len(lines[at].strip()) for at in breaks)
    # A page's line is filled: the next word had no room. A line of verse is not.
    if 2 * sum(lines[at].rstrip()[-1] in ",;—–" for at in breaks) > len(breaks):
        return []  # Verse ends its lines where it pauses.
    filled = sum(_room(lines[at], lines[at + 1], view.single) >= 0.86 * width for at in breaks)
    if filled * 10 < len(breaks) * 7:
        return []
    start = sum(len(line) + 1 for line in lines[: breaks[0]])
    end = start + len(lines[breaks[0]]) + 1 + len(lines[breaks[0] + 1])
    why = f"{len(breaks)} lines of up to {width} characters end in the middle of a sentence"
    weight = 0.22 + 0.06 * ramp(len(breaks), 2, 6)
    return [Fault("formatting", "line-breaks", weight, why, start, end)]


def _room(line: str, after: str, single: bool) -> int:
    """Return how long a line would be with the next word on it."""
    return len(line.strip()) + (1 if single else 1 + len(after.split(None, 1)[0]))


def _goes_on(line: str, after: str, *, single: bool) -> bool:
    """Say whether a sentence goes on from one line to the next."""
    final = line.rstrip(_CLOSERS)[-1:]
    if not final or final in _ENDS or line[-1] in _ENDS:
        return False
    first = after.lstrip("\"'“‘«(*_`")[:1]
    if single:
        return final.isalpha() and first.isalpha()
    # In a script without capitals, any letter may go on.
    return first.islower() or (first.isalpha() and not first.isupper() and final.isalpha())


def _numbers(view: View, lines: list[str]) -> list[Fault]:
    """Return page numbers that stand on lines of their own between lines of text."""
    at = 0
    pages: list[tuple[int, int]] = []
    for number, line in enumerate(lines):
        start, at = at, at + len(line) + 1
        if not 0 < len(line) <= 40 or not (line.strip(_FRAME)[-1:].isdigit()):
            continue
        if _PAGE_LINE.match(line.lower()):
            pages.append((start, start + len(line)))
            continue
        if not _NUMBER_LINE.match(line):
            continue
        before = _filled(lines[max(0, number - 3) : number][::-1])
        after = _filled(lines[number + 1 : number + 4])
        cut = len(before) >= _SHORTEST and len(after) >= _SHORTEST
        if cut and (_goes_on(before, after, single=view.single)):
            pages.append((start, start + len(line)))
    if not pages:
        return []
    weight = 0.3 + 0.1 * ramp(len(pages), 1, 3)
    many = "a page number stands" if len(pages) == 1 else f"{len(pages)} page numbers stand"
    return [Fault("formatting", "pdf", weight, f"{many} in the text", *pages[0])]


def _filled(lines: list[str]) -> str:
    return next((line.strip() for line in lines if line.strip()), "")
