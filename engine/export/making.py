"""The files of an export: merged model, tuned GGUFs, importance matrix, base GGUFs.

Each is made under another name, and is there whole with a record of what it was made from, or
not at all; so an export that was interrupted goes on from what is finished.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.bases.template import read_json
from engine.export import convert as gguf
from engine.export.artifacts import exports_dir
from engine.export.files import boot, clear_abandoned, is_kept, is_made, locked, make
from engine.export.imatrix import digest_of, training_pieces
from engine.export.merge.source import (
    is_passing,
    merge_phase,
    merge_run,
    plain_base,
    source_fingerprint,
)
from engine.export.metadata import base_metadata, dataset_info, tuned_metadata
from engine.export.progress import WHOLE, Progress, Stage
from engine.export.quants import CONVERTED
from engine.export.spec import ExportSpec, Keep, staged_dir
from engine.export.steps import Report, Step
from engine.paths import write_atomic
from engine.runs.child import Job
from engine.tokens import Tokenizer

_MERGE_RECORD = "finetui-merge.json"
_LOCK_POLL_S = 0.5
_IMATRIX_LINE = re.compile(r"imatrix (\d+)/(\d+)$")


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts of an export work with."""

    spec: ExportSpec
    job: Job
    step: Step
    directory: Path
    progress: Progress
    tokenizer: Tokenizer

    def wait(self) -> None:
        """Wait a little for another export that makes the same files."""
        self.job.check_stop()
        time.sleep(_LOCK_POLL_S)


@dataclass(frozen=True, slots=True)
class Side:
    """The files of one model.

    ``source`` is unquantised; ``files`` are by quantisation, and ``keys`` are what they were
    made from.
    """

    source: Path
    files: Mapping[str, Path]
    keys: Mapping[str, str]
    imatrix: Path | None = None


@dataclass(frozen=True, slots=True)
class _Text:
    """The text of an importance matrix: token ids, and what they are told apart by."""

    pieces: Sequence[Sequence[int]]
    key: bytes
    dataset: str


@dataclass(frozen=True, slots=True)
class Keys:
    """What the files of a model are made from: the merged model, its f16, and each file."""

    merged: str
    source: str
    files: Mapping[str, str]


def tuned_keys(bench: Bench) -> Keys:
    """Return what the tuned model's files are to be made from, without making any."""
    spec = bench.spec
    merged = _digest(source_fingerprint(spec).encode(), *_adapter_bytes(spec.adapter))
    told = tuned_metadata(spec).digest_text()
    source = _digest(merged.encode(), spec.template.encode(), told, _tools())
    matrix = _imatrix_key(source, _text(bench))
    files = {quant: _digest(source.encode(), quant.encode(), matrix) for quant in spec.quants}
    return Keys(merged, source, files)


def base_keys(bench: Bench) -> Keys:
    """Return what the base's files are to be made from, without making any."""
    spec = bench.spec
    told = base_metadata(spec).digest_text()
    fingerprint = source_fingerprint(spec)
    source = _digest(fingerprint.encode(), spec.template.encode(), told, _tools())
    matrix = _imatrix_key(source, _text(bench))
    files = {
        quant: source if quant in CONVERTED else _digest(source.encode(), quant.encode(), matrix)
        for quant in spec.quants
    }
    return Keys(fingerprint, source, files)


def _imatrix_key(source: str, text: _Text | None) -> bytes:
    return b"" if text is None else _digest(source.encode(), text.key).encode()


def clear_left(bench: Bench) -> None:
    """Remove what earlier exports of the run left half written when they were killed."""
    with locked(bench.spec.run_dir / ".export.lock", wait=bench.wait):
        clear_abandoned(bench.spec.run_dir)
    for quant in bench.spec.quants:
        if (model := bench.spec.models_file(quant)) is not None:
            clear_abandoned(model.parent, model.name)


