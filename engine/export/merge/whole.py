"""A merged model as a Hugging Face directory, from a base's and an adapter's safetensors."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.bases.check import weight_files
from engine.bases.files import publish, sync_tree
from engine.bases.locate import shown
from engine.bases.template import own_template, read_json
from engine.errors import AdapterInvalid, BaseInvalid
from engine.export.merge.adapter import AdapterWeights, Layer
from engine.export.merge.names import Names
from engine.export.merge.packed import Weights
from engine.export.merge.plan import Plan, plan_merge
from engine.export.merge.stored import FLOATS, Files, named_kind, torch_kind
from engine.export.merge.write import Part, Tell, by_size, write_model

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
)
"""What makes a tokenizer; copied byte for byte, since saving through a library rewrites it."""

REPORT = "finetui-merge.json"
"""In a merged model's directory, what was merged how."""


# Layers and embeddings as most models call them.
_HALVED = re.compile(
    r"\.(?:\w+_proj|w[123]|c_attn|c_proj|c_fc|embed_tokens|wte|lm_head)\.weight$|^lm_head\.weight$"
)
_COMPARED_AT_ONCE = 1 << 22


@dataclass(slots=True)
class Report:
    """What a merge did.

    Attributes:
        way: "direct", or "peft" where peft itself merged.
        unpacked: What the base's weights were stored as, such as "NF4"; empty where they are plain.
        changed: How many tensors the adapter changed.
        notes: What a person should know of it.
    """

    way: str = "direct"
    unpacked: str = ""
    changed: int = 0
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "way": self.way,
            "unpacked": self.unpacked,
            "changed": self.changed,
            "notes": self.notes,
        }


def write_whole(
    base: Path,
    out: Path,
    adapter: AdapterWeights | None,
    *,
    tokenizer: Path,
    template: Path | None,
    tell: Tell,
    halves: bool = False,
    durable: bool = True,
) -> Report:
    """Write a base, with an adapter in it, as a directory that appears whole or not at all.

    Each sum is computed in float32 and rounded once, to the type in which the base stores it.

    Args:
        base: The base model's directory.
        out: The new directory; it must not be there.
        adapter: The adapter; None writes the base with plain weights.
        tokenizer: The directory whose tokenizer it gets.
        template: A chat template where there is none.
        tell: Is told bytes done and in total.
        halves: Whether layers and embeddings are written as float16, to which a converter would
            turn them, after they were rounded as the base stores them.
        durable: Whether it is flushed to the disk.

    Raises:
        NotKnown: peft itself has to merge the adapter.
        AdapterMismatch: The adapter does not fit the base.
        BaseInvalid: The base is damaged.
        ExportError: A number is not finite.
    """
    config = read_json(base / "config.json")
    files = Files.of_model(base)
    weights = Weights(files, named_kind(str(config.get("dtype") or config.get("torch_dtype"))))
    plan = plan_merge(weights, adapter, config) if adapter is not None else Plan()
    _leave_out_twin(plan, weights, config)
    shards = _shards(base, weights, plan)
    if halves:
        shards = {file: list(map(_as_halves, parts)) for file, parts in shards.items()}
    report = Report(unpacked=weights.packed.form, changed=len(plan.changed) + len(plan.added))
    if adapter is not None:
        report.notes += notes_of(adapter)
        if plan.vocabulary:
            tokenizer = _tokenizer_for(plan.vocabulary, adapter.directory, tokenizer, report)
    with whole_directory(out, durable=durable) as temporary:
        write_model(temporary, shards, tell)
        _write_config(temporary, config, weights, plan)
        copy_tokenizer(tokenizer, temporary, template)
        write_report(temporary, report)
    return report


def write_report(directory: Path, report: Report) -> None:
    """Write what was merged how beside a merged model."""
    (directory / REPORT).write_text(json.dumps(report.as_dict(), indent=2) + "\n", "utf-8")


