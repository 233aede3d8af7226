"""What of a conversation is compared, and when two texts are the same text."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from engine.models import Turn

VERSION = 1
"""Raised when the same text gets another normal form, key or signature."""

_BREAK = "\n\n"

# Typographic variants of one sign; and the Romanian letters that old keyboards wrote with
# a cedilla, which compatibility forms don't unite.
_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ`´′", "'"),
        **dict.fromkeys("“”„‟«»‹›″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "ş": "ș",
        "ţ": "ț",
        "\u00ad": None,  # soft hyphen
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", None),
    }
)
# What is left of a text that isn't one: C0 and C1 controls, lone surrogates, noncharacters.
_JUNK = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff\ufffd]+")
_SPACE = re.compile(r"\s+")
# Sentence signs count only inside a word: "3.5" is not "35", and "a:b" not "ab".
_EDGE = re.compile(r"[\"'.,;:!?¿¡、。,;:!?]+(?=\s|$)|(?<!\S)[\"'.,;:!?¿¡]+")
# A run of marks on one letter is sorted by an algorithm that is quadratic in its length.
_RUN = re.compile(r"([^\w\s\x00-\x7f]{64})")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass(frozen=True, slots=True)
class TextPair:
    """The two sides of an example; either may be empty."""

    prompt: str
    answer: str


def parts(turns: Sequence[Turn]) -> TextPair:
    """Return what is asked in a conversation, and what is answered.

    The prompt is all that the person and tools say, the answer all that the assistant
    says. A system message is no part of either, since whole sets share one; it is the
    prompt only where nobody else asks.
    """
    asked = [turn.content for turn in turns if turn.role in ("user", "tool")]
    if not any(text.strip() for text in asked):
        asked = [turn.content for turn in turns if turn.role == "system"]
    answered = [turn.content for turn in turns if turn.role == "assistant"]
    return TextPair(_BREAK.join(asked), _BREAK.join(answered))


def normal_form(text: str) -> str:
    """Return what exact and near-exact copies of a text have in common.

    Compatibility forms (NFKC) and case are folded; typographic quotes and dashes become
    plain ones, cedillas of Romanian letters commas; invisible and control characters go;
    white space becomes one space; sentence signs at a word's edge go. Accents, digits,
    signs inside words, brackets and operators stay, as they change what is said.
    Time is linear in the text's length.
    """
    text = _JUNK.sub(" ", text)
    if text.isascii():
        text = text.lower().replace("`", "'")
    else:
        text = _RUN.sub(r"\1 ", text)
        text = unicodedata.normalize("NFKC", text).casefold().translate(_VARIANTS)
        # Folding may leave a letter and its mark apart.
        text = unicodedata.normalize("NFKC", text).translate(_VARIANTS)
    text = _EDGE.sub(" ", text)
    return _SPACE.sub(" ", text).strip()


def key_of(normal: str) -> bytes:
    """Return the key of a normal form, 16 bytes of BLAKE2b; empty for an empty one."""
    if not normal:
        return b""
    return hashlib.blake2b(normal.encode("utf-8", "replace"), digest_size=16).digest()


def signature(normal: str) -> int:
    """Return what stands for the numbers in a normal form: 0 for none, else 63 bits of a hash.

    Order and repetition don't count.
    """
    found = sorted(set(_NUMBER.findall(normal)))
    if not found:
        return 0
    digest = hashlib.blake2b("\n".join(found).encode("utf-8", "replace"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 1) or 1
