"""Endings that need no full stop: addresses, signatures, credits, labels, lists, notes.

Whether a text without a full stop was cut or is written so can't be told from its last words
alone. Its other lines tell: who leaves the full stop out of one leaves it out of the last.
"""

from __future__ import annotations

import re

from engine.quality.score.view import View

_ADDRESS = re.compile(
    r"(?:\bhttps?://\S+|\bwww\.\S+|\S+@\S+\.\w{2,}|(?<!\S)@\w+|(?<!\S)#\w+"
    r"|(?<!\S)[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io|ai|dev|info|eu|uk|de|ro|fr|it|es|nl|pl"
    r"|ru|jp|cn|ch|at|me|co|tv)(?:/\S*)?|(?<!\S)(?:[\w.-]+)?(?:/[\w.-]+){2,}/?)[)\]>*_`\"'”]*$"
)
_CREDIT = re.compile(
    # After a quotation, or on a line of its own: a dash and a name.
    r"(?:[\"”’»_.!?…]\s+[-–—―~]{1,2}|^[ \t>]*(?:[–—―~]|--))[ \t]*(?=[^\W\d_a-z])[^\n.!?,;]{2,50}$"
    r"|^[ \t]*[(\[]?(?:[Ss]ource|[Cc]redit|[Pp]hoto|[Ii]mage|Provided by|Written by|Posted by"
    r"|Translated by|[Vv]ia|[Bb]y|Sursa|Foto|Quelle|Fuente|Fonte|Autor|Author|Источник)\b:?"
    r" (?=[^\W\d_a-z])[^\n.!?,]{0,60}$"
)
_LABEL = re.compile(r"[^\n:：]{2,60}[:：][ \t]*\S[^\n:：]{0,40}$")
_CLOSING = re.compile(r"^[A-Z][a-zà-ž]+(?: [a-zà-žA-Z]+){1,5},$")
_TAG = re.compile(r"</(?!p>)[a-zA-Z][\w-]*>$")
_PAGE = re.compile(r"<(?:!doctype|html|div|svg|table|ul|form|body|head|section|script)\b", re.I)
_STATEMENT = re.compile(
    r"^[ \t]+(?:return|print|self|yield|raise|pass|end|echo|elif|else|const|let|var|this)\b|[;}]$"
)
_RESULT = re.compile(r"= *[-+$€£]?\d")
_TITLE = re.compile(r"[ \t]*(?:#{1,6} |\*\*[^*\n]+\*\*:?[ \t]*$|__)")
_ENDS = ".!?…。！？؟۔।:：;；"
_CLOSERS = " \t\"'”’»)]}*_`>）」』】》"
_NOTE = 0.25
"""What a missing full stop weighs where the answer leaves others out, too."""
NOTED = 0.1
"""Up to this weight, an ending needs no second look."""


def cap(view: View, body: str, last: str, start: int) -> float:
    """Return what a missing end weighs at most: 0 where none is due, 1 where it may be cut.

    Args:
        view: The answer.
        body: Its text up to the last sign that counts.
        last: Its last line, up to there.
        start: Where that begins.
    """
    whole = view.text.rstrip()
    if _ADDRESS.search(last) or _CREDIT.search(last):
        return 0.0
    if _TAG.search(whole[-60:]) and _PAGE.search(whole):
        return 0.0
    if _STATEMENT.search(last) or _alike(whole, last):
        return 0.05
    words = last.split()
    if start and len(words) <= 6 and _CLOSING.match(last) and whole[:start].endswith("\n\n"):
        return 0.15  # "Looking forward to seeing you,": a letter waits for a name.
    if _labelled(last, words):
        return 0.1
    if words and words[-1].isupper() and len(words[-1]) > 2 and len(words) > 4:
        return 0.2  # An agency, a keyword.
    if start and _headline(words):
        return 0.15
    if _RESULT.search(last, max(0, len(last) - 110)):
        return 0.25  # "= 15 hours to cover the cost"
    if last.lstrip().startswith(">"):
        return _NOTE  # A quotation ends where the one who quotes wants it to.
    return _NOTE if _leaves_out(whole[:start]) else 1.0


def _alike(whole: str, last: str) -> bool:
    """Say whether other lines end in the same sign that ends nothing: tables, music, paths."""
    final = last[-1:]
    if final not in "|/,:&" or "\n" not in whole:
        return final in "|/" and last.count(final) > 3
    lines = [line.rstrip() for line in whole.split("\n")[-40:-1] if line.strip()]
    same = sum(line.endswith(final) for line in lines)
    return same >= 2 and same * (3 if final in "|/:" else 1.25) >= len(lines)


def _labelled(last: str, words: list[str]) -> bool:
    """Say whether a line is a label with a short value: "Thus the answer is: True"."""
    if not _LABEL.match(last.strip()) or last.rstrip()[-1:] in ":：":
        return False
    value = re.split(r"[:：]", last)[-1].split()
    return len(value) <= 3 and len(words) <= 14


def _headline(words: list[str]) -> bool:
    """Say whether a line is written like a title."""
    if not 2 <= len(words) <= 14:
        return False
    long = [word for word in words if len(word) > 3 and word[0].isalpha()]
    return len(long) >= 2 and all(word[0].isupper() for word in long)


def _leaves_out(before: str) -> bool:
    """Say whether lines before end without a full stop where one could be."""
    lines = [line for line in before[-8000:].split("\n") if len(line.split()) >= 5]
    lines = [line for line in lines if not _TITLE.match(line) and "|" not in line][-14:]
    open_ones = sum(line.rstrip(_CLOSERS)[-1:] not in _ENDS for line in lines)
    return open_ones >= 1 and open_ones * 3 >= len(lines)
