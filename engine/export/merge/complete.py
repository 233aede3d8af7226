"""Whether an adapter has all that its configuration says, by headers alone.

peft loads what it finds and leaves the rest as it was before training, with a warning; so half an
adapter would be merged without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.bases.adapters import WEIGHTS
from engine.bases.check import tensor_shapes, weight_files
from engine.bases.locate import ADAPTER_CONFIG
from engine.bases.shape import shape_of
from engine.bases.template import read_json
from engine.errors import AdapterInvalid
from engine.export.merge.names import core, in_model_words, is_embedding, is_head
from engine.export.merge.targets import ALL_LINEAR, REMEDY, Named, names_of
from engine.paths import shell_path

Shapes = Mapping[str, tuple[int, ...]]

_DOWN = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_(?:embedding_)?A(?:\.[^.]+)?")
_PARTS = (
    (
        re.compile(r"(?:base_model\.model\.)?(.+)\.lora_magnitude_vector(?:\..+)?"),
        "magnitude (lora_magnitude_vector)",
        "use_dora",
    ),
    (
        re.compile(r"(?:base_model\.model\.)?(.+)\.lora_B(?:\.[^.]+)?\.bias"),
        "bias (lora_B.bias)",
        "lora_bias",
    ),
)
_IN_STACK = re.compile(r"(.*?)\.(\d+)\.(.+)")
_EXPERT = re.compile(r"\.experts\.\d+\.")
_SHARED_AWAY = ("k_proj", "v_proj")


def check_complete(directory: Path, base: Path) -> None:
    """Raise where an adapter's tensors are not those that its configuration tells of.

    Args:
        directory: The adapter's folder; its settings and pairs were checked.
        base: The directory of the base that it is for.

    Raises:
        AdapterInvalid: Layers are missing, or of another rank, or not named.
        BaseInvalid: The base is damaged.
    """
    config = read_json(directory / ADAPTER_CONFIG)
    tensors = tensor_shapes(directory / WEIGHTS)
    stored: dict[str, tuple[int, ...]] = {}
    for path in weight_files(base):
        stored |= tensor_shapes(path)
    where = f"the adapter in {shell_path(directory)}"
    ranks = _ranks(tensors)
    modules = [*_beside(stored, ranks, read_json(base / "config.json")), *_outside(stored)]
    named = names_of(directory, config, [*modules, *ranks], list(ranks))
    _check_ranks(where, config, named, ranks, stored)
    _check_targets(where, config, named, ranks, modules)
    _check_parameters(where, config, ranks, stored)
    _check_parts(where, config, tensors, stored)
    _check_biases(where, config, ranks, tensors, stored)


def _ranks(tensors: Shapes) -> dict[str, int]:
    """Return the first size of each layer's A, which is its rank where it has no experts."""
    found: dict[str, int] = {}
    for name, shape in tensors.items():
        match = _DOWN.fullmatch(name.removesuffix(".weight"))
        if match is not None and shape:
            found[match[1].replace(".base_layer", "")] = shape[0]
    return found


def _stacks(layers: Iterable[str]) -> dict[str, set[str]]:
    """Return what a model calls the stacks in which an adapter has layers, by what is their core.

    A model of several parts may have been trained without one of them, whose tensors are in the
    base's files all the same; so only stacks are looked at in which there are layers.
    """
    found: dict[str, set[str]] = {}
    for layer in layers:
        if match := _IN_STACK.fullmatch(layer):
            found.setdefault(core(match[1]), set()).add(match[1])
    return found


def _placed(
    names: Iterable[str], layers: Iterable[str], depth: int
) -> Iterator[tuple[str, int, str]]:
    """Yield the model's name of a stack, the place in it and the rest of each name in a stack."""
    stacks = _stacks(layers)
    for name in names:
        match = _IN_STACK.fullmatch(name)
        if match is None:
            continue
        called = stacks.get(core(match[1]), ())
        # Layers beyond the last predict further tokens, and models are loaded without them.
        if len(called) == 1 and not (depth and int(match[2]) >= depth):
            yield next(iter(called)), int(match[2]), in_model_words(match[3])


def _beside(stored: Shapes, layers: Iterable[str], told: Mapping[str, Any]) -> list[str]:
    """Return the modules of a base in the stacks of an adapter, as the model calls them."""
    depth = shape_of(told).layers
    text = told.get("text_config")
    shared = (text if isinstance(text, Mapping) else told).get("num_kv_shared_layers")
    own = depth - shared if isinstance(shared, int) else depth
    experts = any(_EXPERT.search(layer) for layer in layers)
    matrices = (
        name.removesuffix(".weight")
        for name, shape in stored.items()
        if name.endswith(".weight") and len(shape) > 1
    )
    found = []
    for stack, place, rest in _placed(matrices, layers, depth):
        if place >= own > 0 and rest.endswith(_SHARED_AWAY):
            continue
        # Files may have each expert's matrices where the model has one tensor for all.
        if experts or not _EXPERT.search(f".{rest}."):
            found.append(f"{stack}.{place}.{rest}")
    return found


def _outside(stored: Shapes) -> list[str]:
    """Return the embeddings and the output matrix, where they are stored."""
    bare = (name.removesuffix(".weight") for name in stored if name.endswith(".weight"))
    return [name for name in bare if _is_vocabulary(name)]


def _check_ranks(
    where: str, config: Mapping[str, Any], named: Named, ranks: Mapping[str, int], stored: Shapes
) -> None:
    cores = {core(name) for name in stored}
    possible = {config.get("r", 8), *(config.get("rank_pattern") or {}).values()}
    for layer, found in ranks.items():
        told = named.ranks[layer]
        if config.get("target_parameters") or core(f"{layer}.weight") not in cores:
            fits = any(found % rank == 0 for rank in possible)  # A of all experts is one matrix
        else:
            fits = found == told
        if not fits:
            raise AdapterInvalid(
                f"{where} has {layer} at rank {found}, and its {ADAPTER_CONFIG} says {told}",
                hint=REMEDY,
            )


