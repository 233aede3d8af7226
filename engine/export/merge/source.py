"""What an export job's steps merge into and convert, and the children that do it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.bases import Base
from engine.bases.check import fingerprint
from engine.bases.locate import shown
from engine.bases.template import read_json
from engine.errors import ExportError
from engine.export.merge.bases import packed_form
from engine.export.spec import ExportSpec
from engine.export.steps import Report, Step
from engine.paths import write_atomic

_WRITTEN = re.compile(r"written (\d+) of (\d+) bytes")
_RECORD = "finetui-merge.json"
_TOKENIZER = ("tokenizer", "special_tokens", "added_tokens", "vocab", "merges", "chat_template")


def into_fields(original: Base | None, *, named: bool) -> dict[str, Any]:
    """Return an export's fields on the original that a run on a packed base is merged into."""
    if original is None:
        return {}
    return {
        "into": original.name,
        "into_dir": str(original.directory.resolve()),
        "into_fingerprint": original.fingerprint,
        "into_named": named,
    }


def settled(spec: ExportSpec) -> ExportSpec:
    """Return an export whose original was looked at: the one of the packed base, or none.

    Raises:
        ExportError: A person named another model, or it has changed since.
    """
    if not spec.into_dir:
        return spec
    from engine.export.merge.original import check_original  # numpy

    folder = Path(spec.into_dir)
    try:
        if not folder.is_dir() or fingerprint(folder) != spec.into_fingerprint:
            raise ExportError(
                f"{shown(folder)} has changed since the export was started",
                hint="start the export again",
            )
        check_original(folder, spec.base_dir)
    except ExportError as error:
        if spec.into_named:
            raise
        print(f"not merging into {spec.into}: {error.message}", flush=True)
        none = {"into": "", "into_dir": "", "into_fingerprint": ""}
        return spec.model_copy(update=none)
    return spec


def source_dir(spec: ExportSpec) -> Path:
    """Return the directory of the base that the adapter is merged into."""
    return Path(spec.into_dir) if spec.into_dir else spec.base_dir


def source_fingerprint(spec: ExportSpec) -> str:
    """Return what tells the files apart that are made from different weights of one base."""
    if spec.into_dir:
        return f"{spec.base_fingerprint} {spec.into_fingerprint}"
    return spec.base_fingerprint


def merged_into(spec: ExportSpec) -> dict[str, str]:
    """Return what an adapter was merged into, for an export's result."""
    if spec.into:
        return {"base": spec.into, "form": "16 bits, the original of " + spec.base}
    if packed_form(spec.base_dir):
        return {"base": spec.base, "form": "de-quantised"}
    return {"base": spec.base, "form": "as stored"}


def is_passing(spec: ExportSpec) -> bool:
    """Say whether a merged model is only read once, to be converted to float16, and then removed.

    Its layers are then written as the float16 that they become, and it need not be on the disk.
    """
    return (
        spec.keep not in ("merged", "all")
        and spec.source_kind == "f16"
        and not set(spec.quants) & {"bf16", "f32"}
    )


def merge_phase(spec: ExportSpec) -> str:
    """Return what a merge is called while it goes on."""
    if spec.into:
        return f"merge the adapter into {spec.into}, the original in 16 bits"
    if packed_form(spec.base_dir):
        return "merge the adapter into the de-quantised base"
    return "merge the adapter"


def merge_run(step: Step, spec: ExportSpec, folder: Path, report: Report) -> list[str]:
    """Merge a run's adapter, by a child.

    Args:
        step: Runs the child.
        spec: The export.
        folder: Where the chat template is put for it.
        report: Is told bytes written and in total.

    Returns:
        What a person should know of the merged model.
    """
    template = folder / "template.jinja"
    write_atomic(template, spec.template.encode())
    try:
        _child(
            step,
            source_dir(spec),
            spec.merged,
            report,
            f"--adapter={spec.adapter}",
            f"--template={template}",
            *([f"--trained-on={spec.base_dir}"] if spec.into_dir else []),
            *(["--halves", "--passing"] if is_passing(spec) else []),
        )
    finally:
        template.unlink()
    notes = read_json(spec.merged / _RECORD).get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []


@contextlib.contextmanager
def plain_base(
    step: Step, spec: ExportSpec, near: Path, unpacking: Callable[[], Report]
) -> Iterator[Path]:
    """Give a directory of the base with weights that the converter reads.

    It has the weights that the adapter is merged into, and the tokenizer that was trained with.

    Args:
        step: Runs a child where a base has to be unpacked.
        spec: The export.
        near: On the disk of which a base is unpacked.
        unpacking: Called where that is done; returns what takes its progress.
    """
    if not spec.into_dir and not packed_form(spec.base_dir):
        yield spec.base_dir
        return
    with tempfile.TemporaryDirectory(prefix=f".unpacked.{os.getpid()}.", dir=near) as folder:
        plain = Path(folder) / "hf"
        if not spec.into_dir:
            _child(step, spec.base_dir, plain, unpacking())
        else:
            plain.mkdir()
            _link(Path(spec.into_dir), plain, tokenizer=False)
            _link(spec.base_dir, plain, tokenizer=True)
        yield plain


def _link(source: Path, target: Path, *, tokenizer: bool) -> None:
    """Link a model's files that make its tokenizer, or all others."""
    for path in source.iterdir():
        if path.is_file() and path.name.startswith(_TOKENIZER) is tokenizer:
            (target / path.name).symlink_to(path.resolve())


def _child(step: Step, base: Path, out: Path, report: Report, *options: str) -> None:
    command = [sys.executable, "-P", "-m", "engine.export.merge", str(base), str(out), *options]

    def line(text: str) -> None:
        if found := _WRITTEN.fullmatch(text):
            report(int(found[1]), int(found[2]))

    step(command, line)
