"""A model's tokenizer and chat template, loaded in a moment: no torch, no transformers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases.template import chat_template, read_json
from engine.errors import BaseInvalid, TemplateError
from engine.models import Turn
from engine.paths import shorten
from engine.tokens import shipped
from engine.tokens.pinned import folding, pinned
from engine.tokens.template import ChatTemplate

if TYPE_CHECKING:
    import tokenizers

_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token")
# Words that no template contains, to see what a template does with them.
_PROBE = tuple(f"finetui-probe-{name}" for name in ("system", "first", "answer", "second"))


@dataclass(frozen=True, slots=True)
class TurnEnds:
    """What a template writes after answers.

    Args:
        last_tail: All that follows a conversation's last answer.
        last_ending: The part of it that the model writes.
        ending: The part of what follows an earlier answer that the model writes.
    """

    last_tail: str
    last_ending: str
    ending: str


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
    def load(cls, base_dir: Path, *, template: str = "") -> Tokenizer:
        """Load the tokenizer of a Hugging Face directory.

        Args:
            base_dir: The directory.
            template: The name of a template that finetui ships, or the path of one, in place
                of the base's own; empty takes the base's.

        Raises:
            BaseInvalid: There is no readable ``tokenizer.json``.
            TemplateError: The chat template is not one, or not one for this vocabulary.
        """
        from tokenizers import Tokenizer as Backend

        try:
            # Not by its name, which the library takes as UTF-8 alone.
            backend = Backend.from_buffer((base_dir / "tokenizer.json").read_bytes())
        except Exception as error:  # the library raises bare Exception, whatever is wrong
            raise BaseInvalid(
                f"{shorten(base_dir)}/tokenizer.json can't be read: {error}",
                hint="get the file again",
            ) from error
        names = _special_tokens(base_dir)
        source = shipped.template_text(template) if template else chat_template(base_dir)
        if template:
            _require_control(backend, template, source, names)
        chat = ChatTemplate(source, names)
        return cls(backend, chat, _eos_ids(base_dir, backend, names.get("eos_token", "")))

    @property
    def template(self) -> str:
        """The Jinja text of the chat template."""
        return self.chat.source

    @cached_property
    def exported_template(self) -> str:
        """The Jinja text that a GGUF carries; see :mod:`engine.tokens.pinned`."""
        template = pinned(self.chat.source, self.chat.special_tokens)
        return folding(template) if self.folds_system else template

    @cached_property
    def fingerprint(self) -> str:
        """A hash that changes when a conversation may become other tokens."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self._backend.to_str(), self.chat.source, *self.chat.named_tokens):
            digest.update(part.encode("utf-8", "backslashreplace") + b"\0")
        digest.update(str(sorted(self._eos_ids)).encode())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """How many tokens there are, added ones included."""
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    @cached_property
    def bos_id(self) -> int | None:
        """The id of the token that begins a text; None where the base's files name none."""
        index = self._backend.token_to_id(self.chat.bos_token) if self.chat.bos_token else None
        return None if index is None else int(index)

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """Ids of control tokens: those that text should not be able to make."""
        added = self._backend.get_added_tokens_decoder()
        return frozenset(index for index, token in added.items() if token.special)

    @cached_property
    def _control_pattern(self) -> re.Pattern[str] | None:
        names = sorted((self.token(index) for index in self.control_ids), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, names))) if names else None

    @cached_property
    def splits_anywhere(self) -> bool:
        """Whether a text may be tokenised in parts: nothing is put before its first word."""
        return not any("\u2581" in token for token in self._encoding("A").tokens)

    def last_control_before(self, text: str, end: int) -> int:
        """Return where the last control token before a place begins; 0 where there is none."""
        if self._control_pattern is None:
            return 0
        # Nearly always it stands in the header of an answer.
        for start in (max(0, end - 200), 0):
            found = [match.start() for match in self._control_pattern.finditer(text, start, end)]
            if found:
                return found[-1]
        return 0

    def end_of_turn(self, tail: str) -> int:
        """Return how much of what follows an answer the model has to write itself.

        That is everything up to the first control token; the newline after it is the
        template's. Where more control tokens follow at once and one of them ends the
        model's text, it is everything up to that one. Where there is no control token, it
        is the text without the white space at its end, and where there is only white
        space, that ends the turn.
        """
        first = self._control_pattern.search(tail) if self._control_pattern else None
        if first is None or self._control_pattern is None:
            return len(tail.rstrip()) or len(tail)
        match: re.Match[str] | None = first
        while match is not None:
            if self._backend.token_to_id(match[0]) in self._eos_ids:
                return match.end()
            match = self._control_pattern.match(tail, match.end())
        return first.end()

    @cached_property
    def form(self) -> TurnEnds:
        """What the template writes after answers."""
        _, first, answer, second = _PROBE
        turns = [Turn("user", first), Turn("assistant", answer)]
        try:
            tail = self.chat.text(turns).rpartition(answer)[2]
        except TemplateError:
            return TurnEnds("", "", "")
        last = tail[: self.end_of_turn(tail)]
        try:
            text = self.chat.text([*turns, Turn("user", second)])
        except TemplateError:
            return TurnEnds(tail, last, last)
        between = text.partition(answer)[2].partition(second)[0]
        control = self._control_pattern.search(between) if self._control_pattern else None
        # A control token right after an answer ends it, unless it begins the next question.
        if control is not None and not between[: control.start()].strip():
            end = self.end_of_turn(between)
            if between[end:].strip():
                return TurnEnds(tail, last, between[:end])
        same = takewhile(lambda pair: pair[0] == pair[1], zip(tail, between, strict=False))
        common = "".join(character for character, _ in same)
        return TurnEnds(tail, last, common.rstrip() or common)

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
    def header(self) -> tuple[str, str]:
        """What stands before an earlier answer: masked, and what the model writes before it.

        Both are empty where the template does not write a finished answer as the
        continuation of its prompt, or opens a thinking part in that.
        """
        _, first, answer, second = _PROBE
        question = Turn("user", first)
        try:
            prompt = self.chat.text([question], generation_prompt=True)
            text = self.chat.text([question, Turn("assistant", answer), Turn("user", second)])
        except TemplateError:
            return "", ""
        lead, found, _ = text.removeprefix(prompt).partition(answer)
        if not (text.startswith(prompt) and found):
            return "", ""
        return prompt.rpartition(first)[2], lead

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


def _require_control(
    backend: tokenizers.Tokenizer, name: str, source: str, names: dict[str, str]
) -> None:
    """Require that the control tokens of a template are some of the vocabulary's."""
    missing = [t for t in shipped.control_tokens(source) if backend.token_to_id(t) is None]
    missing += [
        named for named in ("bos_token", "eos_token") if named in source and named not in names
    ]
    # A template may do without a token at the start; the end of a text has to be told.
    missing = [token for token in missing if token != "bos_token"]
    if missing:
        raise TemplateError(
            f"the chat template {name} needs {', '.join(missing[:3])}, "
            "which the base's vocabulary has not",
            hint="choose a template of the base's family, or plain text: instruction",
        )


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
