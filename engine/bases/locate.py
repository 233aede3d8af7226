"""What a text that names a base points to on this machine, and why that may be no base.

A path that exists is never called missing: a file, an adapter, a folder that can't be opened and a
link that leads nowhere each have a message of their own.
"""

from __future__ import annotations

import os
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.bases.template import read_json
from engine.errors import AccessRefused, BaseInvalid, BaseMissing, FinetuiError
from engine.paths import shell_path, shorten

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
"""What a hub id looks like: ``owner/model``."""

ADAPTER_CONFIG = "adapter_config.json"
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz", ".7z", ".zst")
_LFS = b"version https://git-lfs.github.com/spec/"
_MOST_ENTRIES = 1_000


def is_path(text: str) -> bool:
    """Say whether a text means a place on this machine rather than a name or a hub id.

    What exists wins over a hub id that is spelt like it.
    """
    if text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
        return True
    return "/" in text and _is_there(Path(text))


def named_path(text: str) -> str:
    """Return a text as it names a path or a base: without spaces around it, unless a file has them.

    Raises:
        BaseMissing: It is a web address, and no path of that spelling exists.
    """
    if text != text.strip() and _is_there(expanded(text)):
        return text
    text = text.strip()
    address = urlsplit(text) if "://" in text else None
    if address is not None:
        model = "/".join(address.path.strip("/").split("/")[:2])
        known = HUB_ID.fullmatch(model) and address.hostname
        raise BaseMissing(
            f"{shown(text)} is a web address, not a base",
            hint=f"name the model by its hub id: {model}"
            if known
            else "name the model by its hub id, such as owner/model, or give a folder",
        )
    return text


