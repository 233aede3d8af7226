"""A random model with a vocabulary in SentencePiece's form, as Zephyr's and Llama 2's are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZEPHYR = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token }}"
    "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
    "{% endfor %}"
)
_LINES = (
    "Kettle 12 wants vinegar in spring and rest in winter.",
    "What of kettle 3?",
    "The cat sat on the mat and was happy, 1999.",
    "user assistant system",
    "România, șapte 東京 naïve café",
)
_SPECIAL = ("<unk>", "<s>", "</s>")
PREPEND = {"type": "Prepend", "prepend": "▁"}
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
FIRST = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}


def make_spm_model(
    folder: Path,
    *,
    template: str = ZEPHYR,
    config: Mapping[str, Any] | None = None,
    first_word_alone: bool = False,
) -> Path:
    """Write a two-layer Llama whose tokenizer puts BOS in front of a text by itself.

    Args:
        folder: Where the model is written; it is made.
        template: Its chat template.
        config: Values over those of ``tokenizer_config.json``; None takes one out.
        first_word_alone: Whether only a text's first word gets a space in front, as with
            ``legacy=False``, in place of every word after a control token.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    backend = _backend(first_word_alone)
    (folder / "tokenizer.json").write_text(json.dumps(backend), "utf-8")
    values: dict[str, Any] = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "</s>",
        "add_bos_token": True,
        "add_eos_token": False,
        "legacy": not first_word_alone,
        "model_max_length": 512,
        "chat_template": template,
        **(config or {}),
    }
    values = {name: value for name, value in values.items() if value is not None}
    (folder / "tokenizer_config.json").write_text(json.dumps(values), "utf-8")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(backend["model"]["vocab"]),
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=512,
                tie_word_embeddings=True,
                bos_token_id=1,
                eos_token_id=2,
                pad_token_id=2,
            )
        )
    model.save_pretrained(folder)
    return folder


def _backend(first_word_alone: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.train_from_iterator(
        list(_LINES) * 5,
        trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=[*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))],
            show_progress=False,
        ),
    )
    made = json.loads(tokenizer.to_str())
    made["added_tokens"] = [token for token in made["added_tokens"] if token["content"] in _SPECIAL]
    made["post_processor"] = _BOS_IN_FRONT
    if first_word_alone:
        made["normalizer"], made["pre_tokenizer"] = None, FIRST
    return made


_BOS = {"SpecialToken": {"id": "<s>", "type_id": 0}}
_BOS_IN_FRONT = {
    "type": "TemplateProcessing",
    "single": [_BOS, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [
        _BOS,
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "<s>", "type_id": 1}},
        {"Sequence": {"id": "B", "type_id": 1}},
    ],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
}
