"""A run that starts from an adapter that is there already.

The adapter's weights are taken, from its folder, a checkpoint or a run; optimiser, schedule and
steps are those of a new run. (``runs resume`` is something else: a run that goes on, with its
optimiser.) Rank, scale, kind and layers are the adapter's own, since weights fit no others.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases import resolve
from engine.bases.adapters import WEIGHTS, Adapter, check_origin, read_adapter
from engine.bases.locate import ADAPTER_CONFIG, expanded, shown
from engine.bases.template import read_json
from engine.errors import AdapterInvalid, AdapterMismatch
from engine.runs import choose_adapter, find
from engine.runs.state import matching
from engine.train.presets import ALL_LINEAR
from engine.train.spec import TrainSpec, changed

if TYPE_CHECKING:
    from engine.train.backends import Loaded
    from engine.workspace import Workspace

_LEFT_ALONE = ("rank_pattern", "alpha_pattern", "modules_to_save", "layers_to_transform")
"""Settings of peft that give some layers what others haven't."""
_DEFAULTS = {"r": 8, "lora_alpha": 8}  # peft's


def adopted(
    spec: TrainSpec, workspace: Workspace | None = None, *, named: Collection[str] = ()
) -> TrainSpec:
    """Return a spec with the rank, scale, kind and layers of the adapter that it starts from.

    Reads the adapter's configuration and its file's header, and nothing heavy.

    Args:
        spec: The specification; one that starts from no adapter is returned as it is.
        workspace: Where a run is looked for, by its id or name, if no such folder is there.
        named: Fields that a person set; one that the adapter has otherwise is an error.

    Raises:
        AdapterInvalid: There is no adapter, or none that a run can go on from.
        AdapterMismatch: It doesn't fit the base, or what a person set.
        BaseError: The base is not on this machine, or damaged.
        RunMissing: Several runs are meant.
        RunUnfinished: The run that is meant has left no adapter.
    """
    if not spec.resume_from:
        return spec
    adapter = read_adapter(_folder_of(spec.resume_from, workspace))
    own = _fields_of(adapter)
    for name in own:
        if name in named and not _same(getattr(spec, name), own[name]):
            flag = name.replace("_", "-")
            raise AdapterMismatch(
                f"the adapter {shown(adapter.directory)} has {name} {_words(own[name])}, not "
                f"{_words(getattr(spec, name))}",
                hint=f"leave out --{flag}: it is the adapter's own",
            )
    check_origin(adapter, resolve(spec.base))
    return changed(spec, resume_from=str(adapter.directory.resolve()), **own)


def _folder_of(text: str, workspace: Workspace | None) -> str | Path:
    """Return the adapter of the run that a person means, else what was written."""
    if workspace is None or "/" in text or "\\" in text or os.path.lexists(expanded(text)):
        return text
    if not matching(workspace, text):
        return text
    return choose_adapter(find(workspace, text).dir).path


def adopted_note(before: TrainSpec, after: TrainSpec) -> str:
    """Return in words what a run takes over from the adapter that it starts from."""
    layers = ", ".join(after.target_modules)
    own = f"rank {after.r}, alpha {after.alpha} and its layers ({layers}) are its own"
    differs = any(
        getattr(before, name) != getattr(after, name)
        for name in ("r", "alpha", "adapter", "target_modules")
    )
    return f"starts from {shown(Path(after.resume_from))}" + (f": {own}" if differs else "")


def take_weights(spec: TrainSpec, loaded: Loaded) -> None:
    """Put the weights of the adapter that a spec names into a model's fresh adapter.

    Args:
        spec: The run's specification; one that starts from no adapter changes nothing.
        loaded: The base with an adapter of the same rank and layers.

    Raises:
        AdapterInvalid: The file is damaged.
        AdapterMismatch: The adapter is of other layers or sizes than the model's.
    """
    if not spec.resume_from:
        return
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = read_adapter(spec.resume_from).directory
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise AdapterInvalid(
            f"the adapter in {shown(folder)} can't be read: {error}", hint="get the file again"
        ) from error
    model = loaded.model
    mine = get_peft_model_state_dict(model, save_embedding_layers=False)
    for name in sorted(mine.keys() | weights.keys()):
        there, here = weights.get(name), mine.get(name)
        if there is None or here is None or there.shape != here.shape:
            raise AdapterMismatch(
                f"the adapter in {shown(folder)} differs from {spec.base}'s at {name}",
                hint="start without it, or from an adapter that was trained on this base",
            )
    set_peft_model_state_dict(model, weights)
    print(f"starts from the adapter in {shown(folder)}", flush=True)


def _fields_of(adapter: Adapter) -> dict[str, Any]:
    """Return the spec's fields as an adapter has them."""
    config = read_json(adapter.directory / ADAPTER_CONFIG)
    where = shown(adapter.directory)
    kind = str(config.get("peft_type") or "LORA").upper()
    if kind != "LORA":
        raise AdapterInvalid(
            f"the adapter in {where} is of the kind {kind}, and only LoRA's can be trained on",
            hint="start without it, or merge it into its base and train on that",
        )
    odd = [name for name in _LEFT_ALONE if config.get(name)]
    if config.get("bias") not in (None, "none"):
        odd.append("bias")
    if odd:
        raise AdapterInvalid(
            f"the adapter in {where} has settings that a run here can't keep: {', '.join(odd)}",
            hint="merge it into its base, and train a new adapter on that",
        )
    rank, alpha = _whole(config, "r", where), _whole(config, "lora_alpha", where)
    rslora, dora = bool(config.get("use_rslora")), bool(config.get("use_dora"))
    if rslora and dora:
        raise AdapterInvalid(
            f"the adapter in {where} is both rsLoRA and DoRA", hint="start without it"
        )
    return {
        "r": rank,
        "alpha": alpha,
        "adapter": "dora" if dora else "rslora" if rslora else "lora",
        "target_modules": _layers_of(adapter, config),
    }


def _layers_of(adapter: Adapter, config: Mapping[str, Any]) -> tuple[str, ...]:
    listed = config.get("target_modules")
    names = listed if isinstance(listed, list) else list(adapter.layers)
    experts = config.get("target_parameters") or []
    found = {str(name).rpartition(".")[2] for name in (*names, *experts)}
    if not found:
        raise AdapterInvalid(
            f"the adapter in {shown(adapter.directory)} has no layers", hint="get it again"
        )
    return tuple(sorted(found))


def _whole(config: Mapping[str, Any], name: str, where: str) -> int:
    value = config.get(name, _DEFAULTS[name])
    if not isinstance(value, int | float) or value != int(value) or value < 1:
        raise AdapterInvalid(
            f"the adapter in {where} has {name} {value!r}, which is no whole number",
            hint="merge it into its base, and train a new adapter on that",
        )
    return int(value)


def _same(asked: object, own: object) -> bool:
    if isinstance(asked, tuple) and isinstance(own, tuple):
        # Which layers "all" are is known once the base is loaded; the adapter's are taken.
        return ALL_LINEAR in asked or set(asked) == set(own)
    return asked == own


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
