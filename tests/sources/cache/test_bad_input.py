"""Databases that can't be read are named with what to do; what can be read of them is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import (
    SourceEmpty,
    SourceError,
    SourceUnknown,
    SourceUnreadable,
    UsageError,
)
from engine.sources.cache import CacheReader
from tests.sources.cache.chroma import Entry, client, detect, read, store, survey
from tests.sources.cache.garden import LAYOUTS
from tests.support.privileges import without_privileges
from tests.support.properties import tries

_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def _sql(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(script)
        raw.commit()


def _of_bytes(data: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def _of_sql(script: str) -> Callable[[Path], None]:
    return lambda path: _sql(path, script)


def _no_collections(path: Path) -> None:
    with client(path.parent):
        pass


_BAD: dict[str, tuple[Callable[[Path], None], str, type[SourceError]]] = {
    "text": (_of_bytes(b"not a database\n" * 99), "not-a-database", SourceUnreadable),
    "encrypted": (_of_bytes(os.urandom(8192)), "not-a-database", SourceUnreadable),
    "nothing": (_of_bytes(b""), "empty", SourceEmpty),
    "a header alone": (
        _of_bytes(b"SQLite format 3\x00" + b"\x00" * 84),
        "not-a-database",
        SourceUnreadable,
    ),
    "noise after the header": (
        _of_bytes(b"SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20" + b"\xff" * 9000),
        "damaged",
        SourceUnreadable,
    ),
    "a pointer": (_of_bytes(_LFS), "lfs-pointer", SourceUnreadable),
    "no tables": (_of_sql("CREATE TABLE a (b); DROP TABLE a;"), "empty", SourceEmpty),
    "another program's": (_of_sql("CREATE TABLE songs (id);"), "not-chroma", SourceUnknown),
    "of the future": (
        _of_sql("CREATE TABLE migrations (id); CREATE TABLE collections (uuid, title);"),
        "unknown-version",
        SourceUnreadable,
    ),
    "views for tables": (
        _of_sql(
            "CREATE VIEW collections AS SELECT 1 id, 'x' name;"
            "CREATE VIEW segments AS SELECT 1 id, 'METADATA' scope, 1 collection;"
            "CREATE TABLE t (x);"
        ),
        "not-chroma",
        SourceUnknown,
    ),
    "no collections": (_no_collections, "no-collections", SourceEmpty),
}


@pytest.mark.parametrize("name", _BAD)
def test_what_is_no_database_is_named(tmp_path: Path, name: str) -> None:
    make, code, error = _BAD[name]
    root = tmp_path / "db"
    root.mkdir()
    make(root / "chroma.sqlite3")
    before = (root / "chroma.sqlite3").read_bytes()
    for place in (root, root / "chroma.sqlite3"):
        with pytest.raises(error) as raised:
            CacheReader().detect(survey(place))
        assert type(raised.value) is error
        assert raised.value.hint
    assert read(root).codes == {"chroma.sqlite3": code}
    assert (root / "chroma.sqlite3").read_bytes() == before


def test_a_database_of_another_kind_below_a_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "notes" / "db").mkdir(parents=True)
    (tmp_path / "notes" / "a.md").write_text("# A\n")
    (tmp_path / "notes" / "db" / "chroma.sqlite3").write_bytes(b"no")
    found = detect(tmp_path / "notes")
    assert found.confidence == 0.2
    assert "db/chroma.sqlite3" in found.why


@pytest.mark.parametrize("name", ["note.md", "data.json", "chroma.txt", "songs.db"])
def test_files_of_another_kind_are_not_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x\n")
    assert CacheReader().detect(survey(tmp_path / name)) is None
    assert CacheReader().detect(survey(tmp_path)) is None
    assert read(tmp_path / name).codes == {name: "not-chroma"}


def test_a_collection_without_rows(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": []})
    assert detect(root).confidence == 0.2
    assert read(root).codes == {"chroma.sqlite3": "empty"}


def test_a_place_that_is_not_understood_is_a_usage_error(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": LAYOUTS["labels"].rows})
    with pytest.raises(UsageError):
        read(root, question="the document")
    with pytest.raises(UsageError):
        CacheReader().check({"answer": "metadata:"})
    CacheReader().check({"answer": "metadata:answer", "collection": "any"})


def _damage(path: Path, table: str, where: float) -> None:
    """Overwrite one of a table's pages."""
    with closing(sqlite3.connect(path)) as raw:
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        pages = raw.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
        ).fetchall()
    with path.open("r+b") as file:
        file.seek((pages[int(len(pages) * where)][0] - 1) * size)
        file.write(b"\xff" * size)


