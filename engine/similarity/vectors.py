"""Texts to vectors: what was embedded before is looked up, the rest is embedded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.child import Progress, never, quiet
from engine.similarity.cache import VectorCache, cache_file
from engine.similarity.encoder import VERSION, Encodes, fingerprint, locate, open_encoder
from engine.similarity.texts import VERSION as TEXT_VERSION
from engine.similarity.texts import key_of, normal_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 256
"""How many texts are embedded between two looks at the clock; so many are lost by a kill."""


def space_of(folder: Path) -> str:
    """Return the name of a model's vectors: they can be compared with no others."""
    return f"{fingerprint(folder)}-{VERSION}.{TEXT_VERSION}"


class Embedder:
    """An embedding model with its cache; the model is loaded when a text has no vector.

    Args:
        model: A model's folder; empty for the embedded one.
        cache: The folder of the cache; the user's where None.
    """

    def __init__(self, model: str = "", cache: Path | None = None) -> None:
        self._model = model
        self._folder = locate(model)
        self.space = space_of(self._folder)
        self.cache = VectorCache(cache_file(self.space, cache))
        self._encoder: Encodes | None = None
        self.embedded = 0

    def __enter__(self) -> Embedder:
        return self

    def __exit__(self, *_: object) -> None:
        self.cache.close()

    def add(self, normals: dict[bytes, str], cancelled: Callable[[], bool] = never) -> set[bytes]:
        """See to it that texts have vectors.

        Args:
            normals: Normal forms by their keys, none of them empty.
            cancelled: Asked every few hundred texts whether to stop; what was embedded stays.

        Returns:
            The keys of those that the model gives no numbers for.
        """
        bad: set[bytes] = set()
        missing = self.cache.missing(normals)
        for start in range(0, len(missing), CHUNK):
            if cancelled():
                break
            if self._encoder is None:
                self._encoder = open_encoder(self._model, self._folder)
            keys = missing[start : start + CHUNK]
            vectors = self._encoder.encode([normals[key] for key in keys])
            good: NDArray[np.bool_] = np.all(np.isfinite(vectors), axis=1)
            self.cache.keep({key: vectors[i] for i, key in enumerate(keys) if good[i]})
            bad.update(key for i, key in enumerate(keys) if not good[i])
            self.embedded += int(good.sum())
        return bad


def embed(
    texts: Sequence[str],
    *,
    model: str = "",
    cache: Path | None = None,
    progress: Progress = quiet,
) -> NDArray[np.float32]:
    """Embed texts, each once; texts of one normal form are one text.

    Args:
        texts: Any texts.
        model: A model's folder; empty for the embedded one.
        cache: The folder of the cache; the user's where None.
        progress: Called with how many of the texts are done.

    Returns:
        An array of shape (texts, dimensions) with rows of length 1, or 0 where a text is
        empty or the model gives no numbers.

    Raises:
        EmbeddingModelMissing: There is no such model.
        EmbeddingModelInvalid: It can't be loaded, or gives no vectors.
        MemoryShort: There is not the memory for it.
    """
    keys: list[bytes] = []
    with Embedder(model, cache) as embedder:
        for start in range(0, len(texts), CHUNK):
            normals = [normal_form(text) for text in texts[start : start + CHUNK]]
            keys += [key_of(normal) for normal in normals]
            embedder.add({key: n for key, n in zip(keys[start:], normals, strict=True) if key})
            progress(min(start + CHUNK, len(texts)), len(texts))
        return np.nan_to_num(embedder.cache.load(keys), nan=0.0)
