"""A source is never written to or locked, also while the program that owns it goes on writing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.errors import DiskFull, SourceMissing
from engine.sources import Reading, Refused
from engine.sources.cache import CacheReader, copying
from engine.sources.cache.copying import StoreItem, backup, private_copy
from engine.sources.cache.sqlite import named
from tests.sources.cache.chroma import add, client, detect, read, store
from tests.sources.cache.garden import LAYOUTS, PASSAGES

_ROWS = LAYOUTS["labels"].rows


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep copies in a folder of the test's own, which has to be empty when it ends."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _state(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return size, times, mode and bytes of every file and folder."""
    found = {}
    for path in (root, *sorted(root.rglob("*"))):
        seen = path.stat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode, data)
    return found


@contextmanager
def _program(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run another program until it says that it is ready, and end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


_WAIT = "\nprint('ready', flush=True)\nsys.stdin.readline()\n"
_CHROMA = (
    "import sys, chromadb\n"
    "from pathlib import Path\n"
    "from tests.sources.cache.chroma import add, client, Entry\n"
    "with client(Path(sys.argv[1])) as opened:\n"
    "    collection = opened.get_collection('faq', embedding_function=None)\n"
    "    add(collection, [Entry('Question: Late?\\nAnswer: Yes.')], 100)\n"
    "    print('ready', flush=True)\n"
    "    sys.stdin.readline()\n"
)
_INSERT = (
    "import sqlite3, sys\n"
    "raw = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "raw.execute(f'PRAGMA journal_mode = {sys.argv[2]}')\n"
    "segment = raw.execute('SELECT segment_id FROM embeddings').fetchone()[0]\n"
    "def insert(name):\n"
    "    row = raw.execute('INSERT INTO embeddings (segment_id, embedding_id, seq_id) '\n"
    "        'VALUES (?, ?, 999)', (segment, name)).lastrowid\n"
    '    raw.execute("INSERT INTO embedding_metadata (id, key, string_value) VALUES "\n'
    "        \"(?, 'chroma:document', ?)\", (row, f'Question: {name}?\\nAnswer: Yes, {name}.'))\n"
)


def test_nothing_of_the_original_changes(tmp_path: Path, temporary: Path) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS, "chunks": PASSAGES["chunks"]})
    before = _state(root)
    detect(root)
    detect(root / "chroma.sqlite3")
    assert len(read(root).documents) == 12
    read(root, collection="chunks")
    read(root / "chroma.sqlite3")
    (item,) = CacheReader().items(str(root), Reading())
    assert item.digest().startswith("b2-")
    assert _state(root) == before
    assert list(temporary.iterdir()) == []


