"""The files of an export: merged model, tuned GGUF, base GGUF."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from engine.export import convert as gguf
from engine.export.files import clear_abandoned, locked, make, temporary_name
from engine.export.merge.source import (
    merge_phase,
    merge_run,
    plain_base,
    source_fingerprint,
)
from engine.export.progress import Progress, Stage
from engine.export.quants import CONVERTED
from engine.export.spec import ExportSpec
from engine.export.steps import Report, Step
from engine.paths import write_atomic
from engine.runs.child import Job

_MERGE_RECORD = "finetui-merge.json"
_LOCK_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts of an export work with."""

    spec: ExportSpec
    job: Job
    step: Step
    directory: Path
    progress: Progress

    def wait(self) -> None:
        """Wait a little for another export that makes the same files."""
        self.job.check_stop()
        time.sleep(_LOCK_POLL_S)


def make_tuned(bench: Bench) -> Path:
    """Make the tuned model's GGUF under a temporary name in the job's folder.

    The merged model and its f16 stay in the run's folder, for exports at other
    quantisations.
    """
    spec = bench.spec
    final = spec.tuned_file(bench.directory)
    clear_abandoned(final)
    temporary = temporary_name(final)
    key = _digest(source_fingerprint(spec).encode(), *_adapter_bytes(spec.adapter))
    with locked(spec.run_dir / ".export.lock", wait=bench.wait):
        _merge(bench, key)
        kind = spec.quant if spec.quant in CONVERTED else "f16"
        source = spec.run_dir / f"{spec.run_id}-{kind}.gguf"
        key = _digest(key.encode(), spec.template.encode())
        make(
            source,
            key,
            lambda out: _convert(bench, spec.merged, out, kind, spec.run_id, base=False),
        )
        if kind == spec.quant:
            gguf.copy(source, temporary)
        else:
            _quantise(bench, source, temporary, "quantise", f"quantise to {spec.quant}")
    return temporary


def make_base(bench: Bench) -> None:
    """Make the base model's GGUF by the same path, once for all runs on it."""
    spec = bench.spec
    key = _digest(source_fingerprint(spec).encode(), spec.template.encode())
    with locked(spec.cache_dir / ".lock", wait=bench.wait):
        if spec.quant in CONVERTED:
            make(spec.base_file, key, lambda out: _convert_base(bench, out, spec.quant))
            return

        def build(out: Path) -> None:
            source = spec.cache_dir / "f16.gguf"
            make(source, key, lambda f16: _convert_base(bench, f16, "f16"))
            phase = f"quantise the base to {spec.quant}"
            _quantise(bench, source, out, "quantise base", phase)

        make(spec.base_file, key, build)


def _merge(bench: Bench, key: str) -> None:
    """Merge adapter and base, unless that was done for an earlier export."""
    spec = bench.spec
    record = spec.merged / _MERGE_RECORD
    report = bench.progress.enter("merge", merge_phase(spec), 100)
    if record.is_file() and json.loads(record.read_text("utf-8")).get("key") == key:
        return
    shutil.rmtree(spec.merged, ignore_errors=True)
    for note in merge_run(bench.step, spec, bench.directory, report):
        bench.job.warn(note)
    write_atomic(record, json.dumps({"v": 1, "key": key}).encode())


def _convert(bench: Bench, model: Path, out: Path, kind: str, name: str, *, base: bool) -> None:
    stage: Stage = "convert base" if base else "convert"
    phase = f"convert {'the base ' if base else ''}to {kind}"
    gguf.convert(
        bench.step,
        model,
        out,
        kind=kind,
        name=name,
        template=bench.spec.template,
        report=bench.progress.enter(stage, phase, 100),
    )


def _convert_base(bench: Bench, out: Path, kind: str) -> None:
    def unpacking() -> Report:
        return bench.progress.enter("unpack base", "unpack the base", 100)

    with plain_base(bench.step, bench.spec, out.parent, unpacking) as directory:
        _convert(bench, directory, out, kind, bench.spec.base, base=True)


def _quantise(bench: Bench, source: Path, out: Path, stage: Stage, phase: str) -> None:
    report = bench.progress.enter(stage, phase)
    gguf.quantise(bench.step, source, out, quant=bench.spec.quant, report=report)


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