def test_what_is_not_damaged_is_read(tmp_path: Path) -> None:
    rows = [
        Entry(f"Question: What of bed {number}?\nAnswer: {'dry ' * 200}{number}.")
        for number in range(2000)
    ]
    root = store(tmp_path / "db", {"beds": rows})
    _damage(root / "chroma.sqlite3", "embedding_metadata", 0.5)
    seen = read(root)
    assert len(seen.documents) + len(seen.skipped) == 2000
    assert 0 < len(seen.skipped) < 20
    assert set(seen.codes.values()) == {"damaged"}


def test_where_the_list_of_rows_is_damaged_the_reading_ends(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"beds": [*LAYOUTS["labels"].rows] * 100})
    _damage(root / "chroma.sqlite3", "embeddings", 0.8)
    seen = read(root)
    assert 0 < len(seen.documents) < 1200
    (skip,) = seen.skipped
    assert (skip.path, skip.code) == ("chroma.sqlite3", "damaged")
    assert f"{len(seen.documents):,} of 1,200 rows of beds were read" in skip.reason


def test_the_index_of_vectors_is_not_needed(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": [*LAYOUTS["labels"].rows] * 100})
    files = [path for path in root.rglob("*.bin") if path.is_file()]
    assert files
    whole = read(root)
    for path in files:
        path.unlink()
    assert read(root) == whole
    assert len(whole.documents) == 1200


def test_text_that_is_no_text_is_shown_as_such(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": LAYOUTS["labels"].rows})
    _sql(
        root / "chroma.sqlite3",
        "UPDATE embedding_metadata SET string_value = "
        "CAST(X'5175657374696F6E3A2041FF0042203F0A416E737765723A2059' AS TEXT) WHERE id = 1;",
    )
    assert read(root).talks[0] == ["A\ufffd\ufffdB ?", "Y"]


def test_a_text_without_end_is_reported(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": LAYOUTS["labels"].rows})
    _sql(
        root / "chroma.sqlite3",
        "UPDATE embedding_metadata SET string_value = "
        "'Question: Q? Answer: ' || hex(zeroblob(5000001)) WHERE id = 2;",
    )
    seen = read(root)
    assert seen.codes == {"faq/row-1": "too-large"}
    assert len(seen.documents) == 11


def test_half_of_the_old_files(tmp_path: Path) -> None:
    (tmp_path / "chroma-embeddings.parquet").write_bytes(b"PAR1 and noise")
    with pytest.raises(SourceUnreadable) as raised:
        CacheReader().detect(survey(tmp_path))
    assert "chroma-collections.parquet is missing" in raised.value.message
    (tmp_path / "chroma-collections.parquet").write_bytes(b"PAR1 and noise")
    assert read(tmp_path).codes == {"chroma-embeddings.parquet": "damaged"}


def test_what_may_not_be_read_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("open")
    root = store(folder / "db", {"faq": LAYOUTS["labels"].rows})
    (root / "chroma.sqlite3").chmod(0)
    with without_privileges(root):
        with pytest.raises(SourceUnreadable) as raised:
            CacheReader().detect(survey(root))
        assert read(root).codes == {"chroma.sqlite3": "unreadable"}
    assert "permission" in raised.value.message


@settings(max_examples=tries(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=64)), max_size=6))
def test_whatever_is_damaged_ends_in_a_name_or_in_rows(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[float, bytes]]
) -> None:
    data = bytearray(_whole(tmp_path_factory))
    for place, noise in damage:
        at = int(place * (len(data) - len(noise)))
        data[at : at + len(noise)] = noise
    path = tmp_path_factory.mktemp("damaged") / "chroma.sqlite3"
    path.write_bytes(data)
    seen = read(path)
    assert seen.documents or seen.skipped
    assert all(document.turns[-1].role == "assistant" for document in seen.documents)


_MADE: list[bytes] = []


def _whole(factory: pytest.TempPathFactory) -> bytes:
    if not _MADE:
        root = store(factory.mktemp("whole"), {"faq": LAYOUTS["labels"].rows})
        _MADE.append((root / "chroma.sqlite3").read_bytes())
    return _MADE[0]