def make_tuned(bench: Bench) -> Side:
    """Make the tuned model's GGUFs, under their names in the folder of staged files."""
    spec, keys = bench.spec, tuned_keys(bench)
    staged = staged_dir(bench.directory)
    _tidy(staged, {spec.tuned_file(staged, quant).name for quant in spec.quants})
    with locked(spec.run_dir / ".export.lock", wait=bench.wait):
        _merge(bench, keys.merged)
        source = spec.converted_file(spec.source_kind)
        build = partial(_convert_merged, bench, spec.source_kind)
        make(source, keys.source, build, flushed=spec.keep in ("f16", "all"))
        text = _text(bench)
        imatrix = None if text is None else staged / imatrix_name(spec)
        _imatrix(bench, text, source, keys.source, imatrix, WHOLE)
        files = {}
        for quant, key in keys.files.items():
            out = files[quant] = spec.tuned_file(staged, quant)
            if quant == spec.source_kind:
                make(out, key, partial(gguf.copy, source))
            elif (twin := _twin(spec, out.name, key)) is not None:
                make(out, key, partial(gguf.copy, twin))
            elif quant in CONVERTED:
                make(out, key, partial(_convert_merged, bench, quant))
            else:
                make(out, key, partial(_quantise, bench, source, quant, imatrix))
    return Side(source, files, keys.files, imatrix)


def make_base(bench: Bench) -> Side:
    """Make the base model's GGUFs by the same path, once for all runs on it."""
    spec, keys = bench.spec, base_keys(bench)
    with locked(spec.cache_dir / ".lock", wait=bench.wait):
        clear_abandoned(spec.cache_dir)
        source = spec.cache_dir / f"{spec.source_kind}.gguf"
        make(source, keys.source, partial(_convert_base, bench, spec.source_kind))
        text = _text(bench)
        imatrix = None if text is None else spec.base_imatrix
        # The base reads the same text, so that both sides are quantised alike.
        _imatrix(bench, text, source, keys.source, imatrix, (1, 2))
        files = {}
        for quant, key in keys.files.items():
            out = files[quant] = spec.base_gguf(quant)
            if quant in CONVERTED:
                make(out, key, partial(_convert_base, bench, quant))
            else:
                make(out, key, partial(_quantise_base, bench, source, quant, imatrix))
    return Side(source, files, keys.files, imatrix)


def imatrix_name(spec: ExportSpec) -> str:
    """Return what the tuned model's importance matrix is called beside the exports."""
    return f"{spec.run_id}.imatrix.gguf"


def _tidy(staged: Path, wanted: set[str]) -> None:
    """Remove staged files of an earlier export that this one has not."""
    staged.mkdir(parents=True, exist_ok=True)
    for path in staged.iterdir():
        if path.name.removesuffix(".json") not in wanted and ".imatrix." not in path.name:
            path.unlink(missing_ok=True)


def _twin(spec: ExportSpec, name: str, key: str) -> Path | None:
    """Return a finished file of another export of the run that is the same."""
    for path in sorted(exports_dir(spec.run_dir).glob(f"*/{name}")):
        if is_made(path, key):
            return path
    return None


def _text(bench: Bench) -> _Text | None:
    spec = bench.spec
    if not spec.imatrix or set(spec.quants) <= set(CONVERTED):
        return None
    pieces = training_pieces(spec.run_dir, bench.tokenizer)
    return _Text(pieces, digest_of(pieces), dataset_info(spec.run_dir).name or spec.run_id)


def _imatrix(
    bench: Bench,
    text: _Text | None,
    model: Path,
    key: str,
    out: Path | None,
    part: tuple[int, int],
) -> None:
    """Compute an importance matrix where one is wanted."""
    if text is None or out is None:
        return
    side = "base model's" if part != WHOLE else "model's"

    def build(path: Path) -> None:
        total = sum(map(len, text.pieces))
        report = bench.progress.enter(
            "imatrix", f"compute the {side} importance matrix", total, part=part, unit="tokens"
        )
        tokens = path.with_name(path.name + ".tokens")
        write_atomic(tokens, json.dumps(text.pieces).encode())
        command = [sys.executable, "-P", "-m", "engine.export.imatrix"]
        try:
            bench.step(
                [*command, str(model), str(tokens), str(path), text.dataset],
                lambda line: _tell(_IMATRIX_LINE, line, report),
            )
        finally:
            tokens.unlink(missing_ok=True)

    make(out, _imatrix_key(key, text).decode(), build)


def _tell(pattern: re.Pattern[str], line: str, report: Callable[[int, int], None]) -> None:
    if found := pattern.search(line):
        report(int(found[1]), int(found[2]))


