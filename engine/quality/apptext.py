"""What a chat app left in a text: marks that it draws as something else, and what lies elsewhere.

The readers take out the marks that are known (:mod:`engine.appmarks`). What is left is seen here:
characters that no font of a person's has, marks that came in another way, and short answers that
speak of a canvas, an artifact or a file instead of giving what was asked for. So the next mark that
an app invents is flagged before it is trained.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from engine.appmarks import marks_in, spoken_of
from engine.elsewhere import said_elsewhere
from engine.invisible import marks
from engine.models import Flag, Turn
from engine.quality.base import Finding

RULES = 2
"""Raised whenever the same turns may be flagged otherwise."""

MARK, OF_A_PERSON, ELSEWHERE = 0.9, 0.4, 0.7
"""How strong a flag is: in an answer, in the words of a person, by the words of an answer."""

_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd\ufffc]")
_TAGS = re.compile("[\U000e0001\U000e0020-\U000e007f]")
_NAMES = {
    "placeholder": "an app's placeholder for a block that it could not show",
    "directive": "a line with which an app begins or ends a card",
    "artifact": "an app's tag around a document",
    "chip": "an app's address for a document that is not in the text",
    "card": "an app's address for a card that is not in the text",
    "entity": "an app's mark around a name",
    "object": "an app's mark for pictures or a formula",
    "titled": "an app's mark around a title",
    "reflection": "a model's thoughts about what it searched",
    "link": "a link into an app's own sandbox",
    "image": "a picture in an app's own sandbox",
}
_CITED = "an app's mark for a cited source"
_LONGEST = 600
_DRAWN = re.compile(r"<canvas|getContext|canvas\.\w|tkinter|\bctx\b|```", re.IGNORECASE)


class AppTextCheck:
    """Looks for what an app left in the turns of a conversation.

    One flag for each code and turn, at the first place: "private-use", "tag-characters",
    "mark", "elsewhere".
    """

    name = "app-text"
    version = f"app text {RULES}"

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation. See :class:`engine.quality.base.Check`."""
        found: list[Flag] = []
        prompt = ""
        for index, turn in enumerate(turns):
            found += _flags(turn, index, prompt)
            if turn.role == "user":
                prompt = turn.content
        return Finding(tuple(found))


def _flags(turn: Turn, index: int, prompt: str) -> Iterator[Flag]:
    text = turn.content
    strong = MARK if turn.role == "assistant" else OF_A_PERSON
    if not text.isascii():
        yield from _characters(text, index, strong)
    # What the question speaks of may be answered with it.
    about = prompt if turn.role == "assistant" else text
    left = list(marks_in(text))
    if left:
        spoken = spoken_of(about)
        left = [mark for mark in left if mark[2] not in spoken]
    if left:
        start, end, kind = left[0]
        what = _NAMES.get(kind, _CITED)
        yield Flag("app-text", "mark", strong, what + _more(len(left)), index, start, end)
    if turn.role == "assistant" and len(text) < _LONGEST and not _DRAWN.search(f"{prompt}\n{text}"):
        said = said_elsewhere(text)
        if said:
            reason = (
                "the answer speaks of a canvas, a panel or a file; what it made may not be here"
            )
            yield Flag("app-text", "elsewhere", ELSEWHERE, reason, index, *said.span())


def _characters(text: str, index: int, strong: float) -> Iterator[Flag]:
    private = list(_PRIVATE.finditer(text))
    if private:
        first = private[0]
        names = list(dict.fromkeys(found[0] for found in private))
        shown = ", ".join(f"U+{ord(one):04X}" for one in names[:4])
        rest = ", …" if len(names) > 4 else ""
        several = f"{len(private):,} characters" if len(private) > 1 else "a character"
        reason = f"{several} without a meaning outside of an app or a font: {shown}{rest}"
        yield Flag("app-text", "private-use", strong, reason, index, *_run(text, first.start()))
    if _TAGS.search(text):
        # The tags of flags that are drawn are none.
        hidden = [mark for mark in marks(text) if _TAGS.search(text, mark.start, mark.end)]
        if hidden:
            reason = "tag characters, which nobody sees and a model reads" + _more(len(hidden))
            place = (hidden[0].start, hidden[0].end)
            yield Flag("app-text", "tag-characters", strong, reason, index, *place)


def _run(text: str, start: int) -> tuple[int, int]:
    end = start + 1
    while end < len(text) and unicodedata.category(text[end]) == "Co":
        end += 1
    return start, end


def _more(count: int) -> str:
    return "" if count == 1 else f", and {count - 1:,} more"
