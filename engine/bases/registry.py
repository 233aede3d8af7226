"""The base models on this machine: adding, finding and listing them.

A base lives under ``bases_dir()/<name>/``: ``hf/`` with its files where finetui
brought them, and ``base.json``, which is written last and makes it count. A
directory that a person added stays where it is; only the record is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.bases.base import Base, BasePreset
from engine.bases.check import inspect
from engine.bases.embedded import embedded_gguf
from engine.bases.files import clear_abandoned, publish, sync_tree
from engine.bases.locate import HUB_ID, expanded, is_path, model_folder, named_path, shown
from engine.bases.presets import PRESETS, known_names, preset_for
from engine.bases.template import TEMPLATE_FILES, own_template, read_json
from engine.child import Progress, quiet, run_child
from engine.errors import BaseError, BaseInvalid, BaseMissing
from engine.near import did_you_mean
from engine.paths import bases_dir, write_atomic
from engine.setup import require

RECORD = "base.json"
_VERSION = 1
_WEIGHTS = "model*.safetensors*"
_SMALL_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
)


def presets() -> list[BasePreset]:
    """Return the base models known by name, the embedded one first."""
    return list(PRESETS.values())


def installed() -> list[Base]:
    """Return the bases that are here and usable, by name."""
    found = []
    for record in sorted(bases_dir().glob(f"*/{RECORD}")):
        try:
            found.append(_recorded(record.parent.name))
        except (BaseMissing, BaseInvalid):
            # A directory that was moved away is no reason to hide the others;
            # `resolve` says what is wrong with it.
            continue
    return found


def resolve(name_or_path: str) -> Base:
    """Return the base that a name, hub id or directory means, without a network.

    Raises:
        BaseMissing: It is not here; the hint says how to get it.
        BaseInvalid: It is here, and damaged.
    """
    text = named_path(name_or_path)
    if is_path(text):
        return _local(expanded(text))
    preset = preset_for(text)
    name = preset.name if preset else slug(text)
    if (bases_dir() / name / RECORD).is_file():
        return _recorded(name)
    if preset is not None or HUB_ID.fullmatch(text):
        raise BaseMissing(
            f"the base model {text} is not on this machine yet",
            hint=f"get it with: finetui bases add {text}" + _or_a_folder(text),
        )
    if text and os.path.lexists(text):
        return _local(Path(text))
    raise _unknown(text)


def add(name_or_path: str, *, progress: Progress = quiet) -> Base:
    """Bring a base model here, once; one that is here already is returned as it is.

    Args:
        name_or_path: A preset's name, a hub id, or a directory.
        progress: Called with steps or bytes done and in total.

    Raises:
        BaseMissing: There is no such model, or no way to it.
        BaseInvalid: It is not a usable model.
        DependencyMissing: The package with the embedded model is not installed.
        DiskFull: There is no room for it.
    """
    text = named_path(name_or_path)
    preset = None if is_path(text) else preset_for(text)
    if preset is None and (is_path(text) or not HUB_ID.fullmatch(text)):
        if not is_path(text) and not (text and os.path.lexists(text)):
            raise _unknown(text)
        return _record(_local(expanded(text)))
    try:
        return resolve(text)
    except (BaseMissing, BaseInvalid):
        # Not here, or no longer whole: bring it (again).
        pass
    if preset is not None and preset.embedded:
        return _add_embedded(preset, progress)
    return _add_from_hub(preset.hub_id if preset else text, preset, progress)


def can_be_brought(name_or_path: str) -> bool:
    """Say whether a base that is not here is one that :func:`add` would ask for elsewhere."""
    text = name_or_path.strip()
    if is_path(text):
        return False
    return preset_for(text) is not None or HUB_ID.fullmatch(text) is not None


def with_template(base: Base, text: str, label: str) -> Base:
    """Make a base that is another one with another chat template.

    Its folder holds links to the other's files and a template of its own, so that whatever
    reads a base (training, export, the server) finds that template in it.

    Args:
        base: The base; its files stay where they are.
        text: The template's Jinja text.
        label: What is added to the base's name.

    Raises:
        BaseInvalid: The base is damaged.
        DiskFull: There is no room for the links.
    """
    name = f"{base.name}-{slug(label)}"
    target = bases_dir() / name / "hf"
    if target.is_dir() and own_template(target) == text:
        return resolve(name)
    temporary = bases_dir() / name / f".hf.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        for path in base.directory.iterdir():
            if path.name not in TEMPLATE_FILES:
                (temporary / path.name).symlink_to(path.resolve())
        settings = read_json(base.directory / "tokenizer_config.json")
        settings.pop("chat_template", None)
        write_atomic(temporary / "tokenizer_config.json", json.dumps(settings, indent=2).encode())
        write_atomic(temporary / "chat_template.jinja", text.encode())
        shutil.rmtree(target, ignore_errors=True)
        publish(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    made = inspect(target, name, hub_id=base.hub_id, embedded=base.embedded)
    return _record(replace(made, default_quant=base.default_quant, preset=base.preset))


def _add_embedded(preset: BasePreset, progress: Progress) -> Base:
    target = _fresh_folder(preset.name, hub_id="", embedded=True)
    if not target.is_dir():
        require("base")
        clear_abandoned(target.parent, f".{target.name}")
        run_child(
            "engine.bases.import_gguf",
            [str(embedded_gguf()), str(target)],
            progress,
            environment={"HF_HUB_OFFLINE": "1"},
            otherwise=BaseError,
        )
    return _record(_named(inspect(target, preset.name, embedded=True), preset))


def _add_from_hub(hub_id: str, preset: BasePreset | None, progress: Progress) -> Base:
    name = preset.name if preset else slug(hub_id)
    target = _fresh_folder(name, hub_id=hub_id, embedded=False)
    if not target.is_dir():
        download = target.with_name(".download")
        run_child("engine.bases.download", [hub_id, str(download)], progress, otherwise=BaseError)
        shutil.rmtree(download / ".cache", ignore_errors=True)
        # Checked before it gets its place, so that a place is never held by rubbish.
        inspect(download, name, hub_id=hub_id)
        sync_tree(download)
        publish(download, target)
    return _record(_named(inspect(target, name, hub_id=hub_id), preset))


def _fresh_folder(name: str, *, hub_id: str, embedded: bool) -> Path:
    """Return where a base's files belong; a folder there that is damaged is removed."""
    target = bases_dir() / name / "hf"
    if target.is_dir():
        try:
            inspect(target, name, hub_id=hub_id, embedded=embedded)
        except (BaseInvalid, BaseMissing):
            shutil.rmtree(target)
    return target


