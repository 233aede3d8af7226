"""What forms of models engines load, and whether their packages are there; nothing is loaded."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from engine.errors import DependencyMissing, EngineUnfit, TemplateError
from engine.models import Turn
from engine.paths import shorten
from engine.serve.engines.base import Served
from engine.serve.header import GgufHeader, read_header

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
_METADATA = "__metadata__"
_LONGEST_HEADER = 100 * 2**20  # as in safetensors


def gguf_header(model: Served) -> GgufHeader:
    """Return the header of a GGUF.

    Raises:
        EngineUnfit: The model is a folder, or has an adapter.
        GgufDamaged: The file is missing or not whole.
    """
    if model.path.is_dir() or model.adapter is not None:
        raise EngineUnfit(
            f"llama.cpp loads a GGUF, and {model.path.name} is a folder",
            hint="export it with: finetui export RUN, or choose --engine transformers",
        )
    return read_header(model.path)


def refuse_endless_template(header: GgufHeader, model: Served) -> None:
    """Refuse a file whose chat template works for ever on a question.

    llama.cpp runs the template while it loads, and has no limit for it. A template that fails here
    otherwise is left to llama.cpp, whose Jinja is another one.

    Raises:
        EngineUnfit: It does.
    """
    if not header.chat_template:
        return
    from engine.tokens.template import ChatTemplate

    try:
        ChatTemplate(header.chat_template, {}).text(
            [Turn("user", "Say hello.")], generation_prompt=True
        )
    except TemplateError as error:
        if any(words in error.message for words in _ENDLESS):
            reason = error.message.partition("conversation: ")[2] or error.message
            raise EngineUnfit(
                f"the chat template of {model.path.name} does not end: {reason}",
                hint="get the file again from where it came, or take another one",
            ) from error


_ENDLESS = ("without end", "Range too big", "that is too long", "that is too large")
"""What :class:`engine.tokens.template.ChatTemplate` and Jinja's sandbox say of such a template."""


def loading_s(path: Path, most_s: float) -> float:
    """Return how long a file may take to load, in seconds: a small one never takes minutes.

    Args:
        path: The file.
        most_s: The most for any file.
    """
    return min(most_s, _LOADING_S + path.stat().st_size / _LOADING_BYTES_PER_S)


_LOADING_S = 60.0
_LOADING_BYTES_PER_S = 10e6  # less than a slow disk reads


def refuse_embeddings(header: GgufHeader, model: Served) -> None:
    """Refuse a model that gives vectors and no text.

    Raises:
        EngineUnfit: It is one.
    """
    if header.embeds:
        raise EngineUnfit(
            f"{model.path.name} is an embedding model ({header.architecture})",
            hint="choose --engine native, which serves /v1/embeddings",
        )


def require_folder(model: Served) -> None:
    """Check that a model is a folder in Hugging Face's form, and its adapter a peft adapter's.

    Raises:
        EngineUnfit: It is not.
    """
    if not model.path.is_dir():
        raise EngineUnfit(
            f"transformers loads a folder, and {model.path.name} is a file",
            hint="choose --engine native for a GGUF",
        )
    _require_json(model.path / CONFIG, "a model in Hugging Face's form")
    _require_weights(model.path)
    if not (model.path / "tokenizer.json").is_file() and model.tokenizer_dir is None:
        raise EngineUnfit(
            f"{shorten(model.path)} has no tokenizer.json",
            hint="save the tokenizer beside the model with save_pretrained",
        )
    if model.adapter is not None:
        _require_json(model.adapter / ADAPTER_CONFIG, "a peft adapter")
        _require_weights(model.adapter)


def _require_weights(folder: Path) -> None:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise EngineUnfit(
            f"{shorten(folder)} has no weights in safetensors",
            hint="save them with save_pretrained",
        )
    for file in files:
        if not _is_whole(file):
            raise EngineUnfit(
                f"{shorten(file)} is not a whole file of weights",
                hint="get it again, or export the run again",
            )


def _is_whole(file: Path) -> bool:
    """Return whether a file is as long as its header says.

    Layout after https://github.com/huggingface/safetensors#format.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if length > min(size - 8, _LONGEST_HEADER):
                return False
            header = json.loads(handle.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != _METADATA]
        return size == 8 + length + max(ends, default=0)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return False


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON file's object; None where there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _require_json(path: Path, what: str) -> None:
    if read_json(path) is None:
        raise EngineUnfit(
            f"{shorten(path.parent)} is not {what}: it has no readable {path.name}",
            hint="give the folder that save_pretrained wrote",
        )


def installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def require_package(package: str, title: str, distributions: str) -> None:
    """Check that a package is installed, without importing it.

    Raises:
        DependencyMissing: It is not.
    """
    if not installed(package):
        raise DependencyMissing(
            f"{title} is not installed",
            hint=f"install it with: pip install {distributions}, or choose another engine",
        )
