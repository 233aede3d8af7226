"""The form of a packed run: a ZIP with a manifest first, and which files may be in it.

``finetui-run.json`` says what the run is, and the size and SHA-256 of each file. A pack comes from
anywhere, so what may be in one is a short list of names in a fixed form: no other path, link or
device can be written from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import PackInvalid

MANIFEST = "finetui-run.json"
VERSION = 1
KIND = "finetui-run"

MANIFEST_LIMIT = 8_000_000
FILES_LIMIT = 20_000
TOTAL_LIMIT = 500_000_000_000
RATIO_LIMIT = 200
"""How many times larger than the pack its files may be; text shrinks by about ten."""
FREE_BYTES = 64_000_000
"""What may be written from any pack, however small it is."""

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_ADAPTER = rf"(?:adapter|best)/(?:{_WORD}\.(?:json|safetensors|md|jinja|txt|model))"
_CHECKPOINT = (
    rf"checkpoints/checkpoint-\d{{1,9}}/"
    rf"(?:{_WORD}\.(?:json|safetensors|md|jinja|txt|model)"
    r"|optimizer\.pt|scheduler\.pt|scaler\.pt|rng_state\.pth|training_args\.bin)"
)
_ALLOWED = re.compile(
    r"spec\.toml|events\.jsonl|stdout\.log|person\.json|card\.md"
    rf"|dataset/{_WORD}|{_ADAPTER}|{_CHECKPOINT}"
)
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
_READ_WHOLE = (".json", ".toml", ".jinja", ".md")
_READ_WHOLE_LIMIT = 128_000_000
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a pack: its bytes, and their SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a pack says of itself.

    ``base`` is the base's public name, ``hub_id`` its id on the hub if it has one, and
    ``fingerprint`` what its files were; see :func:`engine.bases.check.fingerprint`.
    """

    id: str
    base: str
    hub_id: str
    fingerprint: str
    trained: bool
    files: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The bytes of all files together."""
        return sum(entry.bytes for entry in self.files.values())

    def dump(self) -> bytes:
        """Return the manifest as it is written; equal ones have equal bytes."""
        value = {
            "v": VERSION,
            "kind": KIND,
            "id": self.id,
            "base": {"name": self.base, "hub_id": self.hub_id, "fingerprint": self.fingerprint},
            "trained": self.trained,
            "files": {
                name: {"bytes": entry.bytes, "sha256": entry.sha256}
                for name, entry in sorted(self.files.items())
            },
        }
        return json.dumps(value, indent=1, ensure_ascii=True).encode() + b"\n"


def is_allowed(path: str) -> bool:
    """Say whether a pack may hold a file of this path."""
    return _ALLOWED.fullmatch(path) is not None and ".." not in path


def parse_manifest(data: bytes) -> Manifest:
    """Return a manifest.

    Raises:
        PackInvalid: It is damaged, of another version, or names what no run has.
    """
    try:
        value: Any = json.loads(data)
        if value["kind"] != KIND:
            raise PackInvalid("the file is not a packed run", hint=_HINT)
        if value["v"] != VERSION:
            raise PackInvalid(
                f"the pack is of version {value['v']}, which is not known here",
                hint="bring finetui up to date",
            )
        base, files = value["base"], value["files"]
        manifest = Manifest(
            id=str(value["id"]),
            base=str(base["name"])[:200],
            hub_id=str(base["hub_id"])[:200],
            fingerprint=str(base["fingerprint"])[:200],
            trained=bool(value["trained"]),
            files={
                str(name): Entry(int(one["bytes"]), str(one["sha256"]))
                for name, one in files.items()
            },
        )
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise PackInvalid(f"the pack's {MANIFEST} is damaged", hint=_HINT) from error
    _check(manifest)
    return manifest


_HINT = "pack the run again with: finetui runs pack RUN"


def _check(manifest: Manifest) -> None:
    if not _RUN_ID.fullmatch(manifest.id):
        raise PackInvalid(f"the pack names a run {manifest.id[:60]!r}, which is no run's id")
    if len(manifest.files) > FILES_LIMIT:
        raise PackInvalid(f"the pack has {len(manifest.files):,} files, over {FILES_LIMIT:,}")
    for name, entry in manifest.files.items():
        if not is_allowed(name):
            raise PackInvalid(
                f"the pack holds {name[:120]!r}, which no packed run has",
                hint="nothing of it was written; get the pack from where it was made",
            )
        if entry.bytes < 0 or not _SHA256.fullmatch(entry.sha256):
            raise PackInvalid(f"the pack's {MANIFEST} is damaged at {name[:120]}", hint=_HINT)
        if name.endswith(_READ_WHOLE) and entry.bytes > _READ_WHOLE_LIMIT:
            raise PackInvalid(f"{name[:120]} of the pack is too large: {entry.bytes:,} bytes")
    lower = [name.casefold() for name in manifest.files]
    if len(set(lower)) < len(lower):
        raise PackInvalid("the pack names one file twice")
    if "spec.toml" not in manifest.files or "dataset/manifest.json" not in manifest.files:
        raise PackInvalid("the pack has no specification or no dataset", hint=_HINT)
    if manifest.total > TOTAL_LIMIT:
        raise PackInvalid(f"the pack would write {manifest.total / 1e9:,.0f} GB")