def _named(base: Base, preset: BasePreset | None) -> Base:
    if preset is None:
        return base
    return replace(base, default_quant=preset.default_quant, preset=preset.preset)


def _local(directory: Path) -> Base:
    directory = model_folder(directory)
    for base in installed():
        if base.directory == directory:
            return base
    return inspect(directory, _local_name(directory))


def _local_name(directory: Path) -> str:
    """Return a name for a directory that no other base has."""
    name = slug(directory.name)
    record = read_json(bases_dir() / name / RECORD)
    taken = record and record.get("directory") != str(directory)
    if taken or name in PRESETS or not name:
        tail = hashlib.blake2b(str(directory).encode(), digest_size=3).hexdigest()
        name = f"{name or 'base'}-{tail}"
    return name


def slug(text: str) -> str:
    """Return a name fit for a folder: a hub id's slash becomes two dashes."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower().replace("/", "--")).strip("-.")


def _record(base: Base) -> Base:
    fields: dict[str, Any] = asdict(base) | {
        "v": _VERSION,
        "directory": str(base.directory),
        "signature": _signature(base.directory),
    }
    data = json.dumps(fields, indent=2) + "\n"
    write_atomic(bases_dir() / base.name / RECORD, data.encode())
    return base


def _recorded(name: str) -> Base:
    """Return a base by its record, looked at again where its files have changed."""
    fields = read_json(bases_dir() / name / RECORD)
    # A cache can be moved as a whole; files that finetui brought move with it.
    owned = bases_dir() / name / "hf"
    directory = owned if owned.is_dir() else Path(str(fields.get("directory", "")))
    if fields.get("v") != _VERSION or not directory.is_dir():
        raise BaseMissing(
            f"the base model {name} is not at {shown(directory)} any more",
            hint=f"put it back, or add it again with: finetui bases add {name}",
        )
    if fields.get("signature") == _signature(directory):
        return Base(
            name=name,
            directory=directory,
            fingerprint=str(fields["fingerprint"]),
            chat_template=str(fields["chat_template"]),
            default_quant=str(fields["default_quant"]),
            parameters=int(fields["parameters"]),
            preset=str(fields["preset"]),
            embedded=bool(fields["embedded"]),
            hub_id=str(fields["hub_id"]),
            note=str(fields["note"]),
        )
    base = inspect(directory, name, hub_id=str(fields["hub_id"]), embedded=bool(fields["embedded"]))
    return _record(_named(base, PRESETS.get(name)))


def _signature(directory: Path) -> list[list[Any]]:
    """Return names, sizes and times of a model's files: cheap, and new when one changes."""
    files = [directory / name for name in _SMALL_FILES] + sorted(directory.glob(_WEIGHTS))
    stats = ((path.name, path.stat()) for path in files if path.is_file())
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]


def _or_a_folder(text: str) -> str:
    """Return what to add where a hub id may be meant as a folder beside others."""
    if "/" not in text or not Path(text).parent.is_dir():
        return ""
    return f"; if a folder is meant, there is none at {shown(Path(text).resolve())}"


def _unknown(text: str) -> BaseMissing:
    near = did_you_mean(text, [*known_names(), *(base.name for base in installed())])
    return BaseMissing(
        f"there is no base model {text!r}",
        hint=(f"{near} " if near else "")
        + "finetui bases list names the presets; a hub id looks like owner/model, "
        "and a directory like ./model",
    )
