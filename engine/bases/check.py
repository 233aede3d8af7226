"""Looking at a Hugging Face directory without loading the model."""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.bases.base import Base
from engine.bases.locate import left_by_git, no_model_in, no_weights_in, shown
from engine.bases.presets import fitting
from engine.bases.template import own_template, read_json, stand_in_template
from engine.errors import BaseInvalid, BaseMissing

_BLOCKS = 16
_BLOCK_BYTES = 65_536
# The upper bound that safetensors itself sets on a header.
_MAX_HEADER = 100_000_000
# What bitsandbytes stores beside a packed weight.
_QUANT_STATE = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", ".quant_state")


def inspect(directory: Path, name: str, *, hub_id: str = "", embedded: bool = False) -> Base:
    """Check that a directory holds a usable model and describe it.

    Args:
        directory: The Hugging Face directory.
        name: The name that the base will have.
        hub_id: Where it was downloaded from.
        embedded: Whether it is the embedded model.

    Raises:
        BaseInvalid: A file is missing or damaged; the message names it.
        BaseMissing: Its files are links to what is not there any more.
    """
    _check_links(directory, name)
    if not (directory / "config.json").is_file() and (why := no_model_in(directory)) is not None:
        raise why
    _require(directory, "config.json", "it says how the model is built")
    if not read_json(directory / "config.json").get("model_type"):
        raise BaseInvalid(
            f"{shown(directory)}/config.json names no model_type",
            hint="get the directory again; the file is damaged or another program's",
        )
    _require(
        directory,
        "tokenizer.json",
        "save it with transformers: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)",
    )
    if "model" not in read_json(directory / "tokenizer.json"):
        raise BaseInvalid(
            f"{shown(directory)}/tokenizer.json is damaged", hint="get the file again"
        )
    headers = {path: tensor_entries(path) for path in weight_files(directory)}
    _check_index(directory, headers)
    parameters = sum(_parameters(header) for header in headers.values())
    quant, preset = fitting(parameters)
    template = own_template(directory)
    note = ""
    if not template:
        template = stand_in_template(directory)
        note = "it has no chat template of its own; a plain one stands in"
    return Base(
        name=name,
        directory=directory,
        fingerprint=fingerprint(directory),
        chat_template=template,
        default_quant=quant,
        parameters=parameters,
        preset=preset,
        embedded=embedded,
        hub_id=hub_id,
        note=note,
    )


def _check_links(directory: Path, name: str) -> None:
    """Raise where files of a model are links to a folder that is not there any more.

    One with a template of its own is made of links to another's files.
    """
    needed = [directory / "config.json", directory / "tokenizer.json"]
    for path in [*needed, *sorted(directory.glob("model*.safetensors*"))]:
        if path.is_symlink() and not path.exists():
            folder = (directory / os.readlink(path)).parent
            raise BaseMissing(
                f"the base model {name} is made of files in {shown(folder)}, where there is no "
                f"{path.name} any more",
                hint="put it back; or add the folder where it is now, as it was added before: "
                "finetui bases add FOLDER, with its --template where it had one",
            )


def _check_index(directory: Path, headers: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raise where the index names a tensor that is in no file; loading would make numbers up."""
    index = read_json(directory / "model.safetensors.index.json").get("weight_map")
    there = set().union(*headers.values())
    missing = sorted(set(index) - there) if isinstance(index, dict) else []
    if missing:
        raise BaseInvalid(
            f"{shown(directory)} has no {missing[0]}, which its index names ({len(missing)} of "
            f"{len(index or ())} tensors missing)",
            hint="its files are not of one model; get the weights again",
        )


def _require(directory: Path, name: str, why: str) -> None:
    if not (directory / name).is_file():
        raise BaseInvalid(f"{shown(directory)} has no {name}", hint=why)


def weight_files(directory: Path) -> list[Path]:
    """Return a model's safetensors files, in order of their names.

    Raises:
        BaseInvalid: There are none, or the index names a file that is not there.
    """
    index = read_json(directory / "model.safetensors.index.json").get("weight_map")
    if isinstance(index, dict):
        names = sorted({str(value) for value in index.values()})
        missing = [name for name in names if not (directory / name).is_file()]
        if missing:
            raise BaseInvalid(
                f"{shown(directory)} lacks {missing[0]} ({len(missing)} of {len(names)} missing)",
                hint="the download is not whole; get the missing files",
            )
        return [directory / name for name in names]
    files = sorted(directory.glob("model*.safetensors"))
    if not files:
        if (why := no_weights_in(directory)) is not None:
            raise why
        raise BaseInvalid(
            f"{shown(directory)} has no weights as safetensors",
            hint="save it with transformers: model.save_pretrained(DIR)",
        )
    return files


def tensor_entries(path: Path) -> dict[str, Any]:
    """Read a safetensors header and check that the file is as long as it says.

    The layout (8 bytes of length, JSON, then the data) is the format's own
    definition: https://huggingface.co/docs/safetensors/index#format

    Returns:
        For each tensor its ``dtype``, ``shape`` and ``data_offsets``.

    Raises:
        BaseInvalid: The file is damaged or not whole.
    """
    damaged = BaseInvalid(f"{shown(path)} is damaged or not whole", hint="get the file again")
    if left_by_git(path):
        raise BaseInvalid(
            f"{shown(path)} is a Git LFS pointer: the weights were not downloaded",
            hint="get them with: git lfs pull, in that folder",
        )
    size = path.stat().st_size
    with path.open("rb") as handle:
        start = handle.read(8)
        if len(start) < 8:
            raise damaged
        (length,) = struct.unpack("<Q", start)
        if length > min(_MAX_HEADER, size - 8):
            raise damaged
        try:
            header = json.loads(handle.read(length))
        except ValueError as error:
            raise damaged from error
    if not isinstance(header, dict):
        raise damaged
    header.pop("__metadata__", None)
    try:
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise damaged from error
    if size != 8 + length + end:
        raise damaged
    return header


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a safetensors file, by its header alone.

    Raises:
        BaseInvalid: The file is damaged.
    """
    return {name: tuple(entry["shape"]) for name, entry in tensor_entries(path).items()}


def _parameters(header: Mapping[str, Any]) -> int:
    total = 0
    for name, entry in header.items():
        if any(part in name for part in _QUANT_STATE):
            continue
        count = math.prod(entry["shape"])
        # Two 4-bit weights share a byte.
        total += 2 * count if entry["dtype"] == "U8" else count
    return total


def fingerprint(directory: Path) -> str:
    """Return a hash that changes when the model does, without reading all of it.

    Hashed are the configuration, tokenizer and template in full and, of each
    weights file, its name, size, its first 64 KiB (most of the header) and 16
    blocks of 64 KiB spread evenly: a moment even for 16 GB.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in ("config.json", "tokenizer.json"):
        digest.update((directory / name).read_bytes())
    digest.update((own_template(directory) or stand_in_template(directory)).encode())
    for path in weight_files(directory):
        size = path.stat().st_size
        digest.update(f"\0{path.name}\0{size}\0".encode())
        with path.open("rb") as handle:
            for block in range(_BLOCKS + 1):
                handle.seek(block * max(size - _BLOCK_BYTES, 0) // _BLOCKS)
                digest.update(handle.read(_BLOCK_BYTES))
    return "b2-" + digest.hexdigest()