@contextlib.contextmanager
def whole_directory(out: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a folder that gets its name when what is inside the ``with`` block has ended well.

    Args:
        out: The name.
        durable: Whether it is flushed to the disk first.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.{os.getpid()}.", dir=out.parent))
    try:
        yield temporary
        if durable:
            sync_tree(temporary)
        publish(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def notes_of(adapter: AdapterWeights) -> list[str]:
    """Return what to know of an adapter: that it changes nothing, or in part."""
    pairs = [layer for layer in adapter.layers.values() if layer.down is not None]
    idle = [layer for layer in pairs if not _does_something(layer)]
    whole = any(layer.whole or layer.rows is not None for layer in adapter.layers.values())
    if pairs and len(idle) == len(pairs) and not whole:
        return [
            "the adapter changes nothing: all its B matrices are zero, so the merged model equals "
            "the base; the run has not trained, or its adapter was saved before it did"
        ]
    if idle:
        return [
            f"{len(idle)} of {len(pairs)} layers of the adapter change nothing (their B is zero), "
            f"the first {idle[0].name}"
        ]
    return []


def _does_something(layer: Layer) -> bool:
    assert layer.down is not None
    assert layer.up is not None
    if layer.lengths is not None or layer.bias is not None:
        return True
    return bool(layer.up.any()) and bool(layer.down.any())


def _shards(base: Path, weights: Weights, plan: Plan) -> dict[str, list[Part]]:
    def part(name: str) -> Part:
        kind = weights.kind(name)
        if name in plan.changed:
            if kind not in FLOATS:
                raise BaseInvalid(
                    f"the base stores {name} as {kind}, to which nothing can be added",
                    hint="choose the base's original in 16 bits",
                )
            return Part(name, kind, plan.changed[name])
        if weights.packed.holds(name):
            return Part(name, kind, weights.values(name))
        return Part(name, kind, weights.stored(name), plain=weights.values(name))

    kept = [name for name in weights.names() if name not in plan.left_out]
    beside = Names(kept).embedding()
    added = [
        Part(name, weights.kind(beside) if beside else "F32", values)
        for name, values in plan.added.items()
    ]
    if weights.packed or len(weight_files(base)) == 1:
        return by_size([*map(part, kept), *added])
    shards: dict[str, list[Part]] = {}
    for name in kept:
        file = weights.stored(name).path.name
        shards.setdefault(file, []).append(part(name))
        if name == beside:
            shards[file] += added
    return shards


def _as_halves(part: Part) -> Part:
    """Return a tensor as a converter to float16 would write it; some it keeps in float32."""
    if part.kind not in ("BF16", "F32") or len(part.shape) < 2 or not _HALVED.search(part.name):
        return part
    source = part.source if part.plain is None else part.plain
    return Part(part.name, "F16", source, rounded=part.kind)


def _leave_out_twin(plan: Plan, weights: Weights, config: Mapping[str, Any]) -> None:
    """Leave an output matrix out that is stored beside the equal embeddings it is tied to."""
    names = Names(weights.names())
    embedding, head = names.embedding(), names.head()
    tied = config.get("tie_word_embeddings") is True
    if not (tied and embedding and head) or {embedding, head} & plan.changed.keys():
        return
    files = weights.files
    one, other = files.tensors[embedding], files.tensors[head]
    if (one.kind, one.shape) != (other.kind, other.shape):
        return
    first, second = files.raw(one), files.raw(other)
    pieces = range(0, one.size, _COMPARED_AT_ONCE)
    if all(
        np.array_equal(first[at : at + _COMPARED_AT_ONCE], second[at : at + _COMPARED_AT_ONCE])
        for at in pieces
    ):
        plan.left_out.add(head)


def _write_config(out: Path, config: Mapping[str, Any], weights: Weights, plan: Plan) -> None:
    told: dict[str, Any] = dict(config)
    text = told.get("text_config")
    inner: dict[str, Any] | None = dict(text) if isinstance(text, dict) else None
    if inner is not None:
        told["text_config"] = inner
    if plan.untied:
        told["tie_word_embeddings"] = False
        if inner is not None:
            inner["tie_word_embeddings"] = False
    if plan.vocabulary:
        (inner if inner is not None else told)["vocab_size"] = plan.vocabulary
        if inner is not None and "vocab_size" in told:
            told["vocab_size"] = plan.vocabulary
    if weights.packed:
        told.pop("quantization_config", None)
        kinds = [weights.kind(name) for name in weights.names() if weights.packed.holds(name)]
        key = "dtype" if "dtype" in told else "torch_dtype"
        told[key] = torch_kind(kinds[0])
    (out / "config.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def _tokenizer_for(rows: int, adapter: Path, tokenizer: Path, report: Report) -> Path:
    """Return the directory whose tokenizer fits a changed number of embeddings."""
    for folder in (adapter, tokenizer):
        if (folder / "tokenizer.json").is_file() and 0 < highest_token(folder) < rows:
            report.notes.append(f"the vocabulary has {rows} tokens, as the adapter has them")
            return folder
    raise AdapterInvalid(
        f"the adapter has embeddings of {rows} tokens, and no tokenizer for them lies beside it in "
        f"{shown(adapter)}",
        hint="save the tokenizer that it was trained with into that folder",
    )


def highest_token(folder: Path) -> int:
    """Return the highest id that a directory's tokenizer gives; -1 where it can't be read."""
    told = read_json(folder / "tokenizer.json")
    model = told.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    highest = -1
    if isinstance(vocabulary, dict):
        highest = max((int(place) for place in vocabulary.values()), default=-1)
    elif isinstance(vocabulary, list):
        highest = len(vocabulary) - 1
    for token in told.get("added_tokens") or []:
        if isinstance(token, dict):
            highest = max(highest, int(token.get("id", -1)))
    return highest


def copy_tokenizer(source: Path, out: Path, template: Path | None) -> None:
    """Copy a tokenizer's files, and a chat template where it has none of its own."""
    for name in TOKENIZER_FILES:
        (out / name).unlink(missing_ok=True)
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)
    if template is not None and not own_template(source):
        shutil.copyfile(template, out / "chat_template.jinja")
