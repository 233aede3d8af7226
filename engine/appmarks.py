r"""Marks that chat apps put into the text of an answer, and how they are taken out of it.

An app draws them as links, cards and buttons; in an export they stand as characters, and a model
that is trained on them writes them. They travel: what one app wrote is pasted into another, and is
saved by exporters of any kind. So all readers share this one place.

The forms are those that the exports hold, and that the tools which clean them document:

- ChatGPT and Copilot: ``U+E200 word U+E202 … U+E201`` (closed or not), ``U+E203 … U+E204`` around
  what is cited, the same without the characters (``citeturn0search1``), ``【12†source】``,
  ``:contentReference[oaicite:0]{index=0}``, ``:::writing{…}`` blocks, ``sandbox:`` links;
  LibreChat's ``U+E202turn0search0``, also as an escape
- Claude: placeholders of blocks, ``<antArtifact>``, ``<cite index="…">``, ``computer:`` links
- Gemini: ``[cite_start]``, ``[cite: 1, 2]``, ``<immersive>``, addresses of chips and cards
- Grok: ``<grok:render>``, ``<xaiArtifact>``; DeepSeek: ``[citation:1]``; Kimi and Bing: ``[^1^]``;
  Mistral: ``[REF]…[/REF]``; Perplexity: ``[^1_2]`` with their list

A mark in code or between quotation marks is spoken of, and stays; so it does in the answer to a
question that speaks of it. So do private-use characters that belong to no such mark, such as the
glyphs of a patched font, and brackets that hold anything else.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from engine.models import Role

Missing = Literal["", "some", "all"]

FEW = 240
"""Below so many characters an answer whose content is elsewhere has nothing left to teach."""


_ROW = 12


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

_TURN = r"turn\d+[a-z]+\d+"
_WORDS = "filecite|memcite|cite|navlist|entity|image_group|genui|video|url|i"

# -- characters of the private use area ---------------------------------------------------

_CLOSED = re.compile("\ue200(?P<word>[A-Za-z_]*)(?P<rest>(?:\ue202[^\ue200\ue201\ue202]*)*)\ue201")
_UNCLOSED = re.compile(
    f"\ue200(?:[A-Za-z_]*(?:\ue202[^\\s\ue200-\ue206]*)+|(?:{_WORDS})(?![A-Za-z]))|\ue202{_TURN}"
)
# The glyphs of a patched font at these places stand apart from the words.
_AROUND = re.compile("\ue203(?=\\S)[^\ue203\ue204]+(?<=\\S)\ue204")
_LONE = re.compile("[\ue200-\ue206]")
_ENTITY = re.compile(r'^\s*\[\s*"[^"]*"\s*,\s*"((?:[^"\\]|\\.)*)"')

# -- marks that can be read ---------------------------------------------------------------

# Cited sources: the kinds of which a person may speak without quotation marks.
_CITES = {
    "dagger": r"【(?:\d+(?::\d+)*|[0-9a-f]{6}|F:[^†】\n]{1,300})†[^】\n]{0,300}】",
    "turn": (
        rf"[\[(【]\s*(?:{_TURN}[\s,;，、]*)+[\])】]"
        rf"|(?<![A-Za-z0-9_])(?:filecite|memcite|cite|navlist|image_group|i)?(?:{_TURN}"
        r"(?:L\d+(?:-L?\d+)?)?)+(?![A-Za-z0-9_])"
        rf"|(?<![A-Za-z0-9_])(?:filecite|memcite|cite)(?:{_TURN})+"
    ),
    "escaped": rf"(?:\\ue20[0-6])*\\ue202{_TURN}(?:\\ue20[0-6])*",
    "oaicite": r":contentReference\[oaicite:\d+\](?:\{[^}\n]*\})?|\[oaicite:\d+\](?:\{[^}\n]*\})?",
    "citation": r"[\[【]citation:\s*\d+(?:\s*[,，]\s*(?:citation:)?\s*\d+)*[\]】]",
    "cited": r"\[cite:\s*\d[\d\s,–-]*\]|\[cite_(?:start|end)\]",
    "caret": r"\[\^\d{1,3}\^\]|\[\^\d{1,3}_\d{1,3}\](?!:)",
    "ref": r"\[REF\][^\[\]\n]{0,200}\[/REF\]",
}
_OTHERS = {
    "grok": r"<grok:render\b(?:[^<]|<(?!grok:render)){0,2000}?(?:</grok:render>|/>)",
    "memory": r"<oai-mem-citation>(?:[^<]|<(?!oai-mem)){0,4000}?</oai-mem-citation>",
    "hidden": r'<span style="display:\s*none">(?:\[\^[\d_]+\])+</span>'
    r'|^<div align="center">⁂</div>$|^\[\^\d{1,3}_\d{1,3}\]:[^\n]*$',
    "within": r'<(?:antml:)?cite\s+index="[^"\n]*">'
    r"(?P<within>(?:[^<]|<(?!/?(?:antml:)?cite\b))*)</(?:antml:)?cite>",
    "image": r"!\[[^\[\]\n]{0,300}\]\((?:sandbox|computer):[^)\n]*\)",
    "link": r"\[(?P<link>[^\[\]\n]{0,300})\]\((?:sandbox|computer):[^)\n]*\)"
    r"|(?<![\w(/])(?:sandbox:/mnt/data|computer:///?mnt)/(?:[^\s)\]]*/)?(?P<file>[^\s/)\]]+)",
    "chip": r"\[?https?://(?:www\.)?googleusercontent\.com/(?:immersive_entry_chip"
    r"|(?:interactive_content_block|deep_research_confirmation_content))(?:/\w*)?\]?",
    "card": r"\[?https?://(?:www\.)?googleusercontent\.com/(?:image_collection|image_generation"
    r"|generated_image|youtube|map|map_location|map_location_reference|grounding|web_search|card"
    r"|flights|hotels|workspace|shopping|lmdx_image)(?:_content)?(?:/\w+)*\]?",
    "artifact": r"<(?P<tag>antArtifact|xaiArtifact|immersive)\b(?P<told>[^<>]{0,2000}?)"
    r"(?:/>|>(?P<made>.*?)(?:</(?P=tag)>|\Z))",
}
# Spaces before a mark, looked for once a run of them.
_LEAD = r"(?P<lead>(?<![ \t])[ \t]*|)"
_SEEN = re.compile(
    _LEAD
    + r"(?:"
    + "|".join(f"(?P<_{kind}>{form})" for kind, form in {**_CITES, **_OTHERS}.items())
    + r")(?P<tail>[ \t]*)",
    re.DOTALL | re.MULTILINE,
)
_HINTS = (
    *("【", "oaicite", "citation:", "[cite", "[^", "[REF]", "<grok:render"),
    *("<oai-mem", "display:", "⁂", "cite index=", "sandbox:", "computer:", "googleusercontent."),
    *("Artifact", "<immersive"),
)
_PLACEHOLDER = re.compile(
    r"^[ \t]*+(?P<fence>`{3,})?+[ \t]*+\n?[ \t]*+"
    r"(?:(?P<any>This block is not supported on your current device yet\.)"
    r"|Viewing artifacts created via the Analysis Tool web feature preview isn['\u2019\u02bc]t yet "
    r"supported on mobile\.)"
    r"[ \t]*(?(fence)\n?[ \t]*(?P=fence)[ \t]*)$\n?",
    re.MULTILINE,
)
_DIRECTIVE = re.compile(
    r"^[ \t>]*(?P<colons>:{2,4})(?:writing|[a-z]+[A-Z][A-Za-z]*)"
    r"(?:\[[^\]\n]*\])?(?:\{[^\n]*\})?[ \t]*$"
)
_CLOSING = re.compile(r"^[ \t>]*:{3,4}[ \t]*$")
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})")
_CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*$.*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_QUOTES = dict(zip("\"'“”„«»‘’「『", "\"'”””»«’’」』", strict=True))
_ENDS = frozenset(" \t\n.,;:!?…)]}»”’\"'。，、；：！？）】|*_")
# The rest of a sentence that asks: nobody cites a source for a question.
_ASKED = re.compile(r"[^.!?\n。！？]*[?？]")
_NAMED = re.compile(r"""\b(?:language|contentType|type)\s*=\s*["']([^"']*)["']""")


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
    if "supported on" in text:
        text, missing = _without_placeholders(text)
    if "::" in text:
        text = _without_directives(text)
    if not _hints(text):
        return Taken(text, missing)
    return _without_seen(text, role, spoken, missing)


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
    for found in _PLACEHOLDER.finditer(text) if "supported on" in text else ():
        yield found.start(), found.end(), "placeholder"
    if _hints(text):
        code = _code_in(text)
        for found in _SEEN.finditer(text):
            if not _stays(found, text, role, code):
                lead, tail = found.span("lead")[1], found.span("tail")[0]
                yield lead, tail, _kind(found)
    at = 0
    for line, gone in _directives(text) if "::" in text else ():
        if gone:
            yield at, at + len(line), "directive"
        at += len(line) + 1


# -- private use --------------------------------------------------------------------------


def _without_private(text: str, role: Role) -> str:
    if "\ufffc" in text:
        text = _without(re.compile("\ufffc"), text)
    if not _LONE.search(text):
        return text
    before = text
    text = _without(_CLOSED, text)
    text = _without(_UNCLOSED, text)
    if text != before or (role != "user" and _AROUND.search(text)):
        text = _LONE.sub("", text)
    return text


def _without(pattern: re.Pattern[str], text: str) -> str:
    spaced = re.compile(f"{_LEAD}(?:{pattern.pattern})(?P<tail>[ \\t]*)")

    def shown(found: re.Match[str]) -> str:
        return _joined(found, text, _named(found))

    return _squeezed(spaced.sub(shown, text))


def _squeezed(text: str) -> str:
    """Return a text without the gap that a line of nothing but marks leaves."""
    return re.sub(r"\n{4,}", "\n\n", text) if "\n\n\n\n" in text else text


def _named(found: re.Match[str]) -> str:
    """Return the words of a mark that has some: a name, a link's title, a formula."""
    groups = found.groupdict()
    word, rest = groups.get("word") or "", groups.get("rest") or ""
    if not word and not rest and found[0].strip() == "\ue200\ue201":
        return found[0].strip()
    first = rest[1:].partition("\ue202")[0]
    if word == "entity":
        named = _ENTITY.match(first)
        return named[1] if named else ""
    if word == "url":
        return "" if re.fullmatch(_TURN, first) else first
    return _formula(first) if word == "genui" else ""


