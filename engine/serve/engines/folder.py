"""A model in Hugging Face's form that answers through transformers. Runs in a child only."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from engine.errors import TemplateError
from engine.models import Turn
from engine.serve.engines.shapes import read_json
from engine.serve.generation import Clock, Piece, StopScanner
from engine.serve.protocol import BadRequest, Sampling, check_ids
from engine.tokens import Tokenizer, additions

_BROKEN = "\ufffd"
_CHARACTER_BYTES = 4  # at most, in UTF-8
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class FolderModel:
    """A causal model with a key-value cache; its methods are for one thread at a time.

    Args:
        path: The model's folder.
        adapter: A peft adapter's folder over it; None for none.
        tokenizer_dir: Whose chat template and end tokens hold; the model's folder by default.
        context: The context window in tokens; what the model was trained for, if that is less.
        threads: Threads for computing.
        gpu: Whether it goes to a GPU where there is one.

    Raises:
        OSError, ValueError: The folder can't be loaded.
    """

    def __init__(
        self,
        path: Path,
        adapter: Path | None,
        tokenizer_dir: Path | None,
        *,
        context: int,
        threads: int,
        gpu: bool,
    ) -> None:
        import tokenizers
        import torch  # Seconds, with transformers.
        from transformers import AutoModelForCausalLM

        self._torch = torch
        torch.set_num_threads(threads)
        self._device = "cuda" if gpu and torch.cuda.is_available() else "cpu"
        # A processor computes in 32 bits what it was not given; most are slower in 16.
        dtype = "auto" if self._device == "cuda" else torch.float32
        model: Any = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype, local_files_only=True, trust_remote_code=False
        )
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
        self._model = model.to(self._device).eval()
        config = self._model.config.get_text_config()
        self.context = min(context, getattr(config, "max_position_embeddings", None) or context)
        self.vocabulary = int(config.vocab_size)
        folder = tokenizer_dir or path
        self._tokenizer = Tokenizer.load(folder)
        self._backend = tokenizers.Tokenizer.from_buffer((folder / "tokenizer.json").read_bytes())
        self._ends = self._tokenizer.eos_ids | _ids(self._model.generation_config.eos_token_id)
        self._bos = self._tokenizer.bos_id if self._adds_bos(folder) else None

    def warm_up(self) -> None:
        """Compute once, so that a model that breaks later breaks now."""
        self._read(list(self.tokenise("Warm up: é 12")) or [0], None)

    def _adds_bos(self, folder: Path) -> bool:
        """Return whether a text gets a BOS token: as in the GGUF that an export makes of this."""
        bos = self._tokenizer.bos_id
        if bos is None or not additions(self._tokenizer).bos:
            return False
        said = (read_json(folder / "tokenizer_config.json") or {}).get("add_bos_token")
        return bool(self._backend.encode("A").ids[0] == bos if said is None else said)

    def tokenise(self, text: str, *, special: bool = True) -> tuple[int, ...]:
        """Return the token ids of a text; nothing is added at its ends."""
        try:
            return tuple(self._tokenizer.encode(text))
        except TemplateError as error:
            raise BadRequest(error.message) from error

    def prompt(self, text: str) -> tuple[int, ...]:
        """Return the ids of a prompt, with a BOS token in front where one is added."""
        ids = self.tokenise(text)
        if self._bos is None or ids[:1] == (self._bos,):
            return ids
        return (self._bos, *ids)

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return messages in the model's chat template, with the generation prompt."""
        turns = [Turn(role=item["role"], content=item["content"]) for item in messages]  # type: ignore[arg-type]
        try:
            prepared = self._tokenizer.prepared(turns)
            return self._tokenizer.chat.text(prepared, generation_prompt=True)
        except TemplateError as error:
            raise BadRequest(error.message, "template") from error

    def answer(
        self, ids: Sequence[int], how: Sampling, cancelled: threading.Event
    ) -> Iterator[Piece]:
        """Yield an answer in pieces as its tokens come; the last piece has the timings.

        Raises:
            BadRequest: The prompt does not fit, or has ids that the vocabulary lacks.
        """
        check_ids(ids, self.context, self.vocabulary)
        limit = min(how.max_tokens, self.context - len(ids))
        clock, scanner, text = Clock(len(ids)), StopScanner(how.stop), Text(self._backend)
        reason: Literal["stop", "length", "cancelled"] = "cancelled"
        for token in self._tokens(list(ids), how, cancelled):
            if token in how.stop_token_ids or token in self._ends:
                clock.tick(counted=False)
                reason = "stop"
                break
            clock.tick()
            if shown := scanner.feed(text.add(token)):
                yield Piece(shown)
            if scanner.stopped or clock.tokens >= limit:
                reason = "stop" if scanner.stopped else "length"
                break
        rest = "" if scanner.stopped else scanner.feed(text.rest()) + scanner.rest()
        yield Piece(rest, reason, clock.timings())

    def _tokens(self, ids: list[int], how: Sampling, cancelled: threading.Event) -> Iterator[int]:
        generator = self._torch.Generator(self._device).manual_seed(how.seed)
        choose = Choice(how, generator)
        cache, seen, unread = None, list(ids), ids
        while not cancelled.is_set():
            logits, cache = self._read(unread, cache)
            token = choose(logits, seen)
            yield token
            seen.append(token)
            unread = [token]

    def _read(self, ids: list[int], cache: Any) -> tuple[Any, Any]:
        """Read ids after what the cache holds, and return the logits after the last, in fp32."""
        with self._torch.inference_mode():
            given = self._torch.tensor([ids], device=self._device)
            out = self._model(
                input_ids=given, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
            return out.logits[0, -1].float(), out.past_key_values


class Choice:
    """Draws a token as llama.cpp does: penalty, then top-k, top-p, min-p, temperature.

    Args:
        how: Sampling; its seed is not used.
        generator: Where randomness comes from, a ``torch.Generator``.
    """

    def __init__(self, how: Sampling, generator: Any) -> None:
        self._how, self._generator = how, generator

    def __call__(self, logits: Any, seen: Sequence[int]) -> int:
        """Return a token for logits of shape (vocabulary,), after the tokens seen so far."""
        logits = self._penalised(logits, seen)
        if self._how.temperature == 0:
            return int(logits.argmax())
        indices, weights = self.candidates(logits)
        return int(indices[weights.multinomial(1, generator=self._generator)])

    def candidates(self, logits: Any) -> tuple[Any, Any]:
        """Return the tokens that may be drawn, the likeliest first, and their probabilities."""
        how = self._how
        kept = min(how.top_k, len(logits)) if how.top_k else len(logits)
        values, indices = logits.topk(kept)
        shares = values.softmax(-1)
        # The token that crosses top_p is kept; what comes after it is not.
        keep = shares.cumsum(-1) - shares < how.top_p
        keep &= shares >= how.min_p * shares[0]
        keep[0] = True
        return indices[keep], (values[keep] / how.temperature).softmax(-1)

    def _penalised(self, logits: Any, seen: Sequence[int]) -> Any:
        penalty = self._how.repeat_penalty
        if penalty == 1.0:
            return logits
        last = logits.new_tensor(sorted(set(seen[-_PENALTY_TOKENS:]))).long()
        some = logits[last]
        return logits.index_copy(0, last, (some / penalty).where(some > 0, some * penalty))


_PENALTY_TOKENS = 64
"""How many tokens the repeat penalty looks at, as in llama.cpp."""


class Text:
    """An answer's text as its tokens come, never a part of a character.

    Args:
        backend: A ``tokenizers.Tokenizer``.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._ids: list[int] = []
        self._start = 0  # of the ids whose text is not settled
        self._shown = ""  # of the text from there on
        decoder = backend.decoder
        self._byte_level = decoder is not None and b'"ByteLevel"' in decoder.__getstate__()
        added = backend.get_added_tokens_decoder()
        self._special = frozenset(index for index, token in added.items() if token.special)

    def add(self, token: int) -> str:
        """Take a token and return the text that is whole with it."""
        self._ids.append(token)
        text = self._decode(self._ids[self._start :])
        if text.endswith(_BROKEN):
            return ""
        new = text[len(self._shown) :]
        # What a token's text is may depend on the one before, by a space in front of words, and
        # a byte's on those that it makes a character with.
        first = max(self._start, len(self._ids) - _CHARACTER_BYTES)
        for start in range(len(self._ids) - 1, first - 1, -1):
            self._start, self._shown = start, self._decode(self._ids[start:])
            if not self._shown.startswith(_BROKEN):
                break
        return new

    def rest(self) -> str:
        """Return what was held back, without a character that is not whole yet.

        A U+FFFD that the model wrote is a character like any other.
        """
        ids = self._ids[self._start :]
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in ids:
            decoder.decode(self._bytes(token))
        begun = len(decoder.getstate()[0])
        while begun and (length := len(self._bytes(ids[-1]))) <= begun:
            ids.pop()
            begun -= length
        text = self._decode(ids)
        return (text.removesuffix(_BROKEN) if begun else text)[len(self._shown) :]

    def _decode(self, ids: list[int]) -> str:
        return str(self._backend.decode(ids, skip_special_tokens=True))

    def _bytes(self, token: int) -> bytes:
        """Return the bytes that a token stands for; none for a special one."""
        name = self._backend.id_to_token(token)
        if name is None or token in self._special:
            return b""
        if self._byte_level and _BYTES.keys() >= set(name):
            return bytes(_BYTES[char] for char in name)
        if not self._byte_level and (byte := _BYTE.fullmatch(name)):
            return bytes([int(byte[1], 16)])
        return str(name).encode("utf-8", "replace")


def _alphabet() -> dict[str, int]:
    """Return the byte of each character in byte-level names of tokens.

    After ``bytes_to_unicode`` of https://github.com/openai/gpt-2/blob/master/src/encoder.py: what
    can be printed is itself, and the others are numbered from 256 on.
    """
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = sorted(set(range(256)) - set(own))
    return {chr(byte): byte for byte in own} | {
        chr(256 + index): byte for index, byte in enumerate(others)
    }


_BYTES = _alphabet()


def _ids(value: Any) -> frozenset[int]:
    if value is None:
        return frozenset()
    return frozenset(value if isinstance(value, list | tuple) else (value,))
