"""Weights as bitsandbytes stores them, read without it and without torch.

Beside a weight in 4 bits, ``NAME.weight``, lie ``.absmax``, ``.quant_map`` and, as JSON in bytes,
``.quant_state.bitsandbytes__nf4`` (or ``__fp4``). Where scales are quantised too, ``.absmax`` holds
places in ``.nested_quant_map``, to be multiplied by ``.nested_absmax`` and moved by
``nested_offset`` (bitsandbytes, ``QuantState.as_dict``). A weight of LLM.int8 has ``NAME.SCB``.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from engine.errors import BaseInvalid
from engine.export.merge.stored import Files, Stored, named_kind
from engine.export.merge.values import EightBits, FourBits, Plain, Values

_STATE = ".quant_state.bitsandbytes__"
_FOUR_BITS = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map")
_EIGHT_BITS = (".SCB", ".weight_format")


class Packed:
    """The packed weights of a model.

    Args:
        files: The model's tensors.
        kind: The type of number in which a weight in 8 bits is written.
    """

    def __init__(self, files: Files, kind: str) -> None:
        self._files = files
        self._kind = kind
        self._states = {name.partition(_STATE)[0]: name for name in files.tensors if _STATE in name}
        self._eight = {
            name.removesuffix(".SCB") + ".weight" for name in files.tensors if name.endswith(".SCB")
        } & files.tensors.keys()

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self._states or self._eight)

    @property
    def form(self) -> str:
        """What they are stored as: "NF4", "FP4" or "LLM.int8"; empty where none is packed."""
        for name in self._states.values():
            return name.partition(_STATE)[2].upper()
        return "LLM.int8" if self._eight else ""

    def holds(self, name: str) -> bool:
        """Say whether a tensor is a packed weight."""
        return name in self._states or name in self._eight

    def belongs(self, name: str) -> bool:
        """Say whether a tensor only says how a packed weight is to be read."""
        if _STATE in name:
            return True
        for end in _FOUR_BITS:
            if name.endswith(end) and name.removesuffix(end) in self._states:
                return True
        return any(
            name.endswith(end) and name.removesuffix(end) + ".weight" in self._eight
            for end in _EIGHT_BITS
        )

    def kind(self, name: str) -> str:
        """Return the type of number that a packed weight becomes."""
        if name in self._eight:
            return self._kind
        return named_kind(str(self._state(name).get("dtype", "")), self._kind)

    def values(self, name: str) -> Values:
        """Return a packed weight's numbers.

        Raises:
            BaseInvalid: A part of it is missing, or of another size.
        """
        try:
            if name in self._eight:
                return self._eight_bits(name)
            return self._four_bits(name)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise BaseInvalid(
                f"the packed weight {name} can't be read: {error}", hint="get the base again"
            ) from error

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a packed weight's own shape."""
        if name in self._eight:
            return self._files.tensors[name].shape
        return tuple(int(value) for value in self._state(name)["shape"])

    def _state(self, name: str) -> dict[str, Any]:
        raw = self._files.raw(self._files.tensors[self._states[name]])
        state = json.loads(raw.tobytes())
        if not isinstance(state, dict):
            raise ValueError("its state is no JSON object")
        return state

    def _four_bits(self, name: str) -> FourBits:
        state, files = self._state(name), self._files
        shape = self.shape(name)
        block = int(state["blocksize"])
        packed = files.raw(files.tensors[name])
        numbers = int(np.prod(shape))
        if packed.size != -(-numbers // 2) or block < 2 or block % 2:
            raise ValueError("its size is not the one of its shape")
        scales = files.tensors[f"{name}.absmax"]
        if f"{name}.nested_absmax" in files.tensors:
            places = files.raw(scales)
            outer = files.floats(f"{name}.nested_absmax").reshape(-1)
            spread = np.repeat(outer, int(state["nested_blocksize"]))[: places.size]
            table = files.floats(f"{name}.nested_quant_map").reshape(-1)
            found = table[places] * spread + np.float32(state["nested_offset"])
        else:
            found = files.floats(f"{name}.absmax").reshape(-1)
        if found.size != -(-numbers // block):
            raise ValueError("it has not one scale for each block")
        table = files.floats(f"{name}.quant_map").reshape(-1)
        if table.size != 16:
            raise ValueError("its table has not 16 values")
        return FourBits(packed, table, found.astype(np.float32), block, shape)

    def _eight_bits(self, name: str) -> EightBits:
        stored = self._files.tensors[name]
        if stored.kind != "I8" or len(stored.shape) != 2:
            raise ValueError("it is no matrix of whole numbers of 8 bits")
        largest = self._files.floats(name.removesuffix(".weight") + ".SCB").reshape(-1)
        whole = self._files.raw(stored).view(np.int8).reshape(stored.shape)
        if largest.size != stored.shape[0]:
            raise ValueError("it has not one scale for each row")
        return EightBits(whole, largest)


class Weights:
    """A model's weights as numbers, however they are stored.

    Args:
        files: Its tensors.
        kind: The type of number for weights in 8 bits.
    """

    def __init__(self, files: Files, kind: str = "BF16") -> None:
        self.files = files
        self.packed = Packed(files, kind)

    def names(self) -> list[str]:
        """Return the names of its weights, without what only helps to read them."""
        return [name for name in self.files.tensors if not self.packed.belongs(name)]

    def stored(self, name: str) -> Stored:
        """Return where a tensor lies."""
        return self.files.tensors[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a weight's own shape."""
        return self.packed.shape(name) if self.packed.holds(name) else self.stored(name).shape

    def kind(self, name: str) -> str:
        """Return the type of number in which a weight is written."""
        return self.packed.kind(name) if self.packed.holds(name) else self.stored(name).kind

    def values(self, name: str) -> Values:
        """Return a weight's numbers."""
        if self.packed.holds(name):
            return self.packed.values(name)
        return Plain(self.files, self.stored(name))