def _formula(said: str) -> str:
    try:
        made = json.loads(said)
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
    if not after or after == "\n" or (not tail and after in _ENDS and after not in "|*_"):
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

    return _PLACEHOLDER.sub(cut, text), missing


def _without_directives(text: str) -> str:
    lines = list(_directives(text))
    if not any(gone for _, gone in lines):
        return text
    return "\n".join(line for line, gone in lines if not gone)


def _directives(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a text, each with whether it only begins or ends a block of the app's."""
    fence, depth = "", 0
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        gone = False
        if not fence and not mark and "::" in line:
            if found := _DIRECTIVE.match(line):
                gone = True
                depth += len(found["colons"]) > 2
            elif depth and _CLOSING.match(line):
                gone = True
                depth -= 1
        yield line, gone


# -- marks that can be read ---------------------------------------------------------------


def _hints(text: str) -> bool:
    return any(hint in text for hint in _HINTS) or bool(
        "turn" in text and re.search(r"turn\d+[a-z]+\d", text)
    )


def _without_seen(text: str, role: Role, spoken: frozenset[str], missing: Missing) -> Taken:
    code = _code_in(text)
    stays: set[str] = set()

    def shown(found: re.Match[str]) -> str:
        nonlocal missing
        kind = _kind(found)
        if kind in spoken or _stays(found, text, role, code):
            stays.add(kind)
            return found[0]
        if kind == "artifact":
            made = _made(found)
            missing = missing if made else "all"
            return _joined(found, text, made)
        if kind == "chip":
            missing = "all"
        elif kind in ("link", "image"):
            missing = missing or "some"
        words = found["within"] or found["link"] or found["file"] or ""
        return _joined(found, text, words)

    left = _squeezed(_SEEN.sub(shown, text))
    return Taken(left, missing, frozenset(stays))


def _kind(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return next(name[1:] for name, value in groups.items() if name[0] == "_" and value is not None)


def _stays(found: re.Match[str], text: str, role: Role, code: list[tuple[int, int]]) -> bool:
    """Say whether a mark is spoken of: in code, in quotation marks, or within a sentence."""
    start, end = found.end("lead"), found.start("tail")
    kind = _kind(found)
    at = bisect_right(code, (start, len(text))) - 1
    # Gemini puts an address in the place of the code itself, whose fence then never ends.
    if at >= 0 and start < code[at][1] and kind != "chip":
        return True
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and _QUOTES.get(before) == after:
        return True
    if role != "user" or kind not in _CITES:
        return False
    if kind == "cited" and "[cite:" in text and "[cite_start]" in text:
        return False
    rest = text[end : end + 400].lstrip(" \t")
    if _ASKED.match(rest):
        return True
    return bool(rest) and rest[0] not in _ENDS and not _SEEN.match(rest)


def _made(found: re.Match[str]) -> str:
    """Return what an artifact holds, as a block of code where it is code."""
    made = (found["made"] or "").strip("\n")
    if not made.strip() or made.lstrip().startswith("```"):
        return made.strip()
    named = dict.fromkeys(_NAMED.findall(found["told"]))
    return as_block(made, *named)


def as_block(content: str, *types: str) -> str:
    """Return a document as it stands in an answer: code in a fence, other text as it is.

    Args:
        content: The document.
        types: What its app says that it is: ``code/python``, ``application/vnd.ant.code``
            and the language, ``text/markdown``.
    """
    language = ""
    for name in types:
        last = name.rpartition("/")[2].removeprefix("x-").lower()
        if last in ("markdown", "plain", "document", "text", "md", ""):
            continue
        if last.startswith("vnd.ant."):
            language = language or {"vnd.ant.react": "jsx", "vnd.ant.mermaid": "mermaid"}.get(
                last, language
            )
            code = last in ("vnd.ant.code", "vnd.ant.react", "vnd.ant.mermaid")
            language = language or ("text" if code else "")
        else:
            language = "svg" if last == "svg+xml" else last
    if not language:
        return content
    fence = "```"
    while fence in content:
        fence += "`"
    return f"{fence}{'' if language == 'text' else language}\n{content}\n{fence}"


@lru_cache(maxsize=2)
def _code_spans(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(found.span() for found in _CODE.finditer(text))


def _code_in(text: str) -> list[tuple[int, int]]:
    return list(_code_spans(text)) if "`" in text or "~~~" in text else []