def expanded(text: str) -> Path:
    """Return a path with ``~`` as the home folder; one of an unknown user stays as it is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such user
        return Path(text)


def model_folder(path: Path) -> Path:
    """Return the folder that a path leads to, all links followed.

    Args:
        path: A path as a person wrote it, relative to where they stand.

    Raises:
        BaseMissing: Nothing is there, or a link leads to where nothing is.
        BaseInvalid: It is no folder.
        AccessRefused: It can't be looked at.
    """
    try:
        resolved = path.resolve(strict=True)
        if resolved.is_dir():
            with os.scandir(resolved):
                return resolved
    except PermissionError as error:
        raise _refused(path, error) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _nothing_there(path) from error
    except (OSError, RuntimeError, ValueError) as error:
        # A circle of links, a name that is too long, a null byte; RuntimeError before Python 3.13.
        raise _unusable(path, error) from error
    raise _no_folder(resolved)


def no_model_in(folder: Path) -> FinetuiError | None:
    """Return why a folder without ``config.json`` is no base; None where only that is known."""
    try:
        names = sorted(entry.name for entry in _entries(folder))
    except PermissionError as error:
        return _refused(folder, error)
    where = shown(folder)
    if not names:
        return BaseInvalid(f"{where} is empty", hint="check the path, or get the model again")
    if ADAPTER_CONFIG in names:
        return _adapter(folder)
    ggufs = [name for name in names if name.endswith(".gguf")]
    if ggufs:
        return BaseInvalid(
            f"{where} has no config.json: it holds a GGUF file ({shown(ggufs[0])}), a format to "
            "run a model, not to train it",
            hint="add the model it was made from: finetui bases add OWNER/MODEL",
        )
    inside = _model_below(folder)
    if inside is not None:
        return BaseInvalid(
            f"{where} has no config.json, but the folder {shown(inside.relative_to(folder))} in it "
            "has one",
            hint=f"use that folder: finetui bases add {shell_path(inside)}",
        )
    return None


def no_weights_in(folder: Path) -> FinetuiError | None:
    """Return why a folder has no weights that can be loaded, where more than that is known."""
    for pattern in _PICKLES:
        for path in sorted(folder.glob(pattern))[:1]:
            return BaseInvalid(
                f"{shown(folder)} has its weights as a pickle ({path.name}), which can run code "
                "when it is loaded",
                hint="save it as safetensors with transformers: model.save_pretrained(DIR)",
            )
    return None


def left_by_git(path: Path) -> bool:
    """Say whether a weights file is only the note that Git LFS leaves in its place."""
    with path.open("rb") as handle:
        return handle.read(len(_LFS)) == _LFS


def shown(path: Path | str) -> str:
    """Return a path as a message shows it: whole, printable, and quoted where it has spaces."""
    text = shorten(path, sys.maxsize)
    if text.isprintable() and text == text.strip() and "  " not in text:
        return text
    return shell_path(path)


def _is_there(path: Path) -> bool:
    """Say whether a path exists, be it a link that leads nowhere or one in a closed folder."""
    try:
        path.lstat()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)]


def _model_below(folder: Path) -> Path | None:
    """Return the newest model's folder up to two levels down, as in the hub's own cache."""
    found = []
    for pattern in ("*/config.json", "*/*/config.json"):
        found += [path.parent for path in sorted(folder.glob(pattern))[:_MOST_ENTRIES]]
    found = [path for path in found if read_json(path / "config.json").get("model_type")]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _adapter(folder: Path) -> BaseInvalid:
    config = read_json(folder / ADAPTER_CONFIG)
    base: Any = config.get("base_model_name_or_path")
    trained_on = f": it was trained on {base}" if isinstance(base, str) and base else ""
    return BaseInvalid(
        f"{shown(folder)} is an adapter, not a base{trained_on}",
        hint="train on its base; to go on from the adapter, add "
        f"--resume-from {shell_path(folder)}",
    )


def _nothing_there(path: Path) -> BaseMissing:
    text = str(path)
    if text.startswith("~"):
        return BaseMissing(
            f"there is no user {text.split('/', 1)[0][1:]} on this machine",
            hint="write the whole path",
        )
    for part in (path, *path.parents):
        if part.is_symlink() and not part.exists():
            return BaseMissing(
                f"{shown(part)} is a link to {shown(os.readlink(part))}, which does not exist",
                hint="make the link again, or name the folder itself",
            )
    parent = path.parent
    for part in path.parents:
        if part.exists() and not part.is_dir():
            return BaseMissing(
                f"there is no folder {shown(path)}: {shown(part)} is a file",
                hint="check the path's spelling",
            )
        if part.is_dir():
            parent = part
            break
    missing = path if parent == path.parent else Path(*path.parts[: len(parent.parts) + 1])
    try:
        names = [entry.name for entry in _entries(parent) if entry.is_dir()]
    except OSError:
        names = []
    near = get_close_matches(missing.name, names, n=1)
    return BaseMissing(
        f"there is no folder {shown(missing)}",
        hint=f"did you mean {shown(parent / near[0])}?" if near else "check the path's spelling",
    )


def _refused(path: Path, error: PermissionError) -> AccessRefused:
    named = error.filename if isinstance(error.filename, str | Path) else path
    return AccessRefused(
        f"the base {shown(path)} can't be opened: no permission to read {shown(named)}",
        hint=f"check who may read it, with: ls -ld {shell_path(named)}",
    )


def _unusable(path: Path, error: Exception) -> BaseInvalid:
    if isinstance(error, RuntimeError) or "symbolic link" in str(error):
        why = "its symbolic links go in a circle"
    elif isinstance(error, ValueError):
        why = "it contains a null byte"
    else:
        why = (getattr(error, "strerror", None) or str(error)).lower()
    return BaseInvalid(f"{shown(path)} can't be a base: {why}", hint="check the path")


def _no_folder(path: Path) -> FinetuiError:
    """Say what a file is that was given as a base."""
    where = shown(path)
    if not path.is_file():
        return BaseInvalid(f"{where} is neither a file nor a folder", hint="give a model's folder")
    try:
        with path.open("rb") as handle:
            start = handle.read(len(_LFS))
    except PermissionError as error:
        return _refused(path, error)
    suffix = path.suffix.lower()
    if start[:4] == b"GGUF" or suffix == ".gguf":
        return BaseInvalid(
            f"{where} is a GGUF file, a format to run a model, not to train it",
            hint="add the model it was made from: finetui bases add OWNER/MODEL",
        )
    beside = path.parent if (path.parent / "config.json").is_file() else None
    whole = (
        f"add the folder that it is in: finetui bases add {shell_path(beside)}"
        if beside
        else "give the model's whole folder: config.json, tokenizer.json and the weights"
    )
    if suffix == ".safetensors":
        return BaseInvalid(f"{where} is one file of a model's weights, not a base", hint=whole)
    if suffix in (".bin", ".pt", ".pth", ".ckpt"):
        return BaseInvalid(f"{where} is a pickle of weights, not a base", hint=whole)
    if suffix in _ARCHIVES:
        return BaseInvalid(
            f"{where} is an archive, not a base", hint="unpack it, and add the folder it makes"
        )
    return BaseInvalid(f"{where} is a file, not a model's folder", hint=whole)
