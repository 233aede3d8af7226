"""Writing a model file by file: what is unchanged is copied by the kernel, the rest row by row."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from engine.errors import ExportError
from engine.export.merge.stored import SIZES, Stored, decode, encode, f16_of_bf16, is_finite
from engine.export.merge.values import Values, blocks, matrix

INDEX = "model.safetensors.index.json"
_SHARD = 4_000_000_000
_COPIED_AT_ONCE = 1 << 26

Tell = Callable[[int, int], None]


class NotFinite(ExportError):
    """A merged number is not finite in the type in which it is written."""


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor that is written.

    Attributes:
        name: Its name.
        kind: The type of its numbers.
        source: Where it is copied from, or what is computed.
        rounded: The type that its numbers are rounded to before that; the same unless given.
        plain: What is copied, as numbers.
    """

    name: str
    kind: str
    source: Stored | Values
    rounded: str = ""
    plain: Values | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.source.shape

    @property
    def size(self) -> int:
        """The tensor's bytes."""
        if isinstance(self.source, Stored):
            return self.source.size
        return prod(self.shape) * SIZES[self.kind]


def by_size(parts: Sequence[Part]) -> dict[str, list[Part]]:
    """Divide tensors among files of a model, each of at most 4 GB where no tensor is larger."""
    groups: list[list[Part]] = [[]]
    size = 0
    for part in parts:
        if groups[-1] and size + part.size > _SHARD:
            groups.append([])
            size = 0
        groups[-1].append(part)
        size += part.size
    if len(groups) == 1:
        return {"model.safetensors": groups[0]}
    total = len(groups)
    return {
        f"model-{number:05d}-of-{total:05d}.safetensors": group
        for number, group in enumerate(groups, 1)
    }


def write_model(directory: Path, shards: dict[str, list[Part]], tell: Tell) -> None:
    """Write a model's safetensors files, and their index where there are several.

    Args:
        directory: Where they are written.
        shards: The tensors of each file.
        tell: Is told bytes done and in total.

    Raises:
        ExportError: A number is not finite.
    """
    total = sum(part.size for parts in shards.values() for part in parts)
    done = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, parts in shards.items():
            for written in _write_file(directory / name, parts, pool):
                done += written
                tell(done, total)
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": total},
            "weight_map": {
                part.name: name for name, parts in sorted(shards.items()) for part in parts
            },
        }
        (directory / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", "utf-8")


def _write_file(path: Path, parts: Sequence[Part], pool: ThreadPoolExecutor) -> Iterator[int]:
    # Wider types first, so that each tensor begins at a multiple of its numbers' size.
    parts = sorted(parts, key=lambda part: -SIZES.get(part.kind, 1))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for part in parts:
        offsets = [end, end + part.size]
        header[part.name] = {"dtype": part.kind, "shape": part.shape, "data_offsets": offsets}
        end += part.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as handle:
        handle.write(len(text).to_bytes(8, "little") + text)
        handle.flush()
        with contextlib.suppress(OSError):
            # A disk without room is known of at once; the writing says it otherwise.
            os.posix_fallocate(handle.fileno(), 0, 8 + len(text) + end)
        place = 8 + len(text)
        for part in parts:
            if isinstance(part.source, Stored):
                _copy(part.source, handle, place)
            else:
                _compute(part, part.source, handle, place, pool)
            place += part.size
            yield part.size


def _copy(stored: Stored, out: IO[bytes], place: int) -> None:
    """Copy a tensor's bytes within the kernel."""
    target = out.fileno()
    with stored.path.open("rb") as source:
        begin, left = stored.start, stored.size
        try:
            while left:
                step = min(left, _COPIED_AT_ONCE)
                copied = os.copy_file_range(source.fileno(), target, step, begin, place)
                if not copied:
                    raise OSError("the file is shorter than it was")
                begin, place, left = begin + copied, place + copied, left - copied
        except OSError:
            # Between some file systems the kernel does not copy.
            while left:
                data = os.pread(source.fileno(), min(left, _COPIED_AT_ONCE), begin)
                if not data:
                    raise
                written = os.pwrite(target, data, place)
                begin, place, left = begin + written, place + written, left - written


def _compute(
    part: Part, values: Values, out: IO[bytes], place: int, pool: ThreadPoolExecutor
) -> None:
    _, width = matrix(values.shape)
    step = width * SIZES[part.kind]

    def write(rows: tuple[int, int]) -> None:
        encoded = encode(values.rows(*rows), part.rounded or part.kind)
        if part.rounded == "BF16" and part.kind == "F16":
            encoded = f16_of_bf16(encoded)
        elif part.rounded not in ("", part.kind):
            first = encoded.view(np.uint8).reshape(-1)
            encoded = encode(decode(first, part.rounded), part.kind)
        if not is_finite(encoded, part.kind):
            raise NotFinite(
                f"the merged {part.name} has values that are not finite in {part.kind}",
                hint="the base has them, or the adapter's changes are too large; train again with "
                "a lower learning rate",
            )
        data, at = encoded.view(np.uint8).reshape(-1).data, place + rows[0] * step
        while data:
            written = os.pwrite(out.fileno(), data, at)
            data, at = data[written:], at + written

    for _ in pool.map(write, blocks(values.shape)):
        pass