def test_a_program_that_has_it_open_goes_on(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    with _program(_CHROMA, str(root)):
        before = _state(root)
        seen = read(root)
        assert _state(root) == before
    assert ["Late?", "Yes."] in seen.talks
    assert len(seen.documents) == 13


def test_rows_that_are_still_in_the_log_are_read(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    (item,) = CacheReader().items(str(root), Reading())
    digest = item.digest()
    script = f"{_INSERT}insert('logged'){_WAIT}"
    with _program(script, str(root / "chroma.sqlite3"), "WAL"):
        assert (root / "chroma.sqlite3-wal").stat().st_size > 0
        before = _state(root)
        seen = read(root)
        assert item.changed()
        item.look_again()
        assert not item.changed()
        assert item.size == sum(
            (root / f"chroma.sqlite3{end}").stat().st_size for end in ("", "-wal")
        )
        assert item.digest() != digest
        assert _state(root) == before
    assert ["logged?", "Yes, logged."] in seen.talks


def test_what_a_program_has_not_committed_is_not_read(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    # So small a cache makes SQLite write changed pages into the file before the commit.
    script = (
        f"{_INSERT}raw.execute('PRAGMA cache_size = 1')\nraw.execute('BEGIN EXCLUSIVE')\n"
        f"for number in range(400): insert(f'open {{number}}'){_WAIT}"
    )
    with _program(script, str(root / "chroma.sqlite3"), "DELETE"):
        assert (root / "chroma.sqlite3-journal").stat().st_size > 0
        before = _state(root)
        seen = read(root)
        assert _state(root) == before
    assert len(seen.documents) == 12
    assert seen.skipped == []


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_program_that_never_stops_writing_is_seen_at_one_moment(
    tmp_path: Path, mode: str
) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    script = (
        f"{_INSERT}print('ready', flush=True)\nnumber = 0\n"
        "while True:\n"
        "    raw.execute('BEGIN')\n"
        "    insert(f'first {number}')\n"
        "    insert(f'second {number}')\n"
        "    raw.execute('COMMIT')\n"
        "    number += 1\n"
    )
    with _program(script, str(root / "chroma.sqlite3"), mode):
        for _ in range(2):
            seen = read(root)
            assert seen.skipped == []
            asked = {document.turns[0].content for document in seen.documents[12:]}
            firsts = {text.removeprefix("first ") for text in asked if text.startswith("first")}
            seconds = {text.removeprefix("second ") for text in asked if text.startswith("second")}
            assert firsts == seconds
            assert len(firsts) * 2 == len(asked)


def test_a_lock_that_is_not_let_go_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    monkeypatch.setattr(copying, "_BACKUP_SECONDS", 0.2)
    script = f"{_INSERT}raw.execute('BEGIN EXCLUSIVE'){_WAIT}"
    with (
        _program(script, str(root / "chroma.sqlite3"), "DELETE"),
        pytest.raises(Refused) as raised,
    ):
        backup(root / "chroma.sqlite3", tmp_path / "copy.sqlite3")
    assert raised.value.code == "locked"
    # Its copy can be made all the same, since nothing was written.
    assert len(read(root).documents) == 12


def test_a_backup_is_whole(tmp_path: Path) -> None:
    root = store(tmp_path / "db with a % and a ?", {"faq": _ROWS})
    backup(root / "chroma.sqlite3", tmp_path / "chroma.sqlite3")
    assert read(tmp_path / "chroma.sqlite3").talks == read(root).talks


def test_the_copy_is_private_and_gone_also_after_an_error(tmp_path: Path, temporary: Path) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    item = StoreItem(root / "chroma.sqlite3", "chroma.sqlite3")
    with private_copy(item) as copy:
        assert copy.parent.parent == temporary
        assert copy.parent.stat().st_mode & 0o777 == 0o700
        assert copy.read_bytes() == (root / "chroma.sqlite3").read_bytes()
    assert list(temporary.iterdir()) == []
    with pytest.raises(SourceMissing):
        read(root, collection="gone")
    assert list(temporary.iterdir()) == []
    documents = CacheReader().read(item, Reading())
    next(documents)
    assert len(list(temporary.iterdir())) == 1
    documents.close()  # type: ignore[attr-defined]
    assert list(temporary.iterdir()) == []


def test_no_room_for_a_copy_is_named(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    real = shutil.disk_usage

    def full(path: str | Path) -> object:
        return real(path)._replace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", full)
    with pytest.raises(DiskFull) as raised:
        detect(root)
    assert "TMPDIR" in raised.value.hint
    with pytest.raises(DiskFull):
        read(root)
    assert list(temporary.iterdir()) == []


def test_a_disk_that_fills_up_while_it_is_read_is_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "small")) as raw:
        raw.execute("PRAGMA max_page_count = 1")
        with pytest.raises(DiskFull), named():
            raw.execute("CREATE TABLE large (x)")


def test_a_second_disk_is_used_where_the_first_is_full(
    tmp_path: Path, isolated_home: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    real = shutil.disk_usage

    def full(path: str | Path) -> object:
        return real(path)._replace(free=1000) if str(path) == str(temporary) else real(path)

    monkeypatch.setattr(shutil, "disk_usage", full)
    item = StoreItem(root / "chroma.sqlite3", "chroma.sqlite3")
    with private_copy(item) as copy:
        assert isolated_home in copy.parents
    assert not copy.exists()


def test_a_scan_sees_what_changed(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": _ROWS})
    (before,) = CacheReader().items(str(root), Reading())
    (same,) = CacheReader().items(str(root), Reading())
    assert (same.name, same.size, same.mtime_ns) == ("chroma.sqlite3", before.size, before.mtime_ns)
    digest = before.digest()
    os.utime(root / "chroma.sqlite3", ns=(1, 1))
    assert before.changed()
    assert same.digest() == digest
    with client(root) as opened:
        add(opened.get_collection("faq", embedding_function=None), _ROWS[:1], 50)
    (after,) = CacheReader().items(str(root), Reading())
    assert after.digest() != digest
