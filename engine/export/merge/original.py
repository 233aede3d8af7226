"""The 16-bit original of a base that is stored in 4 or 8 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.bases.check import fingerprint
from engine.bases.locate import shown
from engine.errors import ExportError
from engine.export.merge.names import Names
from engine.export.merge.packed import Weights
from engine.export.merge.stored import FLOATS, Files, Floats
from engine.export.merge.values import EightBits, FourBits, matrix
from engine.export.merge.whole import highest_token

_COMPARED = 65_536
# Of the numbers of a weight, how many are what quantising the original gives: all but those that
# lie on a border, and whose scale was rounded.
_EQUAL = 0.97


def check_original(original: Path, packed: Path) -> None:
    """Raise unless a base is the one of which another holds the weights in 4 or 8 bits.

    The shapes of all weights and the sizes of the vocabularies are compared, and of one weight
    the numbers: those of the original, quantised, are those that are stored. Another model of the
    same form, such as one before it was taught to chat, differs there.

    Args:
        original: The directory of the base in 16 bits.
        packed: The directory of the packed base.

    Raises:
        ExportError: It is another model.
        BaseInvalid: One of them is damaged.
    """
    full, small = Weights(Files.of_model(original)), Weights(Files.of_model(packed))
    if full.packed:
        raise _another(original, packed, "it is packed itself")
    names = Names(full.names())
    for name in small.names():
        there = names.find(name)
        if not there:
            raise _another(original, packed, f"it has no {name}")
        if full.shape(there) != small.shape(name):
            shapes = f"{full.shape(there)} against {small.shape(name)}"
            raise _another(original, packed, f"{name} has another shape, {shapes}")
    sizes = [highest_token(folder) + 1 for folder in (original, packed)]
    if sizes[0] != sizes[1]:
        raise _another(original, packed, f"its tokenizer has {sizes[0]} tokens, not {sizes[1]}")
    for name in small.names():
        if small.packed.holds(name) and full.kind(names.find(name)) in FLOATS:
            share = _share_equal(full, names.find(name), small, name)
            if share < _EQUAL:
                text = f"only {share:.0%} of the numbers compared in {name} are its own"
                raise _another(original, packed, text)
            return


def same_model(one: Path, other: Path) -> bool:
    """Say whether two directories hold the same base."""
    return one.resolve() == other.resolve() or fingerprint(one) == fingerprint(other)


def _share_equal(full: Weights, there: str, small: Weights, name: str) -> float:
    """Return which share of a weight's first numbers is what quantising the original gives."""
    values = small.packed.values(name)
    rows, width = matrix(values.shape)
    last = min(rows, max(1, _COMPARED // width))
    plain = full.values(there).rows(0, last)
    if isinstance(values, EightBits):
        scales = values.largest[:last, None] / np.float32(127)
        expected = np.round(plain / np.where(scales == 0, 1, scales))
        return float((np.abs(expected - values.packed[:last]) <= 1).mean())
    assert isinstance(values, FourBits)
    return float((_nearest(plain, values) == values.rows(0, last)).mean())


def _nearest(plain: Floats, packed: FourBits) -> Floats:
    """Return the nearest of a packed weight's 16 values to each number, by its block's scale."""
    flat = plain.reshape(-1)
    scales = np.repeat(packed.scales, packed.block)[: flat.size]
    table = np.sort(packed.table)
    borders = (table[1:] + table[:-1]) / 2
    places = np.searchsorted(borders, flat / np.where(scales == 0, 1, scales))
    nearest: Floats = table[places] * scales
    return nearest.reshape(plain.shape)


def _another(original: Path, packed: Path, why: str) -> ExportError:
    return ExportError(
        f"{shown(original)} is not the original of {shown(packed)}: {why}",
        hint="name another with --merge-into, or the packed base itself to merge into that",
    )
