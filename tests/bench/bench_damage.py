"""Damaged files through every reader: ``python -m tests.bench.bench_damage [N] [FOLDER]``.

N files (by default 2,000) are made of sound ones, written by other programs, by what happens to
files: bytes that flip, files cut short, stretches of zeros, parts of one file in another, numbers
that say another length. They lie in folders of one kind, a sound file among each 20. Each
folder is detected and scanned as ``finetui sources add`` does it; the table says by format what
was read, what was skipped by name, how many readers ended, and how many scans failed. Seeds are the
files of FOLDER that have one of the endings, besides what pyarrow, zlib and SQLite write here.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine.errors import FinetuiError, SourceError
from engine.extract.scan import scan
from engine.sources import KINDS, candidates
from engine.workspace import init_workspace, open_workspace
from tests.bench.large_rows import ROOT, rows, sentences

KIND_OF = {
    "arrow": "instructions",
    "feather": "instructions",
    "parquet": "instructions",
    "csv": "instructions",
    "csv.gz": "instructions",
    "jsonl": "instructions",
    "jsonl.bz2": "instructions",
    "json": "conversations",
    "zip": "conversations",
    "md": "vault",
    "toml": "synthetic",
    "sqlite3": "cache",
}
_AT_ONCE = 40
_SEED_BYTES = 300_000
_LENGTHS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40)


def seeds(folder: Path | None, scratch: Path) -> dict[str, list[bytes]]:
    """Return sound files by ending."""
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    lines = list(rows(60, sentences(ROOT)))
    records = [json.loads(line) for line in lines]
    deep = [
        {
            "messages": [
                {"role": "user", "content": one["instruction"]},
                {"role": "assistant", "content": one["output"]},
            ]
        }
        for one in records
    ]
    found: dict[str, list[bytes]] = {name: [] for name in KIND_OF}
    for table in (pa.Table.from_pylist(records), pa.Table.from_pylist(deep)):
        for stream, made in ((False, pa.ipc.new_file), (True, pa.ipc.new_stream)):
            sink = pa.BufferOutputStream()
            with made(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=20)
            found["arrow"].append(sink.getvalue().to_pybytes())
            del stream
        for packing in ("lz4", "zstd", "uncompressed"):
            feather.write_feather(table, scratch / "one", compression=packing)
            found["feather"].append((scratch / "one").read_bytes())
        for packing in ("snappy", "zstd", "none", "gzip"):
            pq.write_table(table, scratch / "one", compression=packing, row_group_size=25)
            found["parquet"].append((scratch / "one").read_bytes())
    written = "instruction,output\n" + "".join(
        f'"{one["instruction"]}","{one["output"]}"\n' for one in records
    )
    found["csv"].append(written.encode())
    found["csv.gz"].append(gzip.compress(written.encode()))
    found["jsonl"].append("".join(lines).encode())
    found["jsonl.bz2"].append(bz2.compress("".join(lines).encode()))
    found["json"].append(json.dumps(deep).encode())
    with zipfile.ZipFile(scratch / "one", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps(deep))
    found["zip"].append((scratch / "one").read_bytes())
    note = "---\ntags: [work, 'a b']\ndate: 2025-03-14\nx: &a [1, *b]\n---\n# Title\n\nI learnt. "
    found["md"].append((note + written[:900]).encode())
    found["toml"] += [
        path.read_bytes() for path in (ROOT / "engine/sources/synthetic/data").glob("*.toml")
    ]
    base = scratch / "base"
    raw = sqlite3.connect(base)
    raw.execute("CREATE TABLE collections (id, name)")
    raw.execute("CREATE TABLE embeddings (id INTEGER PRIMARY KEY, embedding_id, segment_id)")
    raw.executemany("INSERT INTO embeddings VALUES (NULL, ?, ?)", [(line, line) for line in lines])
    raw.commit()
    raw.close()
    found["sqlite3"].append(base.read_bytes())
    for path in sorted(folder.rglob("*")) if folder else ():
        for ending, known in found.items():
            fits = path.name.endswith("." + ending) and path.is_file()
            if fits and len(known) < 12 and path.stat().st_size < _SEED_BYTES:
                known.append(path.read_bytes())
    return found


def damaged(data: bytes, other: bytes, draw: random.Random) -> bytes:
    """Return a file after one to four accidents."""
    broken = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(max(len(broken), 1))
        match draw.randrange(6):
            case 0:
                for _ in range(draw.randint(1, 8)):
                    place = draw.randrange(max(len(broken), 1))
                    broken[place : place + 1] = bytes([draw.randrange(256)])
            case 1:
                del broken[at:]
            case 2:
                length = draw.randint(1, 512)
                broken[at : at + length] = bytes(len(broken[at : at + length]))
            case 3:
                start = draw.randrange(max(len(other), 1))
                broken[at : at + draw.randint(1, 256)] = other[start : start + 256]
            case 4:
                size = draw.choice((1, 2, 4, 8))
                number = draw.choice(_LENGTHS) & ((1 << 8 * size) - 1)
                broken[at : at + size] = number.to_bytes(size, "little")
            case _:
                place = at - at % 4
                value = int.from_bytes(broken[place : place + 4], "little")
                value = (value + draw.choice((-1, 1, 256, -256, 1 << 24, 1 << 31))) & 0xFFFFFFFF
                broken[place : place + 4] = value.to_bytes(4, "little")
    return bytes(broken)


def folders(
    ending: str, known: list[bytes], number: int, draw: random.Random, scratch: Path
) -> Iterator[Path]:
    """Yield folders of damaged files, with a sound one among each twenty."""
    for start in range(0, number, _AT_ONCE):
        folder = scratch / f"{ending}-{start}"
        folder.mkdir()
        for index in range(start, min(start + _AT_ONCE, number)):
            data = draw.choice(known)
            broken = data if index % 20 == 0 else damaged(data, draw.choice(known), draw)
            name = "chroma.sqlite3" if ending == "sqlite3" else f"{index:05}.{ending}"
            place = folder / f"{index:05}" if ending == "sqlite3" else folder
            place.mkdir(exist_ok=True)
            (place / name).write_bytes(broken or b" ")
        yield folder


def digest(folder: Path) -> str:
    """Return a hash of all files of a folder, names and content."""
    hasher = hashlib.blake2b()
    for path in sorted(folder.rglob("*")):
        hasher.update(path.name.encode() + (path.read_bytes() if path.is_file() else b""))
    return hasher.hexdigest()


def main(number: int, folder: Path | None) -> None:
    """Print the table."""
    draw = random.Random(17)
    print(f"{'format':10} {'files':>6} {'read':>6} {'skipped':>8} {'readers':>8} {'failed':>7}"
          f" {'changed':>8} {'seconds':>8}")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        known = seeds(folder, scratch)
        for ending, kind in KIND_OF.items():
            counts: Counter[str] = Counter()
            started = time.perf_counter()
            for path in folders(ending, known[ending], number // len(KIND_OF), draw, scratch):
                one_folder(path, kind, counts)
            print(f"{ending:10} {counts['files']:6} {counts['read']:6} {counts['skipped']:8} "
                  f"{counts['died']:8} {counts['failed']:7} {counts['changed']:8} "
                  f"{time.perf_counter() - started:8.1f}", flush=True)  # fmt: skip
    for who, what in (
        (resource.RUSAGE_SELF, "this process"),
        (resource.RUSAGE_CHILDREN, "readers"),
    ):
        print(f"most memory of {what}: {resource.getrusage(who).ru_maxrss / 1024:,.0f} MB")


def one_folder(folder: Path, kind: str, counts: Counter[str]) -> None:
    """Scan a folder and count what became of its files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    before = digest(folder)
    places = [folder] if kind in ("instructions", "conversations", "vault", "cache") else files
    counts["files"] += len(files)
    init_workspace(folder.with_name(folder.name + "-ws"))
    with open_workspace(folder.with_name(folder.name + "-ws")) as space:
        for place in places:
            try:
                with suppress(SourceError):
                    candidates(place)
                source = space.store.add_source(kind, str(place))
                report = scan(space.store, source)
            except FinetuiError:
                counts["skipped"] += 1  # refused as a whole, by name
                continue
            except Exception as error:
                counts["failed"] += 1
                print(f"{place}: {type(error).__name__}: {error}")
                continue
            named = {skip.path.partition("/")[0] for skip in report.skipped}
            counts["died"] += sum(skip.code == "reader-died" for skip in report.skipped)
            counts["skipped"] += len(named) if len(places) == 1 else bool(named)
            items = space.store.scanned_items(source.id)
            counts["read"] += sum(item.documents > 0 for item in items.values())
    counts["changed"] += digest(folder) != before
    assert kind in KINDS


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 2000, Path(given[1]) if given[1:] else None)
