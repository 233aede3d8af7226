"""Finding tokens of the forms that their vendors document.

A token is looked for where text without a space is long enough to hold one, and only the
forms whose marks stand there are tried: most of a text is passed over at the speed of one
simple pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from engine.quality.secrets.forms import FORMS, Form
from engine.quality.secrets.plausible import is_drawn, is_dummy
from engine.quality.secrets.spans import Candidate

_RUN = re.compile(r"[!-~]{15,}")


def _by_anchor(*, near: bool) -> tuple[tuple[str, tuple[Form, ...]], ...]:
    """Return forms by what they are found by."""
    anchors = dict.fromkeys(a for form in FORMS if form.near == near for a in form.anchors)
    return tuple(
        (one, tuple(form for form in FORMS if form.near == near and one in form.anchors))
        for one in anchors
    )


_BY_THEMSELVES = _by_anchor(near=False)
_NEAR = _by_anchor(near=True)
# In a signed URL, or its header, the key's id says who signed; it opens nothing.
_SIGNED_BY = re.compile(
    r"(?:Credential(?:=|%3D)|[?&](?:AWSAccessKeyId|GoogleAccessId|OSSAccessKeyId|Key-Pair-Id)=)\Z",
    re.IGNORECASE,
)
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
    for start, end in runs:
        run = window[start:end]
        there = [forms for anchor, forms in _BY_THEMSELVES if anchor in run]
        for form in dict.fromkeys(chain.from_iterable(there)):
            yield from _found(form, offset + start, offset + end, text)
    lowered = _lowered(window)
    for name, forms in [(name, forms) for name, forms in _NEAR if name in lowered]:
        for form in forms:
            yield from _found_near(form, name, window, lowered, offset)


def _found(form: Form, start: int, end: int, text: str) -> Iterator[Candidate]:
    for fit in form.pattern.finditer(text, start, end):
        # At the end of a window the token may go on.
        match = form.pattern.match(text, fit.start()) if fit.end() == end < len(text) else fit
        first, last = (match or fit).span("value" if form.pattern.groups else 0)
        while text[last - 1] == ".":
            last -= 1
        if text[first - 1 : first] == "_" and text[last - 1] == "_":
            last -= 1  # emphasis in Markdown
        value = text[first:last]
        if _is_real(form, value) and not _SIGNED_BY.search(text, max(0, first - 60), first):
            yield Candidate(first, last, form.code, 0.95, 1)


def _found_near(
    form: Form, name: str, window: str, lowered: str, offset: int
) -> Iterator[Candidate]:
    at, hits = lowered.find(name), 0
    while at >= 0 and hits < _MOST_HITS:
        match = form.pattern.match(window, at)
        if match is not None:
            value = match["value"]
            if _is_real(form, value) and any(c.isdigit() for c in value):
                start, end = match.span("value")
                yield Candidate(offset + start, offset + end, form.code, 0.8, 5)
        at, hits = lowered.find(name, at + len(name)), hits + 1


def _is_real(form: Form, value: str) -> bool:
    body = value[form.fixed :]
    if is_dummy(body):
        return False
    return form.proof == "form" or is_drawn(body)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lowered(window: str) -> str:
    """Return a window in lower case, as long as it was: some letters have longer ones."""
    lowered = window.lower()
    return lowered if len(lowered) == len(window) else window.translate(_ASCII_LOWER)
