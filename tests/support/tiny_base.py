"""A base model's folder that is made in a moment, without torch: real files, few weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def make_tiny_base(
    folder: Path,
    *,
    template: str | None = CHATML,
    control: Sequence[str] = CONTROL,
    eos: str = "<|im_end|>",
) -> Path:
    """Write a folder with everything but sense: byte-level tokens, a template, a few weights.

    Args:
        folder: Where it is written; it is made.
        template: The chat template; None writes none.
        control: The control tokens, with ids from 0.
        eos: Which of them ends a text.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(byte_tokenizer(control).to_str(), "utf-8")
    settings: dict[str, Any] = {"eos_token": eos, "bos_token": control[0]}
    if template is not None:
        settings["chat_template"] = template
    write_json(folder / "tokenizer_config.json", settings)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = {"model_type": "llama", "eos_token_id": control.index(eos), **sizes}
    write_json(folder / "config.json", config)
    save_file({"weight": np.zeros((4, 8), dtype=np.float16)}, folder / "model.safetensors")
    return folder


def byte_tokenizer(control: Sequence[str] = CONTROL) -> Any:
    """Return a tokenizer with a token for each byte, and the control tokens before them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    names = [*control, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in control])
    return tokenizer


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value), "utf-8")
