r"""Marks that chat apps put into the text of an answer, and how they are taken out of it.

An app draws them as links, cards and buttons; in an export they stand as characters, and a model
that is trained on them writes them. They travel: what one app wrote is pasted into another, and is
saved by exporters of any kind. So all readers share this one place.

The forms are those that the exports hold, and that the tools which clean them document:

- ChatGPT and Copilot: ``U+E200 word U+E202 … U+E201`` (closed or not), ``U+E203 … U+E204`` around
  what is cited, the same without the characters (``citeturn0search1``), ``【12†source】``,
  ``:contentReference[oaicite:0]{index=0}``, ``[oai_citation:1‡…](…)``,
  ``:::writing{…}`` blocks, ``sandbox:`` links; LibreChat's ``U+E202turn0search0`` and its escape
- Claude: placeholders of blocks, ``<antArtifact>``, ``<cite index="…">``, ``computer:`` links
- Gemini: ``[cite_start]``, ``[cite: 1, 2]``, ``<immersive>``, addresses of chips and cards
- Grok: ``<grok:render>``, ``<xaiArtifact>``; DeepSeek: ``[citation:1]``; Kimi and Bing: ``[^1^]``;
  Mistral: ``[REF]0,1[/REF]``; Perplexity: ``[^1_2]`` with their list, ``[web:1]``
- ``[1][2]`` where sources stand beside the message, as Open WebUI and Perplexity have them

A mark in code or between quotation marks is spoken of, and stays; so it does in the answer to a
question that speaks of it. So do private-use characters that belong to no such mark, such as the
glyphs of a patched font, and brackets that hold anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from engine.appcode import as_block, code_in, within
from engine.appforms import (
    ABOUT,
    ANYWHERE,
    AROUND,
    ASKED,
    BEHIND,
    CITES,
    CLOSED,
    CLOSING,
    DIRECTIVE,
    ENDS,
    ENTITY,
    FENCE,
    HALF,
    LEAD,
    LONE,
    NAMED,
    PLACEHOLDER,
    PRIVATE,
    QUOTES,
    REFERENCE,
    SEEN,
    SPOKEN,
    SPOKEN_HINTS,
    UNCLOSED,
    WORDLESS,
)
from engine.models import Role

Missing = Literal["", "some", "all"]

FEW = 240
"""Below so many characters an answer whose content is elsewhere has nothing left to teach."""


_ROW = 12
_DEEPEST = 4
_OBJECT = re.compile("\ufffc")


# Behind a word, and no link, footnote or index of a program's.
_NUMBERS = re.compile(
    r"(?<=[^\W_]|[.,;:!?)\]”’\"'%*。，])[ \t]?(?:\[\d{1,3}(?:, ?\d{1,3})*\])+(?![(\[:\w])"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A text without marks.

    Attributes:
        text: What is left.
        missing: Whether content of the app's lay where a mark was, such as a document in a
            panel beside the chat: "some" where words of the answer may do without it, "all"
            where they don't.
        spoken: The kinds of marks that the text speaks of.
    """

    text: str
    missing: Missing = ""
    spoken: frozenset[str] = frozenset()


NOTHING: frozenset[str] = frozenset()


def taken(text: str, role: Role = "assistant", spoken: frozenset[str] = NOTHING) -> Taken:
    """Return a text without the marks of apps.

    Args:
        text: What somebody or a model said.
        role: Who. A person may speak of a mark in the middle of a sentence without quotation
            marks; there only those stay out that follow what they support.
        spoken: The kinds of marks that the question before speaks of; they stay.
    """
    missing: Missing = ""
    if not text.isascii():
        text = _without_private(text, role)
    if "supported on " in text:
        text, missing = _without_placeholders(text)
    if _begins(text):
        text = _without_directives(text)
    found = _without_seen(text, role, spoken, missing) if _hints(text) else Taken(text, missing)
    return replace(found, spoken=spoken_of(text, role)) if role == "user" else found


def spoken_of(text: str, role: Role = "user") -> frozenset[str]:
    """Return the kinds of marks that a text is about; those that were pasted with it are none."""
    if not _hints(text):
        return frozenset(_named_in(text))
    words = SEEN.sub(" ", text)
    named = _named_in(words)
    code = code_in(text)
    about = ABOUT.search(words) is not None
    kinds = {kind for kind in named if kind not in CITES or about}
    for found in SEEN.finditer(text):
        rest = text[found.start("tail") : found.start("tail") + 400].lstrip(" \t")
        quoted = _stays(found, text, "assistant", code)
        if quoted or (_stays(found, text, role, code) and (about or ASKED.match(rest))):
            kinds.add(_kind(found))
    return frozenset(kinds)