def _merge(bench: Bench, key: str) -> None:
    """Merge adapter and base, unless that was done for an earlier export."""
    spec = bench.spec
    record = spec.merged / _MERGE_RECORD
    if merged_as(spec) == key:
        return
    if read_json(record).get("kept") is True:
        bench.job.warn(
            "the merged model that was kept is of other weights; this export's takes its place"
        )
    passing = is_passing(spec)
    record.unlink(missing_ok=True)  # half of it must not be taken for the whole
    report = bench.progress.enter("merge", merge_phase(spec), unit="bytes")
    shutil.rmtree(spec.merged, ignore_errors=True)
    for note in merge_run(bench.step, spec, bench.directory, report):
        bench.job.warn(note)
    told = {"v": 1, "key": key} | ({"boot": boot()} if passing else {})
    write_atomic(record, json.dumps(told).encode())


def merged_as(spec: ExportSpec) -> str:
    """Return what the merged model beside a run was made from; empty where there is none."""
    record = spec.merged / _MERGE_RECORD
    try:
        told = json.loads(record.read_bytes())
        # One that was not flushed counts until the machine is started anew, and for its purpose.
        if "boot" in told and (told["boot"] != boot() or not is_passing(spec)):
            return ""
        return str(told.get("key", ""))
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def with_kept(spec: ExportSpec) -> ExportSpec:
    """Return an export that also keeps what an earlier one of the run kept on request."""
    merged = read_json(spec.merged / _MERGE_RECORD).get("kept") is True
    f16 = any(is_kept(spec.converted_file(kind)) for kind in CONVERTED)
    merged, f16 = merged or spec.keep in ("merged", "all"), f16 or spec.keep in ("f16", "all")
    kept: Keep = "all" if merged and f16 else "merged" if merged else "f16" if f16 else "none"
    return spec if kept == spec.keep else spec.model_copy(update={"keep": kept})


def note_merged_kept(spec: ExportSpec) -> None:
    """Note beside the merged model that it was kept on request."""
    record = spec.merged / _MERGE_RECORD
    told = read_json(record)
    if told and told.get("kept") is not True:
        write_atomic(record, json.dumps(told | {"kept": True}).encode())


def _convert_merged(bench: Bench, kind: str, out: Path) -> None:
    _convert(bench, bench.spec.merged, out, kind, base=False)


def _convert(bench: Bench, model: Path, out: Path, kind: str, *, base: bool) -> None:
    stage: Stage = "convert base" if base else "convert"
    phase = f"convert {'the base ' if base else ''}to {kind}"
    told = (base_metadata if base else tuned_metadata)(bench.spec)
    gguf.convert(
        bench.step,
        model,
        out,
        kind=kind,
        template=bench.spec.template,
        metadata=told,
        report=bench.progress.enter(stage, phase, unit="bytes"),
    )


def _convert_base(bench: Bench, kind: str, out: Path) -> None:
    def unpacking() -> Report:
        return bench.progress.enter("unpack base", "unpack the base", unit="bytes")

    with plain_base(bench.step, bench.spec, out.parent, unpacking) as directory:
        _convert(bench, directory, out, kind, base=True)


def _quantise(bench: Bench, source: Path, quant: str, imatrix: Path | None, out: Path) -> None:
    phase = f"quantise to {quant}"
    _quantised(bench, source, out, quant, imatrix, "quantise", phase)


def _quantise_base(bench: Bench, source: Path, quant: str, imatrix: Path | None, out: Path) -> None:
    phase = f"quantise the base to {quant}"
    _quantised(bench, source, out, quant, imatrix, "quantise base", phase)


def _quantised(
    bench: Bench,
    source: Path,
    out: Path,
    quant: str,
    imatrix: Path | None,
    stage: Stage,
    phase: str,
) -> None:
    quants = bench.spec.quants
    part = (quants.index(quant), len(quants))
    report = bench.progress.enter(stage, phase, part=part, unit="bytes")
    gguf.quantise(bench.step, source, out, quant=quant, imatrix=imatrix, report=report)


def _tools() -> bytes:
    """Return the versions of what writes the files; other versions may write other bytes."""
    names = (gguf.DISTRIBUTION, "llama-cpp-python")
    versions = " ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return versions.encode() + gguf.FORM


def _adapter_bytes(adapter: Path) -> list[bytes]:
    """Return the hashes of an adapter's files."""
    files = sorted([*adapter.glob("*.safetensors"), adapter / "adapter_config.json"])
    hashes = []
    for path in files:
        with path.open("rb") as handle:
            hashes.append(hashlib.file_digest(handle, "blake2b").digest())
    return hashes


def _digest(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return "b2-" + digest.hexdigest()
