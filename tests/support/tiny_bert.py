"""A random BERT that is small enough for a test, as a model of transformers and as a GGUF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "garden", "taught", "me", "rain", "and")
_WIDTH, _LAYERS, _HEADS, _CONTEXT = 32, 2, 4, 64

# The names of a layer's parts in transformers, and in a GGUF.
_PARTS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def make_bert() -> Any:
    """Return a random two-layer ``transformers.BertModel`` with a vocabulary of :data:`WORDS`."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        intermediate_size=2 * _WIDTH,
        max_position_embeddings=_CONTEXT,
        hidden_act="gelu",
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertModel(config, add_pooling_layer=False).eval()


def write_bert(path: Path, model: Any) -> Path:
    """Write a model of :func:`make_bert` as a GGUF whose texts' vectors are means."""
    from gguf import GGUFWriter, PoolingType, TokenType

    writer = GGUFWriter(path, "bert")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(2 * _WIDTH)
    writer.add_head_count(_HEADS)
    writer.add_layer_norm_eps(model.config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    # A word's first piece has the sign of a space in front, as in llama.cpp's converter.
    control = WORDS[:4]
    writer.add_token_list([word if word in control else f"\u2581{word}" for word in WORDS])
    kinds = [TokenType.CONTROL if word in control else TokenType.NORMAL for word in WORDS]
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_token_type_count(2)
    for name, token in zip(("pad", "unk", "bos", "sep"), control, strict=True):
        getattr(writer, f"add_{name}_token_id")(WORDS.index(token))
    writer.add_eos_token_id(WORDS.index("[SEP]"))
    for name, values in model.state_dict().items():
        if (stored := _stored(name)) is not None:
            writer.add_tensor(stored, values.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _stored(name: str) -> str | None:
    """Return a tensor's name in a GGUF; None for one that it does not have."""
    stem, _, kind = name.rpartition(".")
    known = {
        "embeddings.word_embeddings": "token_embd",
        "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types",
        "embeddings.LayerNorm": "token_embd_norm",
    }
    if stem in known:
        return f"{known[stem]}.{kind}"
    if stem.startswith("encoder.layer."):
        number, _, part = stem.removeprefix("encoder.layer.").partition(".")
        return f"blk.{number}.{_PARTS[part]}.{kind}"
    return None
