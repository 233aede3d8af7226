"""A random Llama of any size, with the tiny model's tokenizer."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.support.tiny_model import make_tiny_model


def make_random_base(folder: Path, *, hidden: int, layers: int, vocab: int) -> Path:
    """Write a random Llama in bfloat16, as bases are stored, as a base's folder.

    Args:
        folder: Where it is written; it is made.
        hidden: Width; a multiple of 64. A head has 64, and there is a key head for two heads.
        layers: Number of layers.
        vocab: Rows of its embeddings, of which the tokenizer uses the first.

    Returns:
        The folder.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with tempfile.TemporaryDirectory() as tiny:
        shutil.copytree(make_tiny_model(Path(tiny) / "tiny"), folder)
    (folder / "model.safetensors").unlink()
    config = LlamaConfig.from_pretrained(folder)
    heads = hidden // 64
    changed = LlamaConfig(
        **{
            **config.to_dict(),
            "vocab_size": vocab,
            "hidden_size": hidden,
            "intermediate_size": 8 * hidden // 3,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": max(1, heads // 2),
            "head_dim": 64,
            "tie_word_embeddings": False,
            "max_position_embeddings": 4096,
        }
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(changed)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder
