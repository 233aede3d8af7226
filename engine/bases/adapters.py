"""An adapter's folder, looked at without loading it: which base it was trained on, and if it fits.

A LoRA layer is a pair of matrices, (rank, inputs) and (outputs, rank) (arXiv:2106.09685), saved by
peft under ``base_model.model.<layer>.lora_A.weight`` and ``lora_B``. So the shapes of the layers it
was trained on can be read off its file's header and compared with the base's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine import toml
from engine.bases.base import Base
from engine.bases.check import tensor_shapes, weight_files
from engine.bases.locate import ADAPTER_CONFIG, expanded, model_folder, shown
from engine.bases.shape import shape_of
from engine.bases.template import read_json
from engine.errors import AdapterInvalid, AdapterMismatch, BaseError
from engine.paths import shell_path

WEIGHTS = "adapter_model.safetensors"
PICKLED = "adapter_model.bin"
_LAYER = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.[^.]+)?\.weight")
_IN_A_RUN = ("best", "adapter")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A saved adapter.

    Args:
        directory: Its folder.
        base: What its files call the base that it was trained on; empty where they don't.
        fingerprint: That base's fingerprint, where the adapter still lies in its run; else empty.
        layers: For each adapted layer its numbers of inputs and outputs.
    """

    directory: Path
    base: str
    fingerprint: str
    layers: dict[str, tuple[int, int]]


def read_adapter(text: str | Path) -> Adapter:
    """Look at the adapter in a folder: one that peft saved, a checkpoint, or a run's folder.

    Args:
        text: The folder as a person wrote it.

    Raises:
        AdapterInvalid: There is no adapter, or it is damaged; the message says what is there.
        AccessRefused: It can't be looked at.
    """
    written = expanded(str(text))
    try:
        folder = model_folder(written)
    except BaseError as error:
        if written.name in (WEIGHTS, ADAPTER_CONFIG) and written.is_file():
            return read_adapter(written.parent)
        raise AdapterInvalid(error.message, hint="give the folder of an adapter") from error
    if not (folder / ADAPTER_CONFIG).is_file():
        for name in _IN_A_RUN:
            if (folder / name / ADAPTER_CONFIG).is_file():
                return read_adapter(folder / name)
        raise _no_adapter(folder)
    config = read_json(folder / ADAPTER_CONFIG)
    if not config:
        raise AdapterInvalid(
            f"{shown(folder)}/{ADAPTER_CONFIG} is damaged", hint="get the adapter again"
        )
    base = config.get("base_model_name_or_path")
    run = _run_of(folder)
    return Adapter(
        directory=folder,
        base=base if isinstance(base, str) and base else str(run.get("base", "")),
        fingerprint=str(run.get("base_fingerprint", "")),
        layers=_layers(folder),
    )


def check_fit(adapter: Adapter, base: Base) -> bool:
    """Say whether an adapter was trained on a base, as far as its files tell.

    Returns:
        False where its layers fit and yet it names another base, such as the same model
        before it was taught to chat.

    Raises:
        AdapterMismatch: The base has not the layers that the adapter was trained on.
    """
    wrong = _misfit(adapter.layers, base.directory)
    if wrong and _same(adapter, base):
        raise AdapterMismatch(
            f"the adapter {shown(adapter.directory)} does not fit {base.name}, though its files "
            f"say that it was trained on it: {wrong}",
            hint="its files are damaged or another adapter's; start without it, or take another",
        )
    if wrong:
        raise AdapterMismatch(
            f"the adapter {shown(adapter.directory)} was trained on {_named(adapter)} and does not "
            f"fit {base.name} ({base.fingerprint}): {wrong}",
            hint=f"train on {adapter.base or 'the base it was trained on'}, or start without it",
        )
    return _same(adapter, base)


def check_origin(adapter: Adapter, base: Base) -> bool:
    """Say whether an adapter that a run would go on from was trained on the run's base.

    Returns:
        False where its layers fit and yet its files name another base; names alone may differ
        for one and the same model.

    Raises:
        AdapterMismatch: Its layers don't fit, or the run that it lies in was on another base.
    """
    same = check_fit(adapter, base)
    if not same and adapter.fingerprint:
        at_home = f"--base {adapter.base}" if adapter.base else "the base of its run"
        raise AdapterMismatch(
            f"the adapter {shown(adapter.directory)} was trained on {_named(adapter)}, and "
            f"{base.name} ({base.fingerprint}) is another base with layers of the same shapes",
            hint=f"train on {at_home}, or start without the adapter; to use it all the same, copy "
            "its folder out of its run",
        )
    return same


def another_base(adapter: Adapter, base: Base) -> str:
    """Return the sentence for an adapter that fits a base and was trained on another."""
    return (
        f"the adapter {shown(adapter.directory)} was trained on {_named(adapter)}, not on "
        f"{base.name} ({base.fingerprint}); their layers are of the same shapes, so it can be used"
    )


def _named(adapter: Adapter) -> str:
    name = adapter.base or "a base that its files don't name"
    return f"{name} ({adapter.fingerprint})" if adapter.fingerprint else name


def _same(adapter: Adapter, base: Base) -> bool:
    if adapter.fingerprint:
        return adapter.fingerprint == base.fingerprint
    if not adapter.base:
        return True
    known = {base.name, base.hub_id, base.directory.name, str(base.directory)}
    return adapter.base.lower() in {name.lower() for name in known if name}


def _no_adapter(folder: Path) -> AdapterInvalid:
    if (folder / "config.json").is_file():
        return AdapterInvalid(
            f"{shown(folder)} is a whole model, not an adapter",
            hint=f"train on it as the base: --base {shell_path(folder)}",
        )
    if (folder / WEIGHTS).is_file():
        return AdapterInvalid(
            f"{shown(folder)} has an adapter's weights and no {ADAPTER_CONFIG}",
            hint="get that file too; it says what the adapter was trained on",
        )
    return AdapterInvalid(
        f"{shown(folder)} has no adapter: there is no {ADAPTER_CONFIG} in it",
        hint="give the folder of an adapter or a checkpoint",
    )


def _run_of(folder: Path) -> dict[str, object]:
    """Return the spec of the run that an adapter or checkpoint lies in; empty where it does not."""
    for parent in (folder.parent, folder.parent.parent):
        try:
            return toml.loads((parent / "spec.toml").read_text("utf-8", "surrogateescape"))
        except (OSError, ValueError):
            continue
    return {}


def _layers(folder: Path) -> dict[str, tuple[int, int]]:
    path = folder / WEIGHTS
    if not path.is_file():
        pickles = (folder / PICKLED).is_file()
        kept = "as a pickle, which can run code when it is loaded" if pickles else f"no {WEIGHTS}"
        raise AdapterInvalid(
            f"{shown(folder)} has {'its weights ' if pickles else ''}{kept}",
            hint="save it with peft: model.save_pretrained(DIR)",
        )
    try:
        shapes = tensor_shapes(path)
    except BaseError as error:
        raise AdapterInvalid(error.message, hint=error.hint) from error
    inputs: dict[str, int] = {}
    outputs: dict[str, int] = {}
    for name, shape in shapes.items():
        match = _LAYER.fullmatch(name)
        if match is not None and len(shape) == 2:
            if match[2] == "A":
                inputs[match[1]] = shape[1]
            else:
                outputs[match[1]] = shape[0]
    return {layer: (inputs[layer], outputs[layer]) for layer in inputs if layer in outputs}


def _misfit(layers: dict[str, tuple[int, int]], directory: Path) -> str:
    """Return in words where layers differ from a base's; empty where they don't, or none is known.

    A base stored in 4 bits has packed weights, whose shapes tell nothing: there the width of the
    model is what is compared.
    """
    there: dict[str, tuple[int, ...]] = {}
    for path in weight_files(directory):
        there.update(tensor_shapes(path))
    known = [layer for layer in layers if f"{layer}.weight" in there]
    for layer in known:
        shape = there[f"{layer}.weight"]
        if len(shape) == 2 and 1 not in shape and (shape[1], shape[0]) != layers[layer]:
            return (
                f"{layer} has {layers[layer][0]} inputs and {layers[layer][1]} outputs there, "
                f"{shape[1]} and {shape[0]} here"
            )
    if known and len(known) < len(layers):
        first = next(layer for layer in layers if layer not in known)
        return f"it has no layer {first} ({len(layers) - len(known)} of {len(layers)} missing)"
    hidden = shape_of(read_json(directory / "config.json")).hidden
    queries = next((size for name, size in layers.items() if name.endswith("q_proj")), None)
    if hidden and queries is not None and queries[0] != hidden:
        return f"its layers are {queries[0]} wide there, {hidden} here"
    return ""
