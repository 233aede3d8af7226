"""Finding tokens of the forms that their vendors document.

A token is looked for where text without a space is long enough to hold one, and only the
forms whose marks stand there are tried: most of a text is passed over at the speed of one
simple pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from engine.quality.secrets.forms import Form, forms
from engine.quality.secrets.plausible import is_drawn, is_dummy
from engine.quality.secrets.spans import Candidate

_RUN = re.compile(r"[!-~]{15,}")
_VALUE = re.compile(r"[A-Za-z0-9+/_=.:~-]{15,}")
_DIGIT = re.compile("[0-9]")


@cache
def _by_anchor(*, near: bool) -> tuple[tuple[str, tuple[Form, ...]], ...]:
    """Return forms by what they are found by."""
    wanted = [form for form in forms() if form.near == near]
    anchors = dict.fromkeys(anchor for form in wanted for anchor in form.anchors)
    return tuple((one, tuple(form for form in wanted if one in form.anchors)) for one in anchors)


# In a signed URL, or its header, the key's id says who signed; it opens nothing.
_SIGNED_BY = re.compile(
    r"(?:Credential(?:=|%3D)|[?&](?:AWSAccessKeyId|GoogleAccessId|OSSAccessKeyId|Key-Pair-Id)=)\Z",
    re.IGNORECASE,
)
_HASH = re.compile(
    r"commit|checksum|digest|\bhash|md5|sha-?\d|revision|\brev\b|etag|integrity|fingerprint"
    r"|public.?key|https?:",
    re.IGNORECASE,
)
# The only token that is written with a space in it.
_FLY = "FlyV1 "
_MOST_HITS = 200


def find_tokens(window: str, offset: int, text: str) -> Iterator[Candidate]:
    """Yield the tokens in a window of text, with places in the whole text.

    Args:
        window: The window.
        offset: Where it begins in the text.
        text: The whole text, in which a token goes on that the window's end cuts.
    """
    runs = [match.span() for match in _RUN.finditer(window)]
    if not runs:
        return
    # What is looked for 500 times is the long words alone, which in prose are few.
    words = "\n".join([window[start:end] for start, end in runs])
    marks = [pair for pair in _by_anchor(near=False) if pair[0] in words]
    for start, end in runs if marks else ():
        run = window[start:end]
        found = [some for anchor, some in marks if anchor in run]
        for form in dict.fromkeys(chain.from_iterable(found)):
            yield from _found(form, offset + start, offset + end, text)
    if not any(map(_DIGIT.search, _VALUE.findall(words))):
        return
    lowered = _lowered(window)
    for name, there in [pair for pair in _by_anchor(near=True) if pair[0] in lowered]:
        for form in there:
            yield from _found_near(form, name, window, lowered, offset)


def _found(form: Form, start: int, end: int, text: str) -> Iterator[Candidate]:
    for fit in form.pattern.finditer(text, start, end):
        # At the end of a window the token may go on.
        match = form.pattern.match(text, fit.start()) if fit.end() == end < len(text) else fit
        if text[fit.start() - 1 : fit.start()] == "\\":
            # What looks like its first character may belong to an escaped line end.
            later = form.pattern.match(text, fit.start() + 1)
            match = later if later and later.end() == fit.end() else match
        first, last = (match or fit).span("value" if form.pattern.groups else 0)
        while text[last - 1] == ".":
            last -= 1
        if text[first - 1 : first] == "_" and text[last - 1] == "_":
            last -= 1  # emphasis in Markdown
        value = text[first:last]
        if text.startswith(_FLY, max(0, first - len(_FLY))):
            first -= len(_FLY)
        if _is_real(form, value) and not _SIGNED_BY.search(text, max(0, first - 60), first):
            yield Candidate(first, last, form.code, 0.95, 1)


def _found_near(
    form: Form, name: str, window: str, lowered: str, offset: int
) -> Iterator[Candidate]:
    at, hits = lowered.find(name), 0
    while at >= 0 and hits < _MOST_HITS:
        match = form.pattern.match(window, at)
        if match is not None:
            value, between = match["value"], window[at : match.start("value")]
            drawn = _DIGIT.search(value) is not None or is_drawn(value)
            if drawn and _is_real(form, value) and not _HASH.search(between):
                start, end = match.span("value")
                yield Candidate(offset + start, offset + end, form.code, 0.8, 5)
        at, hits = lowered.find(name, at + len(name)), hits + 1


def _is_real(form: Form, value: str) -> bool:
    body = value[form.fixed :]
    if is_dummy(body):
        return False
    return not form.drawn or is_drawn(body)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lowered(window: str) -> str:
    """Return a window in lower case, as long as it was: some letters have longer ones."""
    lowered = window.lower()
    return lowered if len(lowered) == len(window) else window.translate(_ASCII_LOWER)
