"""A model's tokenizer and chat template, loaded in a moment: no torch, no transformers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases.template import chat_template, read_json
from engine.errors import BaseInvalid, TemplateError
from engine.models import Turn
from engine.paths import shorten
from engine.tokens.template import ChatTemplate

if TYPE_CHECKING:
    import tokenizers

_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token")
# Words that no template contains, to see what a template does with them.
_PROBE = tuple(f"finetui-probe-{name}" for name in ("system", "first", "answer", "second"))


class Tokenizer:
    """Text to ids and back, and conversations to text.

    Args:
        backend: The tokenizer itself.
        template: Its chat template.
        eos_ids: Ids that end an answer, as the model's files name them.
    """

    def __init__(
        self, backend: tokenizers.Tokenizer, template: ChatTemplate, eos_ids: Iterable[int]
    ) -> None:
        backend.no_padding()
        backend.no_truncation()
        self._backend = backend
        self.chat = template
        self._eos_ids = frozenset(eos_ids)

    @classmethod
    def load(cls, base_dir: Path) -> Tokenizer:
        """Load the tokenizer of a Hugging Face directory.

        Raises:
            BaseInvalid: There is no readable ``tokenizer.json``.
            TemplateError: The chat template is not one.
        """
        from tokenizers import Tokenizer as Backend

        try:
            backend = Backend.from_file(str(base_dir / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception, whatever is wrong
            raise BaseInvalid(
                f"{shorten(base_dir)}/tokenizer.json can't be read: {error}",
                hint="get the file again",
            ) from error
        names = _special_tokens(base_dir)
        template = ChatTemplate(chat_template(base_dir), names)
        return cls(backend, template, _eos_ids(base_dir, backend, names.get("eos_token", "")))

    @property
    def template(self) -> str:
        """The Jinja text of the chat template."""
        return self.chat.source

    @property
    def size(self) -> int:
        """How many tokens there are, added ones included."""
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """Ids of control tokens: those that text should not be able to make."""
        added = self._backend.get_added_tokens_decoder()
        return frozenset(index for index, token in added.items() if token.special)

    @cached_property
    def _control_pattern(self) -> re.Pattern[str] | None:
        names = sorted((self.token(index) for index in self.control_ids), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, names))) if names else None

    def end_of_first_control(self, text: str) -> int:
        """Return where the first control token in a text ends; 0 where there is none."""
        match = self._control_pattern.search(text) if self._control_pattern else None
        return match.end() if match else 0

    @cached_property
    def eos_ids(self) -> frozenset[int]:
        """Ids that end an answer: those the model's files name, and its template's end of turn."""
        turns = [Turn("user", _PROBE[1]), Turn("assistant", _PROBE[2])]
        try:
            tail = self.chat.text(turns).rpartition(_PROBE[2])[2]
        except TemplateError:
            return self._eos_ids
        end_of_turn = next((i for i in self.encode(tail) if i in self.control_ids), None)
        return self._eos_ids if end_of_turn is None else self._eos_ids | {end_of_turn}

    @cached_property
    def folds_system(self) -> bool:
        """Whether a system message has to be put into the first question.

        So it is where the template refuses or drops system messages, or moves
        them to the last question, which would rewrite what came before.
        """
        system, first, answer, second = _PROBE
        turns = [Turn("system", system), Turn("user", first)]
        try:
            short = self.chat.text(turns)
            long = self.chat.text([*turns, Turn("assistant", answer), Turn("user", second)])
        except TemplateError:
            return True
        return system not in short or not 0 <= long.find(system) < long.find(first)

    def prepared(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Return the turns as the template gets them: system messages folded where need be."""
        turns = tuple(turns)
        if not (turns and turns[0].role == "system" and self.folds_system):
            return turns
        head, rest = turns[0], turns[1:]
        if not rest or rest[0].role != "user":
            return turns
        if not head.content.strip():
            return rest
        return (Turn("user", f"{head.content.strip()}\n\n{rest[0].content}"), *rest[1:])

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; control tokens in it are recognised, none is added.

        Raises:
            TemplateError: The text holds half of a surrogate pair.
        """
        return list(self._encoding(text).ids)

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return ids, and for each the half-open range of characters that it stands for.

        Raises:
            TemplateError: The text holds half of a surrogate pair.
        """
        encoding = self._encoding(text)
        return list(encoding.ids), [(start, end) for start, end in encoding.offsets]

    def _encoding(self, text: str) -> Any:
        try:
            return self._backend.encode(text, add_special_tokens=False)
        except TypeError as error:
            raise TemplateError(
                "the text holds half of a surrogate pair, which no tokenizer takes",
                hint="edit the example and remove the damaged character",
            ) from error

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, control tokens included."""
        return str(self._backend.decode(list(ids), skip_special_tokens=False))

    def token(self, index: int) -> str:
        """Return a token as it stands in the vocabulary."""
        return str(self._backend.id_to_token(index))


def _special_tokens(base_dir: Path) -> dict[str, str]:
    """Return the named special tokens; ``tokenizer_config.json`` wins over the older map."""
    found: dict[str, str] = {}
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        values = read_json(base_dir / file)
        for name in _NAMES:
            value = values.get(name)
            if isinstance(value, dict):
                value = value.get("content")
            if isinstance(value, str):
                found[name] = value
    return found


def _eos_ids(base_dir: Path, backend: tokenizers.Tokenizer, eos_token: str) -> set[int]:
    found: set[int] = set()
    for file in ("generation_config.json", "config.json"):
        value = read_json(base_dir / file).get("eos_token_id")
        for index in value if isinstance(value, list) else [value]:
            if isinstance(index, int):
                found.add(index)
    named = backend.token_to_id(eos_token) if eos_token else None
    return found if named is None else found | {named}
