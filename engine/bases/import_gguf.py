"""Turn a GGUF into a clean Hugging Face directory: ``python -m engine.bases.import_gguf SRC DEST``.

Runs as a child, since it needs torch and transformers. DEST appears whole or not
at all: everything is written beside it, flushed to the disk, and renamed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.bases.files import publish, sync_tree
from engine.bases.gguf_tokenizer import (
    Vocabulary,
    read_vocabulary,
    to_json,
    tokenizer_config,
    tokenizer_json,
)
from engine.child import report, run_step
from engine.errors import BaseInvalid
from engine.paths import require_free, shorten

_STEPS = 5
# De-quantised weights at two bytes each against 4.5 bits: 3.6 times the file, and
# some room for the tokenizer and the temporary shards.
_GROWTH = 4.5


def main(arguments: Sequence[str]) -> None:
    """Import the GGUF ``arguments[0]`` as the directory ``arguments[1]``.

    With ``tokenizer`` as a third argument the directory gets the tokenizer alone, which takes
    neither torch nor transformers.

    Raises:
        BaseInvalid: The GGUF is damaged, or of a kind that can't be imported.
        DiskFull: There is no room.
    """
    source, destination = Path(arguments[0]), Path(arguments[1])
    alone = arguments[2:] == ["tokenizer"]
    if not alone:
        require_free(destination, int(source.stat().st_size * _GROWTH), "importing the base model")
    report(0, _STEPS)
    vocabulary = _vocabulary(source)
    report(1, _STEPS)
    model = None if alone else _dequantised(source)
    report(2, _STEPS)
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(
        tempfile.mkdtemp(prefix=f".{destination.name}.{os.getpid()}.", dir=destination.parent)
    )
    try:
        if model is not None:
            _write_weights(model, vocabulary, temporary)
        report(3, _STEPS)
        _write_tokenizer(vocabulary, temporary)
        sync_tree(temporary)
        report(4, _STEPS)
        publish(temporary, destination)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    report(_STEPS, _STEPS)


def _vocabulary(source: Path) -> Vocabulary:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(source)
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise BaseInvalid(
            f"{shorten(source)} is not a readable GGUF: {error}",
            hint="install the package or get the file again",
        ) from error
    return read_vocabulary(reader)


def _dequantised(source: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    # All weights of a GGUF are widened to float32 first; float16 comes last.
    model = AutoModelForCausalLM.from_pretrained(
        source.parent, gguf_file=source.name, dtype=torch.float32
    )
    # transformers remembers that the file was quantised and would refuse to save.
    model.config.__dict__.pop("quantization_config", None)
    model.hf_quantizer = None
    model.is_quantized = False
    return model


def _write_weights(model: Any, vocabulary: Vocabulary, folder: Path) -> None:
    """Write weights, ``config.json`` and ``generation_config.json``.

    The weights are stored as float16: half the size of float32, the very numbers
    that the F16 GGUF of this base will hold (so training and chat start from the
    same model), and closer to the de-quantised values than bfloat16.
    ``config.json`` says float32, since that is what a CPU must compute in; a
    loader that follows the file widens them without loss.
    """
    import torch

    model.to(torch.float16)
    config = model.config
    config.bos_token_id = vocabulary.bos
    config.eos_token_id = vocabulary.eos
    config.pad_token_id = vocabulary.padding
    # A name like "/home/…/package" means nothing on another machine.
    config._name_or_path = ""
    generation = model.generation_config
    generation.bos_token_id = vocabulary.bos
    generation.eos_token_id = vocabulary.eos
    generation.pad_token_id = vocabulary.padding
    model.save_pretrained(folder)
    config.dtype = torch.float32
    config.save_pretrained(folder)


def _write_tokenizer(vocabulary: Vocabulary, folder: Path) -> None:
    config = tokenizer_config(vocabulary)
    (folder / "tokenizer.json").write_text(tokenizer_json(vocabulary), "utf-8")
    (folder / "tokenizer_config.json").write_text(to_json(config), "utf-8")
    special = {
        key: config[key]
        for key in ("bos_token", "eos_token", "unk_token", "pad_token")
        if config[key] is not None
    }
    (folder / "special_tokens_map.json").write_text(to_json(special), "utf-8")


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
