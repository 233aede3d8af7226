"""What other programs have to add to a text, so that a model gets what it was trained on.

Training makes ids of the template's text alone: it adds no token in front or behind. A GGUF has
flags by which llama.cpp and what is built on it add some, and those of the base are about its
pretraining, not about this text.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens.tokenizer import Tokenizer

_PROBES = (
    (Turn("user", "A"),),
    (Turn("system", "B"), Turn("user", "A")),
    (Turn("user", "A"), Turn("assistant", "B"), Turn("user", "C")),
)
_SPACE = "\u2581"


@dataclass(frozen=True, slots=True)
class Additions:
    """What may be added to a text by who tokenises it.

    Attributes:
        bos: Whether a BOS token in front is what training saw. llama.cpp then takes the template's
            own from the text, so that there is one; where it is False the text has all.
        space_prefix: Whether a word that begins a text, or follows a control token, gets a space
            in front, as SentencePiece does; of no effect for byte-level vocabularies.
    """

    bos: bool
    space_prefix: bool


def additions(tokenizer: Tokenizer) -> Additions:
    """Return what is added to a text where a model gets the ids that it was trained on.

    Where training began some conversations with BOS and others not, the text alone is right.
    """
    texts = []
    for turns in _PROBES:
        try:
            texts.append(tokenizer.chat.text(tokenizer.prepared(turns), generation_prompt=True))
        except TemplateError:
            continue
    bos = tokenizer.bos_id
    begins = [tokenizer.encode(text)[:1] for text in texts]
    return Additions(
        bos=bos is not None and bool(begins) and all(ids == [bos] for ids in begins),
        space_prefix=_space_prefix(tokenizer, begins),
    )


def _space_prefix(tokenizer: Tokenizer, begins: list[list[int]]) -> bool:
    at_start = _spaced(tokenizer, "A", 0)
    control = next(iter(sorted(tokenizer.control_ids)), None)
    after = at_start if control is None else _spaced(tokenizer, f"{tokenizer.token(control)}A", 1)
    if at_start and not after:
        # Only the first word gets a space. llama.cpp has no such way: without a prefix it is right
        # for texts that begin with a control token, and with one for the rest.
        return not all(ids and ids[0] in tokenizer.control_ids for ids in begins)
    return after


def _spaced(tokenizer: Tokenizer, text: str, index: int) -> bool:
    ids = tokenizer.encode(text)
    return len(ids) > index and tokenizer.token(ids[index]).startswith(_SPACE)
