"""Write an adapter as a GGUF that llama.cpp puts over its base: ``… BASE ADAPTER OUT``.

Runs as a child, since llama.cpp's converter needs torch. How it renames, splits and reorders
a model's weights is found out by having it convert a matrix whose rows are numbered, so that this
follows it on every architecture: what it does to rows is done to the rows of B. Where it does
anything else to a weight, there is no such adapter.

The form is llama.cpp's (``gguf-py/gguf/constants.py``, ``src/llama-adapter.cpp``):
``general.type`` is ``adapter``, ``adapter.type`` is ``lora``, and of each weight there is
``NAME.lora_a`` of shape [rank, in] and ``NAME.lora_b`` of shape [out, rank]; their product times
``adapter.lora.alpha`` / rank is added.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases.locate import shown
from engine.child import run_step
from engine.errors import AdapterInvalid, AdapterUnshared
from engine.export.merge.targets import check_settings, names_of

if TYPE_CHECKING:
    import numpy as np
    import torch

ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
HINT = "chat with the exported files: --weights files"

_KEY = re.compile(r"(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
# What a low-rank product alone can't say, by the field of peft's configuration.
_BEYOND = {
    "use_dora": "DoRA, which scales the columns of the sum",
    "modules_to_save": "whole modules that were trained",
    "trainable_token_indices": "rows of the embeddings that were trained",
    "target_parameters": "parameters that are no linear layer",
    "layer_replication": "layers that are repeated",
    "lora_bias": "biases that were trained",
    "fan_in_fan_out": "weights that are stored the other way round",
    "use_qalora": "QA-LoRA",
    "use_bdlora": "BD-LoRA",
}
_OTHER_BASE = ("pissa", "olora", "corda", "lora_ga")


@dataclass(frozen=True, slots=True)
class Low:
    """One layer's adapter: A of shape [rank, in], B of shape [out, rank], both float32."""

    a: np.ndarray[Any, Any]
    b: np.ndarray[Any, Any]
    scaling: float

    @property
    def alpha(self) -> float:
        """The alpha that llama.cpp divides by the rank."""
        return self.scaling * int(self.a.shape[0])


def check_shareable(adapter: Path) -> dict[str, Any]:
    """Return an adapter's configuration if it can be put over a base without merging.

    Reads one small file.

    Raises:
        AdapterUnshared: It is more than a low-rank product, or can't be read.
    """
    path = adapter / ADAPTER_CONFIG
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterUnshared(f"{path.name} can't be read: {error}", hint=HINT) from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise AdapterUnshared(f"the adapter in {shown(adapter)} is no LoRA", hint=HINT)
    for field, what in _BEYOND.items():
        if config.get(field):
            raise _beyond(adapter, what)
    if config.get("bias", "none") != "none":
        raise _beyond(adapter, "biases that were trained")
    if str(config.get("init_lora_weights")).lower().startswith(_OTHER_BASE):
        raise _beyond(adapter, "a start that changed the base's own weights")
    return config


def _beyond(adapter: Path, what: str) -> AdapterUnshared:
    return AdapterUnshared(f"the adapter in {shown(adapter)} has {what}", hint=HINT)


