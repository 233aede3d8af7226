"""Does the answer end, or does it break off?

A text can't be asked whether it is whole, but a break leaves marks: a fence or bracket
that stays open, a last line that stops in the middle of a sentence where the lines before
it don't, a last word that no sentence ends in. Without such a mark a text counts as
whole: a name, a number, a line of code or a title needs no full stop.
"""

from __future__ import annotations

import re

from engine.quality.score import endings
from engine.quality.score.fault import Fault
from engine.quality.score.language import grammar_of
from engine.quality.score.view import View, words_of
from engine.sources.blocks import announces

_ENDS = ".!?…。！？｡؟۔।॥;:：；~～•։။។"
_CLOSERS = "\"'”’»)]}*_`>“）」』】》〉›"
_OPEN = ",，、،([{（「『【《“„«—–=&+/<|"
_SENTENCE = re.compile(
    # No end: "2. ", "10. ", "6.3. ", "J. ", "Dr. ".
    r"(?<!\s\w)(?<!\s\d\d)(?<!\d\.\d)(?<!\bDr)(?<!\bMr)(?<!\bSt)(?<!\bMrs)(?<!\bProf)(?<!\bvs)"
    r"(?<=[\w\"”’)\]%°$€'])[.!?…؟۔।]+[\"'”’»)\]*_]*(?=\s|$)|[。！？؟۔।]"
)
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+")
_EMPTY_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)、]|#{1,6}|\*\*)[ \t]*")
_REFERENCE = re.compile(r"(?:\[[^\]\n]{1,40}\]|(?<=[.!?]):\d[\d–:-]{0,40}|[¹²³⁰-⁹]+)+$")
_NUMBER = "0123456789%°€$£"
_FURNITURE = re.compile(r"[ \t]*(?:#{1,6} |\||!\[|\[|https?:|www\.|[-=*_]{3,}$)")
_UNMARKED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]$")
"""Scripts whose sentences end without a sign: Thai, Lao, Burmese, Khmer."""
_SHORT = 3
_LATEST = 4000
"""So much of a last line is looked at, in characters."""

_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("（", "）"), ("「", "」"))

_OPEN_WEIGHT = 0.6
_DANGLING_WEIGHT = 0.6


def look(view: View) -> list[Fault]:
    """Return the signs that an answer breaks off."""
    body = view.text.rstrip()
    if not body:
        return []
    if view.open_fence >= 0:
        return [
            Fault("completeness", "cut-off", _OPEN_WEIGHT, "a code block is never closed",
                  view.open_fence, len(body))
        ]  # fmt: skip
    start = max(body.rfind("\n") + 1, len(body) - _LATEST)
    last = body[start:]
    if last.lstrip().startswith(("```", "~~~")):
        return []
    fenced = view.prose is not view.folded
    if view.code and not (fenced and view.prose[start : len(body)].strip()):
        return _code(view, body)
    weight, why = _ending(view, body, last, start)
    if weight > endings.NOTED and "stops after" not in why:
        weight = min(weight, endings.cap(view, body, last, start))
    if not weight:
        return []
    return [Fault("completeness", "cut-off", weight, why, max(start, len(body) - 60), len(body))]


def _code(view: View, body: str) -> list[Fault]:
    for opening, closing in _PAIRS[:3]:
        opened = body.count(opening) - body.count(closing)
        if opened > 0:
            at = body.rfind(opening)
            why = f"{opened} “{opening}” without “{closing}”"
            return [Fault("completeness", "cut-off", 0.45, why, at, len(body))]
    if body[-1] in ",:=(+&|" and len(body) > 20:
        return [_cut(0.5, f"the code ends in “{body[-1]}”", body)]
    return []


def _cut(weight: float, why: str, body: str) -> Fault:
    return Fault("completeness", "cut-off", weight, why, max(0, len(body) - 60), len(body))


def _ending(view: View, body: str, last: str, start: int) -> tuple[float, str]:
    """Return how surely prose breaks off, and by which mark."""
    alone = start == 0
    if not alone and (_EMPTY_ITEM.fullmatch(last) or _next_number(body[:start], last)):
        return 0.5, "the last list item is empty"
    if _FURNITURE.match(last) or _UNMARKED.search(last):
        return 0.0, ""
    if last.rpartition(" ")[2].lstrip("\"'“").startswith(("#", "http")):
        return 0.0, ""
    reference = _REFERENCE.search(body, max(start, len(body) - 200))
    if reference and body[: reference.start()].rstrip()[-1:] in ":：":
        return 0.0, ""  # "Output: [1, 2]"
    body = body[: reference.start()].rstrip() if reference else body
    last = body[start:]
    closers = _CLOSERS
    if "„" in body or "»" in body[-2:]:
        closers += "“«"  # German closes with them.
    inner = body.rstrip(closers + " ")
    if not inner or not last:
        return 0.0, ""
    words = len(view.words)
    final = body[-1]
    if final in _OPEN and final not in closers and words > _SHORT:
        return _OPEN_WEIGHT, f"the last sentence ends in “{final}”"
    if final in ":：" and announces(body) and words > _SHORT:
        return 0.5, "what the last colon announces is missing"
    tail = body[max(start, len(body) - 2000) :]
    opened = _unclosed(tail)
    if opened == '"' and final == '"' and body.count('"') % 2 == 0:
        opened = ""  # It closes what another line opened.
    if inner[-1] in _ENDS or final in _ENDS:
        if opened and words > 8:
            return 0.2, f"“{opened}” is not closed"
        return 0.0, ""
    lasting = words_of(view.folded[start : len(body)])
    if not lasting or not (inner[-1].isalnum()):
        return (0.35, f"“{opened}” is not closed") if opened and words > 8 else (0.0, "")
    grammar = grammar_of(view.words or lasting)
    long = len(lasting) >= _SHORT or not alone
    if long and grammar and lasting[-1] in grammar.dangling and _is_word(body):
        return _DANGLING_WEIGHT, f"the last sentence stops after “{lasting[-1]}”"
    if opened and words > 8:
        return 0.5, f"“{opened}” is not closed"
    result = last.rfind("=", max(0, len(last) - 60))
    if result >= 0 and len(last[result:].split()) <= 5:
        return 0.0, ""  # "5 + 3 = 8 apples" needs no full stop.
    weight = _unfinished(view, body, last, len(lasting))
    if final in _NUMBER:
        return weight * 0.5, "the last sentence has no end"
    if final in ")]`*_»”’\"'）」』】》":
        return weight * 0.4, "the last sentence has no end"  # What is closed was not cut.
    if _broken_word(view, lasting[-1], body):
        return max(weight, 0.2) + 0.25, "the last word seems to be broken off"
    return weight, "the last sentence has no end"


