"""Has code lost its indentation?

Where indentation carries the meaning (Python, YAML, Makefiles) a block that isn't indented
is broken. Where brackets do (C, Java, JavaScript, JSON, HTML) it runs all the same, but
nobody writes it so, and a model learns it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.language import word_set
from engine.quality.score.view import View

_FENCED = re.compile(r"^[ \t]*(?:>[ \t]*)?(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*\n", re.MULTILINE)
_PYTHON = re.compile(
    r"(?:async[ ]+)?(?:def[ ]+\w+[ ]*\(.*|class[ ]+\w+[ ]*(?:\(.*\))?|if[ (].+|elif[ (].+|else"
    r"|for[ ]+.+[ ]in[ ]+.+|while[ (].+|try|except\b.*|finally|with[ ]+.+)[ ]*:[ ]*(?:#.*)?$"
)
_PYTHON_SURE = re.compile(
    r"^[ \t]*(?:def \w+ ?\(.*|class \w+.*|for \w+(?:, ?\w+)* in .*|while .*|if .*|try ?"
    r"|with \w+.* as \w+):[ ]*$"
    r"|^[ \t]*(?:import \w+|from \w[\w.]* import)\b",
    re.MULTILINE,
)
_TEXT = word_set(
    "text txt plain plaintext markdown md diff patch csv tsv output console log latex tex"
)
_OPENS = re.compile(
    r"(?:[{(\[]|\b(?:then|do|begin|repeat)|\)[ ]*(?:->|=>)[ ]*\{?|=>[ ]*\{)[ ]*(?://.*|#.*|/\*.*)?$"
)
_CLOSES = re.compile(
    r"(?:[})\]]|end\b|fi\b|done\b|esac\b|loop\b|next\b|endif|endfor|endwhile|end[ ])", re.IGNORECASE
)
_WORD_OPENS = re.compile(
    r"(?:def[ ]+\w+|class[ ]+[A-Z]\w*|module[ ]+[A-Z]\w*|function[ ]+[\w.:]+\(.*\)"
    r"|local[ ]+function\b.*|Sub[ ]+\w+.*|Function[ ]+\w+.*|for[ ].*[ ](?:do|To)\b.*"
    r"|while[ ].*[ ]do|if[ ].*[ ]then|.*\bdo[ ]\|.*\|)[ ]*(?:\(.*\))?[ ]*$"
)
_TAG_OPENS = re.compile(r"<([a-zA-Z][\w:-]*)(?:\s[^<>]*)?(?<!/)>$")
_TAG_CLOSES = re.compile(r"</([a-zA-Z][\w:-]*)>$")
_VOID = word_set("html head body br hr img input link meta area base col embed source track wbr")
_KEY = re.compile(r"(?:- )?[\w./\"'-]+:(?:[ ].*)?$")
_EMPTY_KEY = re.compile(r"(?:- )?([\w./\"'-]+):[ ]*(?:#.*)?$")
_TARGET = re.compile(r"[\w.%/$(){}-]+(?: [\w.%/$(){}-]+)*[ ]*:(?!=)(?:[ ]+[^=]*|)$")
_ASSIGNED = re.compile(
    r"[\w.-]+[ ]*[:?+!]?=|(?:include|ifeq|ifneq|ifdef|ifndef|else|endif|export|define|endef)\b"
    r"|#|\."
)
_LONGEST = 400


def look(view: View) -> list[Fault]:
    """Return the blocks of code in an answer that are not indented."""
    best: Fault | None = None
    for start, code, language in _blocks(view):
        fault = _block(start, code, language)
        if fault is not None and (best is None or fault.weight > best.weight):
            best = fault
    return [best] if best is not None else []


def _blocks(view: View) -> Iterator[tuple[int, str, str]]:
    """Yield the code of an answer with its place and its language, if that is named."""
    text = view.text
    if view.prose is view.folded:
        if text.count("\n") >= 2 and (view.code or _PYTHON_SURE.search(text)):
            yield 0, text, ""
        return
    at = 0
    while (opening := _FENCED.search(text, at)) is not None:
        closing = text.find(opening[1], opening.end())
        end = closing if closing >= 0 else len(text)
        yield opening.end(), text[opening.end() : end], opening[2].lower()
        at = end + len(opening[1])


def _block(start: int, code: str, language: str) -> Fault | None:
    lines = [(m.start(), m[0]) for m in re.finditer(r"[^\n]*[^\s][^\n]*", code)][:_LONGEST]
    if len(lines) < 2 or language in _TEXT or "\\begin{" in code:
        return None
    found = _python(lines) if not language or language.startswith(("py", "cython")) else None
    if found is None and not language.startswith("py"):
        found = _flat(lines, language)
    if found is None:
        return None
    weight, why, at = found
    first = start + lines[at][0]
    end = start + lines[min(at + 1, len(lines) - 1)][0] + len(lines[min(at + 1, len(lines) - 1)][1])
    return Fault("formatting", "indentation", weight, why, first, end)


Lines = list[tuple[int, str]]
Found = tuple[float, str, int]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _python(lines: Lines) -> Found | None:
    """Return the statement of Python whose block isn't indented."""
    openers = lost = sure = 0
    first = -1
    for at, (_, line) in enumerate(lines[:-1]):
        bare = line.strip()
        if bare.startswith(("import ", "from ", "print(", "return", "def ", "class ")):
            sure += 1
        if not bare.endswith(":") and ":" not in bare[-30:]:
            continue
        if not _PYTHON.fullmatch(bare):
            continue
        openers += 1
        after = lines[at + 1][1]
        if _indent(after) <= _indent(line) and not after.lstrip().startswith(("```", ">>>")):
            lost += 1
            first = at if first < 0 else first
    if not lost or 2 * lost < openers or (lost < 2 and not sure):
        return None
    weight = 0.4 + 0.2 * ramp(lost, 1, 4)
    return weight, f"{_count(lost)} of Python not indented under its statement", first


