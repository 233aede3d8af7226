"""What a saved adapter says about its base: a name that others know, and no folder of this machine.

peft writes the folder that the base was loaded from into ``adapter_config.json`` and its model
card. Adapters are published, and the folder names the user and their home.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from engine.bases import resolve
from engine.errors import FinetuiError
from engine.train.spec import TrainSpec

_CONFIG = "adapter_config.json"
_TEXTS = (_CONFIG, "README.md")
_FIELD = "base_model_name_or_path"


def public_name(spec: TrainSpec) -> str:
    """Return what a run's base is called elsewhere.

    It is its id on the hub where it has one, else its name here, or its folder's last name.
    """
    with suppress(FinetuiError, OSError):
        base = resolve(spec.base)
        if base.hub_id and base.directory.resolve() == Path(spec.base_dir).resolve():
            return base.hub_id
    return Path(spec.base.rstrip("/")).name or Path(spec.base_dir).name or "base"


def name_base(folder: Path, spec: TrainSpec, name: str) -> None:
    """Write a base's name in the place of its folder, in what peft has saved.

    Args:
        folder: An adapter's or a checkpoint's folder.
        spec: The run's specification, which goes on naming the folder.
        name: The name; see :func:`public_name`.
    """
    config = folder / _CONFIG
    if config.is_file():
        value = json.loads(config.read_text("utf-8"))
        if value.get(_FIELD):
            value[_FIELD] = name
            config.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")
    # Longest first, since one may be the beginning of the other.
    places = {spec.base_dir, str(Path(spec.base_dir).resolve())} - {""}
    for path in (folder / text for text in _TEXTS):
        if not path.is_file():
            continue
        text = found = path.read_text("utf-8", "surrogateescape")
        for place in sorted(places, key=len, reverse=True):
            text = text.replace(place, name)
        if text != found:
            path.write_text(text, "utf-8", "surrogateescape")