def _named_in(words: str) -> list[str]:
    lowered = words.lower()
    if not any(hint in lowered for hint in SPOKEN_HINTS):
        return []
    return [kind for kinds, name in SPOKEN.items() if name.search(words) for kind in kinds]


def without_numbers(text: str, sources: int) -> str:
    """Return an answer without the numbers of its sources: ``[1][2]``.

    Args:
        text: The answer.
        sources: How many sources its app keeps beside it.
    """
    if not sources or "[" not in text:
        return text
    code = code_in(text)

    def shown(found: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", found[0])]
        return found[0] if within(found.start(), code) or max(numbers) > sources else ""

    return _NUMBERS.sub(shown, text)


def hollow(found: Taken) -> bool:
    """Say whether what is left of an answer is only what was said about its content."""
    if found.missing == "some":
        wide = sum(character > "\u2e7f" for character in found.text)
        return len(found.text.strip()) + 2 * wide < FEW
    return found.missing == "all"


def without_marks(text: str, role: Role = "user") -> str:
    """Return a text without the marks of apps; see :func:`taken`."""
    return taken(text, role).text


def marks_in(text: str, role: Role = "assistant") -> Iterator[tuple[int, int, str]]:
    """Yield where marks that can be read stand, of those that :func:`taken` takes out.

    Yields:
        The place, and the kind: "placeholder", "directive", or a kind of mark.
    """
    for found in PLACEHOLDER.finditer(text) if "supported on" in text else ():
        yield found.start(), found.end(), "placeholder"
    if _hints(text):
        code = code_in(text)
        for found in SEEN.finditer(text):
            if not _stays(found, text, role, code):
                lead, tail = found.span("lead")[1], found.span("tail")[0]
                yield lead, tail, _kind(found)
    at = 0
    for line, gone in _directives(text) if _begins(text) else ():
        if gone:
            yield at, at + len(line), "directive"
        at += len(line) + 1


# -- private use --------------------------------------------------------------------------


def _without_private(text: str, role: Role) -> str:
    if "\ufffc" in text:
        text = _without(_OBJECT, text)
    if not any(one in text for one in PRIVATE):
        return text
    before = text
    # A mark may stand within another.
    for _ in range(_DEEPEST):
        inner, text = text, _without(CLOSED, text)
        if text == inner:
            break
    text = _without(HALF, text)
    text = _without(UNCLOSED, text)
    if text != before or (role != "user" and AROUND.search(text)):
        code = code_in(text)
        text = LONE.sub(lambda found: found[0] if within(found.start(), code) else "", text)
    return text


def _without(pattern: re.Pattern[str], text: str) -> str:
    spaced = _spaced(pattern)
    code = code_in(text)

    def shown(found: re.Match[str]) -> str:
        if within(found.end("lead"), code):
            return found[0]
        return _joined(found, text, _named(found))

    return _squeezed(spaced.sub(shown, text))


def _spaced(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(f"{LEAD}(?:{pattern.pattern})(?P<tail>[ \\t]*)")


def _squeezed(text: str) -> str:
    """Return a text without the gap that a line of nothing but marks leaves."""
    return re.sub(r"\n{4,}", "\n\n", text) if "\n\n\n\n" in text else text


def _named(found: re.Match[str]) -> str:
    """Return the words of a mark that has some: a name, a link's title, a formula."""
    groups = found.groupdict()
    word = groups.get("word") or groups.get("word2") or ""
    rest = groups.get("rest") or groups.get("rest2") or ""
    if not word and not rest and found[0].strip() == "\ue200\ue201":
        return found[0].strip()
    first = rest[1:].partition("\ue202")[0]
    if word == "genui":
        return _formula(first)
    if "entity" in word:
        return _entity(first)
    return "" if word in WORDLESS or REFERENCE.fullmatch(first) else first


def _entity(said: str) -> str:
    named = ENTITY.match(said)
    return named[1] if named else ""


def _formula(said: str | None) -> str:
    try:
        made = json.loads(said or "")
    except (ValueError, RecursionError):
        return ""
    for name, value in made.items() if isinstance(made, dict) else ():
        if name.startswith("math_block") and isinstance(value, dict):
            content = value.get("content")
            return f"$${content}$$" if isinstance(content, str) and content else ""
    return ""


def _joined(found: re.Match[str], text: str, shown: str) -> str:
    """Return what stands in a mark's place, with the space that its neighbours need."""
    lead, tail = found["lead"], found["tail"]
    if shown:
        return f"{lead}{shown}{tail}"
    if not found.start() or text[found.start() - 1] == "\n":
        return lead
    end = found.end()
    # Marks stand in rows, and what counts is what follows the last.
    for _ in range(_ROW):
        following = found.re.match(text, end)
        if following is None:
            break
        end = following.end()
    after = text[end : end + 1]
    if not after or after == "\n" or (not tail and after in ENDS and after not in "|*_"):
        return ""
    if tail and after in ".,;:!?。，":
        return ""
    return " " if lead or tail else ""


# -- placeholders and directives ----------------------------------------------------------


def _without_placeholders(text: str) -> tuple[str, Missing]:
    missing: Missing = ""

    def cut(found: re.Match[str]) -> str:
        nonlocal missing
        # One form stands for searches and thoughts too, after which the answer follows.
        if not found["any"] or (text[: found.start()].strip() and not text[found.end() :].strip()):
            missing = "some"
        return ""

    return PLACEHOLDER.sub(cut, text), missing


def _begins(text: str) -> bool:
    """Say whether a line may begin or end a block of the app's."""
    return "\n::" in text or text.startswith("::") or ":::writing" in text


def _without_directives(text: str) -> str:
    lines = list(_directives(text))
    if not any(gone for _, gone in lines):
        return text
    return "\n".join(line for line, gone in lines if not gone)


def _directives(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a text, each with whether it only begins or ends a block of the app's."""
    fence, depth = "", 0
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        gone = False
        if not fence and not mark and "::" in line:
            if found := DIRECTIVE.match(line):
                gone = True
                depth += len(found["colons"]) > 2
            elif depth and CLOSING.match(line):
                gone = True
                depth -= 1
        yield line, gone


# -- marks that can be read ---------------------------------------------------------------


def _hints(text: str) -> bool:
    """Say whether a text may hold marks; most texts hold none, and are long."""
    if any(hint in text for hint in ANYWHERE):
        return True
    for sign, hints in BEHIND.items():
        if sign in text and any(hint in text for hint in hints):
            return True
    return "turn" in text and re.search(r"turn\d+[a-z]+\d", text) is not None


def _without_seen(text: str, role: Role, spoken: frozenset[str], missing: Missing) -> Taken:
    code = code_in(text)
    stays: set[str] = set()

    def shown(found: re.Match[str]) -> str:
        nonlocal missing
        kind = _kind(found)
        if kind in spoken or _stays(found, text, role, code):
            stays.add(kind)
            return found[0]
        if kind in ("entity", "object"):
            return _joined(found, text, _entity(found["listed"] or "") or _formula(found["object"]))
        if kind == "artifact":
            made = _made(found)
            missing = missing if made else "all"
            return _joined(found, text, made)
        if kind == "chip":
            missing = "all"
        elif kind in ("link", "image"):
            missing = missing or "some"
        words = found["within"] or found["titled"] or found["link"] or found["file"] or ""
        return _joined(found, text, words)

    left = _squeezed(SEEN.sub(shown, text))
    return Taken(left, missing, frozenset(stays))


def _kind(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return next(name[1:] for name, value in groups.items() if name[0] == "_" and value is not None)


def _stays(found: re.Match[str], text: str, role: Role, code: list[tuple[int, int]]) -> bool:
    """Say whether a mark is spoken of: in code, in quotation marks, or within a sentence."""
    start, end = found.end("lead"), found.start("tail")
    kind = _kind(found)
    # Gemini puts an address in the place of the code itself, whose fence then never ends.
    if kind != "chip" and within(start, code):
        return True
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and QUOTES.get(before) == after:
        return True
    if role != "user" or kind not in CITES:
        return False
    if kind == "cited" and "[cite:" in text and "[cite_start]" in text:
        return False
    rest = text[end : end + 400].lstrip(" \t")
    if ASKED.match(rest):
        return True
    return bool(rest) and rest[0] not in ENDS and not SEEN.match(rest)


def _made(found: re.Match[str]) -> str:
    """Return what an artifact holds, as a block of code where it is code."""
    made = (found["made"] or "").strip("\n")
    if not made.strip() or made.lstrip().startswith("```"):
        return made.strip()
    named = dict.fromkeys(NAMED.findall(found["told"] + (found["told2"] or "")))
    return as_block(made, *named)
