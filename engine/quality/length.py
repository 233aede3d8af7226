"""Length in the base's own tokens: answers too short, cut off, or not trained at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from engine.errors import TemplateError
from engine.models import Flag, Turn
from engine.quality.base import Finding
from engine.tokens import Cost, Tokenizer, cost
from engine.tokens.thinking import split_thinking

_RULES = 1
MIN_TOKENS = 4
"""Answers of fewer tokens are flagged: "Yes." is two, "It depends." three."""

# A terse answer that is whole: one word, a number, a code, or something that ends as a sentence.
_WHOLE = re.compile(r"\S+|.*[.!?…。！？؟।)\]}\"'”»`]", re.DOTALL)
_TERSE, _BROKEN, _EMPTY = 0.2, 0.6, 1.0


class LengthCheck:
    """Looks at the length of a conversation and of its answers, as the base's tokens.

    Args:
        base_dir: The base's folder, whose tokenizer is read when it is first needed.
        tokenizer: A tokenizer that is there already, in its place.
        template: Another chat template than the base's; see :meth:`Tokenizer.load`.
        system_prompt: Put before conversations without a system message, as a freeze does.
        max_length: The longest sequence, in tokens; None or 0 cuts nothing off.
        min_tokens: Answers of fewer tokens are flagged.
    """

    name = "length"

    def __init__(
        self,
        *,
        base_dir: Path | None = None,
        tokenizer: Tokenizer | None = None,
        template: str = "",
        system_prompt: str = "",
        max_length: int | None = None,
        min_tokens: int = MIN_TOKENS,
    ) -> None:
        if (base_dir is None) == (tokenizer is None):
            raise ValueError("give a base's folder or a tokenizer")
        self._base_dir = base_dir
        self._given = tokenizer
        self._template = template
        self._system_prompt = system_prompt.strip()
        self._max_length = max_length or None
        self._min_tokens = min_tokens

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        if self._given is not None:
            return self._given
        assert self._base_dir is not None
        # Reads some megabytes of JSON: 0.1 to 0.5 s.
        return Tokenizer.load(self._base_dir, template=self._template)

    @property
    def version(self) -> str:
        """What changes with what it finds.

        Raises:
            BaseInvalid: The base's tokenizer can't be read.
            TemplateError: Its chat template can't.
        """
        longest = self._max_length or 0
        prompt = blake2b(self._system_prompt.encode("utf-8", "backslashreplace"), digest_size=4)
        parts = (_RULES, self._tokenizer.fingerprint[:16], longest, self._min_tokens)
        return ".".join(map(str, (*parts, prompt.hexdigest())))

    def look(self, turns: Sequence[Turn]) -> Finding:
        """Look at a conversation.

        A conversation that the template can't render is flagged "template", with the reason:
        it would be refused by a freeze, and a person can mend it.
        """
        added = bool(self._system_prompt) and not any(turn.role == "system" for turn in turns)
        row = (Turn("system", self._system_prompt), *turns) if added else tuple(turns)
        try:
            found = cost(self._tokenizer, row, max_length=self._max_length)
            flags = [*self._short(turns), *self._lost(found, int(added))]
        except TemplateError as error:
            return Finding((Flag("length", "template", 1.0, error.message),))
        measures = {
            "tokens": float(found.tokens),
            "trained": float(found.trained - found.lost),
            "cut": float(found.cut),
        }
        return Finding(tuple(flags), measures)

    def _short(self, turns: Sequence[Turn]) -> Iterator[Flag]:
        for index, turn in enumerate(turns):
            if turn.role != "assistant":
                continue
            answer = split_thinking(turn.content)[1].strip()
            # A token is at most a few dozen characters in any vocabulary.
            if len(answer) > 100 * self._min_tokens:
                continue
            tokens = len(self._tokenizer.encode(answer))
            if tokens >= self._min_tokens:
                continue
            whole = bool(_WHOLE.fullmatch(answer))
            score = _EMPTY if not answer else _TERSE if whole else _BROKEN
            words = "the answer is empty" if not answer else f"the answer is {_tokens(tokens)} long"
            yield Flag("length", "too-short", score, words, turn=index)

    def _lost(self, found: Cost, added: int) -> Iterator[Flag]:
        if found.trained == found.lost:
            reason = (
                f"what comes before the answer fills all {self._max_length:,} tokens"
                if found.lost
                else "it has no answer that would be trained"
            )
            yield Flag("length", "zero-trained", 1.0, reason)
        for loss in found.losses:
            share = loss.tokens / found.trained
            reason = (
                f"{_tokens(loss.tokens)} of the answer, {share:.0%} of what would be trained, "
                f"would be cut off at {self._max_length:,}"
            )
            where = (loss.turn - added, loss.start, loss.end)
            yield Flag("length", "cut-off", max(0.01, share), reason, *where)


def _tokens(number: int) -> str:
    return f"{number:,} token" if number == 1 else f"{number:,} tokens"
