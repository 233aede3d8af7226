"""What the gates found of files that are finished: it holds for as long as all is the same.

So an export that is asked for again, to point an app at it or to put it into a folder of models,
makes nothing anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from engine.export.files import is_made
from engine.export.gates import Gate
from engine.export.gates.findings import RECORD, gate_of
from engine.export.held_out import dataset_dir
from engine.export.making import Bench, Keys, Side, base_keys, imatrix_name, merged_as, tuned_keys
from engine.export.metadata import TOOL
from engine.export.quants import CONVERTED
from engine.paths import write_atomic

_REFUSED = "gates-refused.json"
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_SPLITS = ("train.jsonl", "validation.jsonl")


def remember(bench: Bench, gates: tuple[Gate, ...]) -> None:
    """Keep what the gates found of the files that are published now, before any was allowed."""
    _write(bench, RECORD, gates)
    (bench.directory / _REFUSED).unlink(missing_ok=True)


def remember_refused(bench: Bench, gates: tuple[Gate, ...]) -> None:
    """Keep what the gates found of files that are not published for it."""
    _write(bench, _REFUSED, gates)


def allowed(bench: Bench) -> tuple[Gate, ...] | None:
    """Return what the gates found when they refused the same files, where all of it is allowed now.

    None where anything is otherwise, or a gate was left out for want of something.
    """
    try:
        found = _read(bench, _REFUSED)
    except _UNREADABLE:
        return None
    spec = bench.spec
    for gate in found:
        left_out = gate.state == "skipped" and gate.name in spec.gates.off
        refused = gate.state == "failed" and gate.name in spec.allow
        if not (gate.state == "passed" or left_out or refused):
            return None
    return found


def known(bench: Bench) -> tuple[Side, tuple[Gate, ...]] | None:
    """Return finished files and what the gates found of them; None where anything is otherwise.

    The files, the base's and the importance matrix have to be there and made from the same, and
    the dataset, the gates and finetui's version have to be the same.
    """
    spec = bench.spec
    try:
        gates = _read(bench, RECORD)
    except _UNREADABLE:
        return None
    tuned, base = tuned_keys(bench), base_keys(bench)
    wants_merged = spec.keep in ("merged", "all") and merged_as(spec) != tuned.merged
    wants_f16 = spec.keep in ("f16", "all") and not is_made(
        spec.converted_file(spec.source_kind), tuned.source
    )
    if wants_merged or wants_f16:
        return None
    files = {quant: spec.tuned_file(bench.directory, quant) for quant in spec.quants}
    matrix = bench.directory / imatrix_name(spec)
    if not (_all_made(files, tuned) and _all_made(_base_files(bench), base)):
        return None
    weighed = spec.imatrix and not set(spec.quants) <= set(CONVERTED)
    if weighed and not matrix.is_file():
        return None
    source = spec.converted_file(spec.source_kind)
    return Side(source, files, tuned.files, matrix if weighed else None), gates


def _write(bench: Bench, name: str, gates: tuple[Gate, ...]) -> None:
    record = {**_asked(bench), "gates": [gate.as_dict() for gate in gates]}
    write_atomic(bench.directory / name, json.dumps(record, default=str).encode())


def _read(bench: Bench, name: str) -> tuple[Gate, ...]:
    """Return what is remembered of just these files.

    Raises:
        OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError: Nothing is.
    """
    record = json.loads((bench.directory / name).read_bytes())
    gates = tuple(gate_of(told) for told in record.pop("gates"))
    if record != json.loads(json.dumps(_asked(bench), default=str)):
        raise ValueError("it is about other files")
    return gates


def _all_made(files: dict[str, Path], keys: Keys) -> bool:
    return all(is_made(path, keys.files[quant]) for quant, path in files.items())


def _base_files(bench: Bench) -> dict[str, Path]:
    return {quant: bench.spec.base_gguf(quant) for quant in bench.spec.quants}


def _asked(bench: Bench) -> dict[str, Any]:
    """Return what the gates' findings depend on beside the files."""
    folder = dataset_dir(bench.spec.run_dir)
    return {
        "v": 1,
        "tool": TOOL,
        "settings": dataclasses.asdict(bench.spec.gates),
        "context": bench.spec.context,
        "tuned": dict(tuned_keys(bench).files),
        "base": dict(base_keys(bench).files),
        "dataset": {name: _hash(folder / name) for name in _SPLITS},
    }


def _hash(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
