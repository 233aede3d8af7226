"""A Hugging Face tokenizer out of the vocabulary that a GGUF carries.

transformers can build one too, but what it writes out for a byte-level BPE has
byte fallback and a sentencepiece-like decoder; llama.cpp's converter then takes
the vocabulary for sentencepiece, and llama.cpp aborts at the first word. Here the
tokenizer is put together from the GGUF's own tokens and merges, as its
pre-tokenizer's name demands.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BaseInvalid

if TYPE_CHECKING:
    from gguf import GGUFReader

# Token types of the GGUF specification.
CONTROL = 3
USER_DEFINED = 4


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a GGUF says about its tokenizer.

    ``tokens`` stand in the order of their ids; ``control`` and ``user_defined``
    are ids of tokens that are matched whole, before any splitting.
    """

    tokens: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    control: frozenset[int]
    user_defined: frozenset[int]
    pre: str
    bos: int | None
    eos: int | None
    unknown: int | None
    padding: int | None
    add_bos: bool
    chat_template: str
    context_length: int


def _strings(reader: GGUFReader, key: str) -> tuple[str, ...]:
    # Field.contents() takes 17 s for 49k tokens and 49k merges; the parts take 0.1 s.
    field = reader.fields.get(key)
    if field is None:
        return ()
    return tuple(bytes(field.parts[index]).decode("utf-8") for index in field.data)


def _integers(reader: GGUFReader, key: str) -> tuple[int, ...]:
    field = reader.fields.get(key)
    return () if field is None else tuple(int(field.parts[index][0]) for index in field.data)


def _scalar(reader: GGUFReader, key: str) -> Any:
    field = reader.fields.get(key)
    return None if field is None else field.contents()


def read_vocabulary(reader: GGUFReader) -> Vocabulary:
    """Read the tokenizer's part of a GGUF.

    Raises:
        BaseInvalid: The vocabulary is not a byte-level BPE, or is not whole.
    """
    prefix = "tokenizer.ggml."
    model = _scalar(reader, prefix + "model")
    if model != "gpt2":
        raise BaseInvalid(
            f"the GGUF's tokenizer is of the kind {model!r}; only byte-level BPE can be imported",
            hint="take the model's Hugging Face directory instead: finetui bases add PATH",
        )
    tokens = _strings(reader, prefix + "tokens")
    types = _integers(reader, prefix + "token_type")
    if not tokens or len(types) != len(tokens):
        raise BaseInvalid("the GGUF's vocabulary is not whole", hint="get the file again")
    architecture = _scalar(reader, "general.architecture")
    return Vocabulary(
        tokens=tokens,
        merges=tuple(_split_merge(merge) for merge in _strings(reader, prefix + "merges")),
        control=frozenset(index for index, kind in enumerate(types) if kind == CONTROL),
        user_defined=frozenset(index for index, kind in enumerate(types) if kind == USER_DEFINED),
        pre=str(_scalar(reader, prefix + "pre") or "default"),
        bos=_scalar(reader, prefix + "bos_token_id"),
        eos=_scalar(reader, prefix + "eos_token_id"),
        unknown=_scalar(reader, prefix + "unknown_token_id"),
        padding=_scalar(reader, prefix + "padding_token_id"),
        add_bos=bool(_scalar(reader, prefix + "add_bos_token")),
        chat_template=str(_scalar(reader, "tokenizer.chat_template") or ""),
        context_length=int(_scalar(reader, f"{architecture}.context_length") or 2048),
    )


def _split_merge(merge: str) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    return left, right


def _smollm() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    return Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )


def _gpt2() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel

    return ByteLevel(add_prefix_space=False, use_regex=True)


# The names are llama.cpp's (`tokenizer.ggml.pre`); others split differently.
_PRE_TOKENIZERS: dict[str, Callable[[], Any]] = {"smollm": _smollm, "gpt-2": _gpt2}


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """Return the text of a ``tokenizer.json`` that gives llama.cpp's ids.

    Raises:
        BaseInvalid: The pre-tokenizer is not one of those known here.
    """
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel
    from tokenizers.models import BPE

    if vocabulary.pre not in _PRE_TOKENIZERS:
        raise BaseInvalid(
            f"the GGUF's pre-tokenizer {vocabulary.pre!r} is not known",
            hint="take the model's Hugging Face directory instead: finetui bases add PATH",
        )
    ids = {token: index for index, token in enumerate(vocabulary.tokens)}
    bpe = BPE(vocab=ids, merges=list(vocabulary.merges), byte_fallback=False, fuse_unk=False)
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = _PRE_TOKENIZERS[vocabulary.pre]()
    tokenizer.decoder = ByteLevel()
    for index in sorted(vocabulary.control | vocabulary.user_defined):
        token = AddedToken(
            vocabulary.tokens[index], normalized=False, special=index in vocabulary.control
        )
        if index in vocabulary.control:
            tokenizer.add_special_tokens([token])
        else:
            tokenizer.add_tokens([token])
    return str(tokenizer.to_str(pretty=True))


def tokenizer_config(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the content of a ``tokenizer_config.json``.

    Raises:
        BaseInvalid: The GGUF names no end-of-sequence token, so that no answer would end.
    """
    if vocabulary.eos is None:
        raise BaseInvalid("the GGUF names no end-of-sequence token", hint="get another file")

    def name(index: int | None) -> str | None:
        return None if index is None else vocabulary.tokens[index]

    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": vocabulary.context_length,
        "clean_up_tokenization_spaces": False,
        "add_prefix_space": False,
        "add_bos_token": vocabulary.add_bos,
        "bos_token": name(vocabulary.bos),
        "eos_token": name(vocabulary.eos),
        "unk_token": name(vocabulary.unknown),
        "pad_token": name(vocabulary.padding),
        "chat_template": vocabulary.chat_template,
        "added_tokens_decoder": {
            str(index): {
                "content": vocabulary.tokens[index],
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": index in vocabulary.control,
            }
            for index in sorted(vocabulary.control | vocabulary.user_defined)
        },
    }


def to_json(value: dict[str, Any]) -> str:
    """Return the JSON text of a configuration file."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