def _check_targets(
    where: str,
    config: Mapping[str, Any],
    named: Named,
    ranks: Mapping[str, int],
    modules: Sequence[str],
) -> None:
    wanted = config.get("target_modules")
    if not wanted:
        return
    if isinstance(wanted, str) and wanted.lower() == ALL_LINEAR:
        expected = [name for name in modules if not _is_vocabulary(name)]
        _check_missing(where, [name for name in expected if name not in ranks], len(expected))
        return
    ends = {name.rpartition(".")[2] for name in ranks}
    missing = []
    expected = [name for name in modules if name in named.targets]
    for name in expected:
        # Files and model may call what is around the embeddings otherwise.
        there = name.rpartition(".")[2] in ends if _is_vocabulary(name) else name in ranks
        if not there:
            missing.append(name)
    _check_missing(where, missing, len(expected))
    others = [name for name in ranks if name not in named.targets]
    if config.get("ensure_weight_tying"):  # peft then adapts both of two tied matrices
        others = [name for name in others if not _is_vocabulary(name)]
    if others and not config.get("target_parameters"):
        raise AdapterInvalid(
            f"{where} has tensors of {others[0]}, which its {ADAPTER_CONFIG} does not name"
            + (f" ({len(others)} layers)" if len(others) > 1 else ""),
            hint=REMEDY,
        )


def _check_missing(where: str, missing: Sequence[str], of: int) -> None:
    if missing:
        raise AdapterInvalid(
            f"{where} has no tensors of {missing[0]}, which its {ADAPTER_CONFIG} names "
            f"({len(missing)} of {of} layers missing)",
            hint=REMEDY,
        )


def _is_vocabulary(name: str) -> bool:
    return is_head(name) or is_embedding(name)


def _check_parameters(
    where: str, config: Mapping[str, Any], ranks: Mapping[str, int], stored: Shapes
) -> None:
    """Look for adapters on parameters, such as experts, in each layer that has them."""
    wanted = config.get("target_parameters")
    if not wanted or config.get("layers_to_transform") is not None or config.get("exclude_modules"):
        return
    cores = {core(name) for name in stored}
    # Which module a parameter belongs to need not be said; one layer tells it of all.
    owners = {entry.rpartition(".")[0] for entry in wanted} - {""}
    owners |= {
        rest
        for stack, place, rest in _placed(ranks, ranks, 0)
        if core(f"{stack}.{place}.{rest}.weight") not in cores
    }
    expected = set()
    for stack, place, rest in _placed(stored, ranks, 0):
        for owner in owners:
            before, inside, _ = f".{rest}".partition(f".{owner}.")
            if inside:
                expected.add(f"{stack}.{place}{before}.{owner}")
    missing = sorted(name for name in expected if name not in ranks)
    _check_missing(where, missing, len(expected))


def _check_parts(where: str, config: Mapping[str, Any], tensors: Shapes, stored: Shapes) -> None:
    """Look for what a layer has beside its pair, and for what was trained whole."""
    pairs = _having(_DOWN, (name.removesuffix(".weight") for name in tensors))
    for pattern, what, setting in _PARTS:
        there, told = _having(pattern, tensors), bool(config.get(setting))
        odd = sorted(pairs - there if told else there)
        if odd and told:
            raise AdapterInvalid(
                f"{where} has no {what} of {odd[0]}, and its {ADAPTER_CONFIG} has {setting}",
                hint=REMEDY,
            )
        if odd:
            raise AdapterInvalid(
                f"{where} has a {what} of {odd[0]}, and its {ADAPTER_CONFIG} is without {setting}",
                hint=REMEDY,
            )
    whole = [_bare(name) for name in tensors if ".lora_" not in name]
    for module in config.get("modules_to_save") or ():
        saved = any(f".{module}." in f".{name}." for name in whole)
        if not saved and any(_bare(name).endswith(module) for name in stored):
            raise AdapterInvalid(
                f"{where} has no tensors of {module}, which its {ADAPTER_CONFIG} says was trained "
                "as a whole (modules_to_save)",
                hint=REMEDY,
            )
    rows = any("trainable_tokens_delta" in name for name in tensors)
    if config.get("trainable_token_indices") and not rows:
        raise AdapterInvalid(
            f"{where} has no rows of the tokens that its {ADAPTER_CONFIG} names", hint=REMEDY
        )


def _check_biases(
    where: str,
    config: Mapping[str, Any],
    ranks: Mapping[str, int],
    tensors: Shapes,
    stored: Shapes,
) -> None:
    """Look for the base's own biases, which peft can train along."""
    kind = config.get("bias") or "none"
    if kind == "none":
        return
    cores = {core(name) for name in stored}
    there = {name.replace(".base_layer", "").removeprefix("base_model.model.") for name in tensors}
    lacking = [
        layer for layer in ranks if core(f"{layer}.bias") in cores and f"{layer}.bias" not in there
    ]
    if lacking:
        raise AdapterInvalid(
            f"{where} has no bias of {lacking[0]}, and its {ADAPTER_CONFIG} says that biases were "
            f"trained ({kind})",
            hint=REMEDY,
        )


def _having(pattern: re.Pattern[str], names: Iterable[str]) -> set[str]:
    return {match[1] for name in names if (match := pattern.fullmatch(name))}


def _bare(name: str) -> str:
    return name.removeprefix("base_model.model.").removesuffix(".weight")
