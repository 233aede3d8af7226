"""Finding a layer of a model among the tensors of its files.

A model's classes and its files don't always agree on names: files may leave out the outermost part
("h.0" for "transformer.h.0"), and models that also see changed where their language model is.
"""

from __future__ import annotations

from collections.abc import Iterable

_LEFT_OUT = {"model", "language_model", "transformer", "base_model"}
_OTHER_WORDS = {"block_sparse_moe": "mlp"}
_EMBEDDINGS = {"embed_tokens", "wte", "embed_in", "word_embeddings", "tok_embeddings"}
HEAD = "lm_head"


class Names:
    """The names of a model's tensors.

    Args:
        names: All of them.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._alike: dict[str, list[str]] = {}
        for name in self._names:
            self._alike.setdefault(core(name), []).append(name)

    def find(self, name: str) -> str:
        """Return how a tensor of a model is called in its files; empty where none is meant."""
        if name in self._names:
            return name
        alike = self._alike.get(core(name), [])
        return alike[0] if len(alike) == 1 else ""

    def embedding(self) -> str:
        """Return the name of the tensor with a row for each token; empty where none is known."""
        found = [name for name in self._names if _leaf(name) in _EMBEDDINGS]
        return found[0] if len(found) == 1 else ""

    def head(self) -> str:
        """Return the name of the output matrix; empty where the embeddings are used for it."""
        return self.find(f"{HEAD}.weight")


def is_head(layer: str) -> bool:
    """Say whether a layer is the output matrix."""
    return layer.rpartition(".")[2] == HEAD


def is_embedding(layer: str) -> bool:
    """Say whether a layer has a row for each token."""
    return layer.rpartition(".")[2] in _EMBEDDINGS


def _leaf(name: str) -> str:
    return name.removesuffix(".weight").rpartition(".")[2] if name.endswith(".weight") else ""


def core(name: str) -> str:
    """Return what a model's classes and its files have in common of a name."""
    parts = in_model_words(name).split(".")
    return ".".join(part for part in parts if part not in _LEFT_OUT)


def in_model_words(name: str) -> str:
    """Return a name with the words that a model's classes have for those of its files."""
    return ".".join(_OTHER_WORDS.get(part, part) for part in name.split("."))