def write_lora(base: Path, adapter: Path, out: Path) -> None:
    """Write an adapter as a GGUF LoRA.

    Args:
        base: The base model's directory.
        adapter: The adapter's directory, as peft writes it.
        out: The file.

    Raises:
        AdapterUnshared: The adapter is more than a low-rank product, or the converter does
            more to a weight than to rename, split and reorder its rows.
    """
    import gguf

    layers = read_layers(adapter, check_shareable(adapter))
    model = _converter(base)
    alpha = next(iter(layers.values())).alpha
    writer = gguf.GGUFWriter(out, gguf.MODEL_ARCH_NAMES[model.model_arch])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for module, low in layers.items():
        for name, rows in _places(model, module, low.b.shape[0]):
            # One alpha holds for the whole file; where ranks or alphas differ, B makes up for it.
            writer.add_tensor(f"{name}.lora_a", low.a)
            writer.add_tensor(f"{name}.lora_b", low.b[rows] * (low.alpha / alpha))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_layers(adapter: Path, config: Mapping[str, Any]) -> dict[str, Low]:
    """Return what an adapter adds, by the module's name.

    Raises:
        AdapterUnshared: It holds a weight that is no part of a pair, or can't be read.
    """
    import numpy as np
    from safetensors import SafetensorError, safe_open

    sides: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    try:
        with safe_open(adapter / WEIGHTS, framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - it is no mapping
                found = _KEY.fullmatch(key)
                if found is None:
                    raise _beyond(adapter, f"the weight {key}")
                sides.setdefault(found["module"], {})[found["side"]] = (
                    tensors.get_tensor(key).float().numpy()
                )
    except (OSError, SafetensorError) as error:
        raise AdapterUnshared(
            f"the weights in {shown(adapter)} can't be read: {error}", hint=HINT
        ) from error
    if not sides or any(pair.keys() != {"A", "B"} for pair in sides.values()):
        raise _beyond(adapter, "no weights, or one half of a pair")
    try:
        check_settings(adapter, config)
        alphas = names_of(adapter, config, [], sorted(sides)).alphas
    except AdapterInvalid as error:
        raise AdapterUnshared(error.message, hint=HINT) from error
    return {
        module: Low(
            np.ascontiguousarray(pair["A"]),
            np.ascontiguousarray(pair["B"]),
            _scaling(config, alphas[module], pair["A"].shape[0]),
        )
        for module, pair in sorted(sides.items())
    }


def _scaling(config: Mapping[str, Any], alpha: float, rank: int) -> float:
    """Return what a layer's product is multiplied with, as peft has it (``LoraLayer``)."""
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _converter(base: Path) -> Any:
    """Return llama.cpp's converter of a base, with nothing of it loaded."""
    import gguf

    theirs = import_module("conversion")  # untyped
    hparams = theirs.ModelBase.load_hparams(base, False)
    hparams.pop("quantization_config", None)  # of one that is stored in 4 bits
    try:
        architecture = theirs.get_model_architecture(hparams, theirs.ModelType.TEXT)
        kind = theirs.get_model_class(architecture)
        return kind(base, gguf.LlamaFileType.ALL_F32, base, hparams=hparams)
    except (NotImplementedError, ValueError, KeyError) as error:
        raise AdapterUnshared(
            f"the converter can't say where an adapter of {shown(base)} belongs: {error}",
            hint=HINT,
        ) from error


def _places(model: Any, module: str, outputs: int) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield where a module's rows go: the name in a GGUF, and which rows stand there in order."""
    import torch

    rows = torch.arange(outputs, dtype=torch.float32)
    numbered = torch.stack([rows, rows + 0.25], dim=1)
    number = re.search(r"\.(\d+)\.", module)
    try:
        made = list(
            model.modify_tensors(numbered, f"{module}.weight", int(number[1]) if number else None)
        )
    except (ValueError, RuntimeError, IndexError) as error:
        raise _moved(module, str(error)) from error
    if not made:
        raise _moved(module, "it is put together with others")
    for name, tensor in made:
        if not name.endswith(".weight") or name.startswith("token_embd."):
            raise _moved(module, f"it becomes {name}")
        yield name, _row_numbers(module, tensor)


def _row_numbers(module: str, tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    if tensor.dim() != 2 or tensor.shape[1] != 2:
        raise _moved(module, f"its shape becomes {tuple(tensor.shape)}")
    first, second = tensor[:, 0], tensor[:, 1]
    if not (bool((first == first.round()).all()) and bool((second == first + 0.25).all())):
        raise _moved(module, "its numbers are changed")
    found: np.ndarray[Any, Any] = first.long().numpy()
    return found


def _moved(module: str, why: str) -> AdapterUnshared:
    return AdapterUnshared(
        f"the converter does more to {module} than to reorder it: {why}", hint=HINT
    )


def main(arguments: Sequence[str]) -> None:
    """Write the file."""
    base, adapter, out = map(Path, arguments)
    write_lora(base, adapter, out)


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
