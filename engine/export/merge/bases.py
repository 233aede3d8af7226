"""Which base an export merges into: the run's own, where it is now, or its original in 16 bits.

Looks at small files alone; the numbers are compared by the job (``original.py``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.bases import Base, installed, presets, resolve
from engine.bases.check import inspect
from engine.bases.locate import shown
from engine.bases.registry import slug
from engine.bases.template import read_json
from engine.errors import BaseError, BaseInvalid, BaseMissing, ExportError

_PACKED_NAME = re.compile(r"(?:-unsloth)?-bnb-[48]bit$", re.IGNORECASE)
_CARD_BASE = re.compile(
    r"^base_model:[ \t]*(?:\n[ \t]*-[ \t]*)?[\"']?([\w.-]+/[\w.-]+)", re.MULTILINE
)
_CARD_BYTES = 65_536


def base_of_run(spec: Mapping[str, Any]) -> Base:
    """Return the base that a run was trained on, also where it has moved since.

    It is looked for in the directory that the run names, by its name, and among all bases that
    were added here by what it is made of.

    Args:
        spec: The run's ``spec.toml``.

    Raises:
        BaseMissing: It is not here; the message says where it was.
        BaseInvalid: It is damaged.
        ExportError: What is there now is another model.
    """
    directory, name = str(spec.get("base_dir", "")), str(spec.get("base", ""))
    wanted = str(spec.get("base_fingerprint", ""))
    gone = bool(directory) and not Path(directory).is_dir()
    try:
        base = resolve(name if gone or not directory else directory)
        if not wanted or base.fingerprint == wanted:
            return _called(base, name)
    except BaseError as error:
        if (found := _by_fingerprint(wanted)) is not None:
            return found
        if gone or (isinstance(error, BaseMissing) and not directory):
            raise _moved(name, directory) from error
        raise
    if (found := _by_fingerprint(wanted)) is not None:
        return found
    if gone:
        raise _moved(name, directory)
    raise ExportError(
        f"the base model {base.name} has changed since the run was trained on it",
        hint="put the former files back, or add the folder where they are now with: "
        "finetui bases add FOLDER; or train again",
    )


def _called(base: Base, name: str) -> Base:
    """Return a base under the name that its run has for it.

    A directory's own name says little where it lies outside of this machine's own bases: what was
    imported there is in a folder ``hf``.
    """
    if not name or name.startswith((".", "~")) or Path(name).exists():
        return base
    return replace(base, name=slug(name))


def check_form(base: Base) -> None:
    """Raise where a base's weights are stored in a form that can't be merged into.

    Args:
        base: The base.

    Raises:
        BaseInvalid: They are packed by something else than bitsandbytes.
    """
    form = packed_form(base.directory)
    if form in ("", "bitsandbytes"):
        return
    raise BaseInvalid(
        f"the weights of {base.name} are stored as {form}, to which an adapter can't be added",
        hint="add its original in 16 bits with finetui bases add, and name that one with "
        "--merge-into",
    )


def packed_form(directory: Path) -> str:
    """Return by what a base's weights were packed, such as "bitsandbytes" or "gptq"; or nothing."""
    stored = read_json(directory / "config.json").get("quantization_config")
    if not isinstance(stored, dict) or not stored:
        return ""
    if stored.get("load_in_4bit") or stored.get("load_in_8bit"):
        return "bitsandbytes"
    return str(stored.get("quant_method") or "a form without a name").lower()


def original_of(base: Base, named: str = "") -> Base | None:
    """Return the original in 16 bits of a packed base, where it is on this machine.

    Args:
        base: The base that a run was trained on.
        named: The original that a person named; the packed base itself means none.

    Returns:
        None where the base is merged into as it is.

    Raises:
        BaseMissing: The one that was named is not here.
        BaseInvalid: It is no usable base, or packed too.
    """
    if named:
        chosen = resolve(named)
        if chosen.directory == base.directory or chosen.fingerprint == base.fingerprint:
            return None
        if not packed_form(base.directory):
            raise ExportError(
                f"{base.name} is stored in 16 bits itself, so the run is merged into it",
                hint="leave out --merge-into",
            )
        if packed_form(chosen.directory):
            raise BaseInvalid(
                f"{chosen.name} is packed itself, and an original in 16 bits is wanted",
                hint="name another base with --merge-into, or leave it out",
            )
        return chosen
    if packed_form(base.directory) != "bitsandbytes":
        return None
    for candidate in _originals(base):
        if (found := _at_hand(candidate)) is not None and not packed_form(found.directory):
            return found
    return None


def _by_fingerprint(wanted: str) -> Base | None:
    if not wanted:
        return None
    return next((base for base in installed() if base.fingerprint == wanted), None)


def _moved(name: str, directory: str) -> BaseMissing:
    where = f"at {shown(directory)}" if directory else "on this machine"
    return BaseMissing(
        f"the base model {name} that the run was trained on is not {where} any more",
        hint="put it back, or say where it is now with: finetui bases add FOLDER (it is known "
        "again by its contents)",
    )


def _originals(base: Base) -> list[str]:
    """Return hub ids, or last parts of such, that may be a packed base's original."""
    names = [base.hub_id, base.directory.name, base.name]
    found = [_PACKED_NAME.sub("", name) for name in names if _PACKED_NAME.search(name)]
    for preset in presets():
        if preset.four_bit_id and base.hub_id.lower() == preset.four_bit_id.lower():
            found += [preset.hub_id, preset.name]
    try:
        with (base.directory / "README.md").open(encoding="utf-8", errors="replace") as card:
            # A model's card names the one that it was made from.
            found += _CARD_BASE.findall(card.read(_CARD_BYTES))[:1]
    except OSError:
        pass
    return list(dict.fromkeys(found))


def _at_hand(name: str) -> Base | None:
    """Return a base of a name that was added here, or lies in the hub's cache."""
    last = slug(name.rpartition("/")[2])
    for base in installed():
        known = {base.name, slug(base.hub_id), slug(base.hub_id.rpartition("/")[2])}
        if slug(name) in known or last in known:
            return base
    if "/" in name and (folder := _in_hub_cache(name)) is not None:
        try:
            return inspect(folder, slug(name), hub_id=name)
        except BaseError:
            return None
    return None


def _in_hub_cache(name: str) -> Path | None:
    """Return where the hub's own cache has the newest snapshot of a model.

    The layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    folder = cache / f"models--{name.replace('/', '--')}"
    try:
        revision = (folder / "refs" / "main").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    snapshot = folder / "snapshots" / revision
    return snapshot if (snapshot / "config.json").is_file() else None