def _next_number(before: str, last: str) -> bool:
    """Say whether a last line is the number of an item that was to come: "3" after "2. …"."""
    number = last.strip()
    if not number.isdecimal() or len(number) > 2 or number == "1":
        return False
    return re.search(rf"^[ \t]*{int(number) - 1}[.)、] ", before[-4000:], re.MULTILINE) is not None


def _is_word(body: str) -> bool:
    """Say whether the last word is written as a word, not as the letter in "vitamin A"."""
    return not (body[-1].isupper() or body[-1] in _CLOSERS)


def _unclosed(tail: str) -> str:
    """Return an opening sign of the last line that stays open."""
    quotes: tuple[tuple[str, str], ...] = () if "„" in tail or "»" in tail else (("“", "”"),)
    for opening, closing in (*_PAIRS, *quotes):
        at = tail.rfind(opening)
        if at >= 0 and tail.rfind(closing) < at:
            if opening == "(" and ((at and tail[at - 1] in ":;-=") or len(tail) - at < 2):
                continue
            if opening in "[{" and len(tail) - at > 400:
                continue
            return opening
    if tail.count('"') % 2 and not re.search(r'\d"', tail) and len(tail) > 20:
        return '"'
    return ""


def _unfinished(view: View, body: str, last: str, length: int) -> float:
    """Return how surely a last line without an end mark was to go on."""
    scale = 2 if view.single else 1
    length //= scale
    ends = list(_SENTENCE.finditer(last))
    item = _ITEM.match(last)
    if ends and (item is None or ends[-1].end() - item.end() > 40):
        rest = len(words_of(last[ends[-1].end() :].lower())) // scale
        if rest <= 2:
            sentence = len(words_of(last[: ends[-1].end()].lower())) // scale
            return 0.4 if sentence > 4 or body != last else 0.2
        enumerated = last.count(",", ends[-1].end()) * 4 >= rest
        return 0.15 if enumerated else min(0.6, 0.35 + 0.03 * rest)
    before = [line for line in body[: -len(last)][-6000:].splitlines() if line.strip()][-12:]
    if not before:
        # A lone phrase: the longer, the more it should have been a sentence.
        listed = last.count(",") * 4 >= length
        return 0.0 if length < 8 else min(0.1 if listed else 0.4, 0.1 + 0.017 * (length - 8))
    if item:
        before = [line for line in before if _ITEM.match(line)]
        if not before:
            return 0.0
        ended = sum(map(_ended, before))
        if ended == len(before) > 1:
            return 0.4
        return 0.2 if ended * 2 > len(before) else 0.0
    if length <= (2 if view.single else 4):
        # "Remember, these are just": a few words after whole paragraphs, and no name.
        small = any(word[0].islower() for word in last.split()) and length > 1
        after = (
            len(before) >= 2 and all(map(_ended, before[-2:])) and body[: -len(last)][-2:] == "\n\n"
        )
        return 0.25 if small and after and not view.single else 0.0
    if last.count(",") * 4 >= length:
        return 0.0
    # Who leaves the full stop out once leaves it out at the end, too.
    whole = [line for line in before if len(line.split()) > 4 or view.single]
    ended = sum(map(_ended, whole))
    return 0.5 if whole and ended == len(whole) else 0.35 if ended * 2 > len(whole) else 0.1


def _ended(line: str) -> bool:
    return line.rstrip().rstrip(_CLOSERS)[-1:] in _ENDS


def _broken_word(view: View, word: str, body: str) -> bool:
    """Say whether the last word is a part of another that stands in the conversation."""
    plain = word.isascii() and word.isalpha() and body[-len(word) :].islower()
    if not plain or len(word) < 3 or len(view.words) < 6:
        return False
    if len(word) > 3 and not any(map("aeiouy".__contains__, word)):
        return True
    if view.words.count(word) > 1 or word in view.prompt_words:
        return False
    longer = len(word) + 2  # "month" is no part of "months".
    return any(len(w) > longer and w.startswith(word) for w in (*view.words, *view.prompt_words))
