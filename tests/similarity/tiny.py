"""A real embedding model of one small layer, made in a moment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from engine.similarity.encoder import locate


def make_tiny_embedder(folder: Path, *, numbers: bool = True) -> Path:
    """Write a sentence-transformers model with the embedded one's tokenizer.

    Args:
        folder: Where to; it must not exist.
        numbers: False makes one whose weights are no numbers.
    """
    import torch
    from transformers import BertConfig, BertModel

    embedded = locate("")
    shutil.copytree(embedded, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.md"))
    config = json.loads((folder / "config.json").read_text())
    config.update(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    (folder / "config.json").write_text(json.dumps(config))
    pooling = folder / "1_Pooling" / "config.json"
    pooled = json.loads(pooling.read_text())
    pooling.write_text(json.dumps({**pooled, "word_embedding_dimension": 16}))
    torch.manual_seed(3)
    model = BertModel(BertConfig(**config))
    if not numbers:
        torch.nn.init.constant_(model.embeddings.word_embeddings.weight, float("nan"))
    model.save_pretrained(folder)
    return folder


def make_static_embedder(folder: Path) -> Path:
    """Write a model of word vectors alone, as model2vec distils: it has no greatest length."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    torch.manual_seed(3)
    words = Tokenizer.from_file(str(locate("") / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(words, embedding_dim=16)]).save_pretrained(
        str(folder)
    )
    return folder