def _count(number: int) -> str:
    return "1 block is" if number == 1 else f"{number} blocks are"


def _flat(lines: Lines, language: str) -> Found | None:
    """Return the first nested block of code in which no line is indented."""
    if len(lines) < 3:
        return None
    indented = sum(1 for _, line in lines if line[:1] in " \t")
    if indented * 10 > len(lines):
        return None
    if language in ("yaml", "yml") or (not language and _is_yaml(lines)):
        return _yaml(lines)
    if language in ("make", "makefile") or (not language and _is_make(lines)):
        return _make(lines)
    nested, first = _nested(lines)
    if nested < 2:
        return None
    weight = 0.25 + 0.15 * ramp(nested, 2, 8)
    return weight, f"{nested} lines within blocks, and none is indented", first


def _nested(lines: Lines) -> tuple[int, int]:
    """Return how many lines stand inside of brackets, tags or words that close, and the first."""
    depth = nested = 0
    first = -1
    for at, (_, line) in enumerate(lines):
        bare = line.strip()
        closes = bool(_CLOSES.match(bare) or _TAG_CLOSES.match(bare))
        if closes:
            depth = max(0, depth - 1)
        elif depth:
            nested += 1
            first = at - 1 if first < 0 else first
        tag = _TAG_OPENS.match(bare)
        if _OPENS.search(bare) or _WORD_OPENS.match(bare) or (tag and tag[1].lower() not in _VOID):
            depth += 1
    return nested, max(first, 0)


def _is_yaml(lines: Lines) -> bool:
    keys = sum(1 for _, line in lines if _KEY.match(line.strip()) or line.startswith("- "))
    return keys * 10 >= len(lines) * 9 and any(_EMPTY_KEY.match(line) for _, line in lines)


def _yaml(lines: Lines) -> Found | None:
    """Return the key of YAML that has nothing under it, where others follow it."""
    empty: list[int] = []
    for at, (_, line) in enumerate(lines[:-1]):
        after = lines[at + 1][1]
        listed = after.startswith("- ") and not line.startswith("- ")  # Right in YAML.
        flat = _indent(after) <= _indent(line) and _KEY.match(after)
        if _EMPTY_KEY.match(line) and flat and not listed:
            empty.append(at)
    seen: set[str] = set()
    twice = 0
    for _, line in lines:
        key = line.partition(":")[0]
        twice += key in seen
        seen.add(key)
    if not empty or (len(empty) < 2 and not twice):
        return None
    weight = 0.4 + 0.15 * ramp(len(empty), 1, 4)
    return weight, "keys of YAML have nothing under them: no line is indented", empty[0]


def _is_make(lines: Lines) -> bool:
    targets = sum(1 for _, line in lines if _TARGET.match(line))
    variables = any("$(" in line or "$@" in line or ".PHONY" in line for _, line in lines)
    return bool(targets) and variables


def _make(lines: Lines) -> Found | None:
    """Return the rule of a Makefile whose command isn't indented."""
    for at, (_, line) in enumerate(lines[:-1]):
        after = lines[at + 1][1]
        if not _TARGET.match(line) or line.startswith(".PHONY") or after[:1] in " \t":
            continue
        if not _TARGET.match(after) and not _ASSIGNED.match(after):
            return 0.45, "the commands of a Makefile's rules are not indented", at
    return None
