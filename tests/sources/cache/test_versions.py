"""What is read of the tables is what Chroma's own client reads, of this and of older versions."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sources.cache.copying import StoreItem
from engine.sources.cache.look import opened
from tests.sources.cache.chroma import Entry, client, detect, read, store
from tests.sources.cache.garden import LAYOUTS

Held = dict[str, dict[str, tuple[str | None, dict[str, Any]]]]

# The tables of Chroma 0.4.0, before it knew true and false, tenants, or configurations.
_FIRST = """
CREATE TABLE migrations (dir TEXT, version INTEGER, filename TEXT, sql TEXT, hash TEXT);
CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, topic TEXT NOT NULL,
    dimension INTEGER, UNIQUE (name));
CREATE TABLE collection_metadata (collection_id TEXT, key TEXT NOT NULL, str_value TEXT,
    int_value INTEGER, float_value REAL, PRIMARY KEY (collection_id, key));
CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL, topic TEXT,
    collection TEXT REFERENCES collection(id));
CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL,
    embedding_id TEXT NOT NULL, seq_id BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE (segment_id, embedding_id));
CREATE TABLE embedding_metadata (id INTEGER REFERENCES embeddings(id), key TEXT NOT NULL,
    string_value TEXT, int_value INTEGER, float_value REAL, PRIMARY KEY (id, key));
CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id BLOB NOT NULL);
CREATE VIRTUAL TABLE embedding_fulltext USING fts5(id, string_value);
CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, operation INTEGER NOT NULL,
    topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB, encoding TEXT, metadata TEXT);
INSERT INTO collections VALUES ('c-1', 'faq', 'persistent://default/default/other', 2);
INSERT INTO segments VALUES
    ('s-v', 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', '', 'c-1'),
    ('s-m', 'urn:chroma:segment/metadata/sqlite', 'METADATA', '', 'c-1');
"""
_ADD, _UPDATE, _UPSERT, _DELETE = range(4)


def _ours(root: Path) -> Held:
    item = StoreItem(root / "chroma.sqlite3", "chroma.sqlite3")
    with opened(item) as found:
        return {
            collection.name: {
                row.id: (row.document or None, dict(row.metadata)) for row in found.rows(collection)
            }
            for collection in found.collections()
        }


def _theirs(root: Path) -> Held:
    """Return what Chroma's client gives; it changes what it opens, so of a copy."""
    copy = root.with_name(f"{root.name} copy")
    shutil.copytree(root, copy)
    held: Held = {}
    with client(copy) as chroma:
        for found in chroma.list_collections():
            collection = chroma.get_collection(found.name, embedding_function=None)
            rows = collection.get(include=["documents", "metadatas", "uris"])
            uris = rows["uris"] or [None] * len(rows["ids"])
            held[found.name] = {
                name: (text or None, {**(metadata or {}), **({"uri": uri} if uri else {})})
                for name, text, metadata, uri in zip(
                    rows["ids"], rows["documents"], rows["metadatas"], uris, strict=True
                )
            }
    shutil.rmtree(copy)
    return held


def _busy(root: Path) -> Path:
    """Persist a database in which rows were also changed and removed."""
    with client(root) as chroma:
        faq = chroma.create_collection("faq", embedding_function=None)
        names = [f"id{number}" for number in range(30)]
        faq.add(
            ids=names,
            embeddings=[[1.0, 2.0]] * 30,
            documents=[f"Question: Ce e {name}?\nAnswer: E {name}." for name in names],
            metadatas=[
                {"n": number, "share": number / 3, "ok": number % 2 == 0, "tags": ["a", "b"]}
                for number in range(30)
            ],
            uris=[f"file:///{name}" for name in names],
        )
        other = chroma.create_collection("other", embedding_function=None)
        other.add(ids=["x"], embeddings=[[1.0, 2.0, 3.0]], documents=["text"])
        faq.delete(ids=["id3", "id29"])
        faq.update(ids=["id4"], embeddings=[[3.0, 4.0]], metadatas=[{"n": None, "tags": ["c"]}])
        faq.upsert(
            ids=["id5", "new"],
            embeddings=[[1.0, 1.0]] * 2,
            documents=["changed", "added"],
            metadatas=[{"more": True}, {"more": 0.5}],
        )
    return root


def test_the_tables_say_what_the_client_says(tmp_path: Path) -> None:
    root = _busy(tmp_path / "db")
    held = _ours(root)
    assert held == _theirs(root)
    assert {name: len(rows) for name, rows in held.items()} == {"faq": 29, "other": 1}
    assert held["faq"]["id4"][1]["tags"] == ["c"]


@pytest.mark.parametrize("kept", [0, 7, 30])
def test_changes_that_wait_in_the_queue_are_made(tmp_path: Path, kept: int) -> None:
    root = _busy(tmp_path / "db")
    whole = _ours(root)
    # Chroma's tables as they were when it had come no further than some of its changes.
    with closing(sqlite3.connect(root / "chroma.sqlite3")) as raw:
        for table in ("embeddings", "embedding_metadata", "embedding_metadata_array"):
            raw.execute(f"DELETE FROM {table} WHERE id > ?", (kept,))
        raw.execute("DELETE FROM embedding_fulltext_search WHERE rowid > ?", (kept,))
        raw.execute("UPDATE max_seq_id SET seq_id = ?", (kept,))
        raw.commit()
    found = _ours(root)
    assert found == _theirs(root)
    assert found["other"] == whole["other"]
    assert found["faq"].keys() == whole["faq"].keys()


_VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.text("abcăîș", min_size=1, max_size=4), min_size=1, max_size=3),
)
_KEYS = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=8)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.builds(Entry, _TEXTS, st.dictionaries(_KEYS, _VALUES, max_size=4)), min_size=1),
)
def test_whatever_is_stored_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Entry]
) -> None:
    root = store(tmp_path_factory.mktemp("any") / "db", {"rows": rows})
    assert _ours(root) == _theirs(root)


def _first_version(folder: Path, rows: Mapping[str, Mapping[str, Any]]) -> Path:
    """Make a database as Chroma 0.4.0 left it."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as raw:
        raw.executescript(_FIRST)
        for number, (name, fields) in enumerate(rows.items(), 1):
            sequence = number.to_bytes(8, "big")
            raw.execute(
                "INSERT INTO embeddings VALUES (?, 's-m', ?, ?, '2023-07-20 10:00:00')",
                (number, name, sequence),
            )
            for key, value in fields.items():
                text = value if isinstance(value, str) else None
                whole = value if isinstance(value, int) else None
                raw.execute(
                    "INSERT INTO embedding_metadata VALUES (?, ?, ?, ?, NULL)",
                    (number, key, text, whole),
                )
        raw.execute("INSERT INTO max_seq_id VALUES ('s-m', ?)", (len(rows).to_bytes(8, "big"),))
        raw.commit()
    return folder


def test_the_first_version_with_tables(tmp_path: Path) -> None:
    root = _first_version(
        tmp_path / "db",
        {
            f"row-{number}": {"chroma:document": entry.document, "level": number}
            for number, entry in enumerate(LAYOUTS["Romanian labels"].rows)
        },
    )
    queue = [
        (12, _ADD, "row-0", {"chroma:document": "was there before"}),
        (13, _ADD, "late", {"chroma:document": "Întrebare: Târziu?\nRăspuns: Da."}),
        (14, _UPDATE, "late", {"level": 5}),
        (15, _UPDATE, "nobody", {"level": 5}),
        (16, _DELETE, "row-1", {}),
        (17, _UPSERT, "row-2", {"chroma:document": "Întrebare: Nou?\nRăspuns: Nou."}),
        (18, _ADD, "of another collection", {"chroma:document": "x"}),
        (19, _UPDATE, "late", {"big": 10**30, "half": "\ud800", "vector": {"indices": [1]}}),
        (20, 7, "row-3", {"chroma:document": "an operation of the future"}),
    ]
    with closing(sqlite3.connect(root / "chroma.sqlite3")) as raw:
        for number, operation, name, fields in queue:
            topic = "elsewhere" if name.startswith("of") else "persistent://default/default/other"
            raw.execute(
                "INSERT INTO embeddings_queue (seq_id, operation, topic, id, metadata, created_at)"
                " VALUES (?, ?, ?, ?, ?, '2023-08-01 00:00:00')",
                (number, operation, topic, name, json.dumps(fields)),
            )
        raw.execute(
            "INSERT INTO embeddings_queue (seq_id, operation, topic, id, metadata) "
            "VALUES (21, 0, 'persistent://default/default/other', 'broken', '{not json')"
        )
        raw.commit()
    seen = read(root)
    by_path = {document.path: document for document in seen.documents}
    assert len(by_path) == 12
    assert "faq/row-1" not in by_path
    assert by_path["faq/row-0"].date == "2023-07-20"
    assert by_path["faq/row-2"].turns[0].content == "Nou?"
    assert by_path["faq/late"].metadata["level"] == "5"
    assert by_path["faq/late"].metadata["half"] == "\ufffd"
    assert by_path["faq/late"].date == "2023-08-01"
    assert seen.codes == {"faq/broken": "no-question"}


def test_one_name_in_two_databases(tmp_path: Path) -> None:
    root = _first_version(tmp_path / "db", {"a": {"chroma:document": "Question: A?\nAnswer: B."}})
    with closing(sqlite3.connect(root / "chroma.sqlite3")) as raw:
        raw.executescript(
            "CREATE TABLE databases (id TEXT PRIMARY KEY, name TEXT, tenant_id TEXT);"
            "CREATE TABLE grown (id TEXT PRIMARY KEY, name TEXT, database_id TEXT);"
            "DROP TABLE collections;"
            "ALTER TABLE grown RENAME TO collections;"
            "INSERT INTO databases VALUES ('d-1', 'home', 't'), ('d-2', 'work', 't');"
            "INSERT INTO collections VALUES ('c-1', 'faq', 'd-1'), ('c-2', 'faq', 'd-2'),"
            " ('c-3', 'more', 'd-2');"
        )
        raw.commit()
    found = detect(root)
    assert found.choices["collection"] == ("home/faq", "work/faq", "more")
    assert found.options["collection"] == "home/faq"
    assert read(root, collection="home/faq").talks == [["A?", "B."]]


def _parquet(folder: Path, rows: list[Entry]) -> Path:
    """Make a database as Chroma before 0.4 left it, with DuckDB's Parquet files."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir()
    parquet.write_table(
        pa.table({"uuid": ["u-2", "u-1"], "name": ["other", "faq"], "metadata": ["null"] * 2}),
        folder / "chroma-collections.parquet",
    )
    parquet.write_table(
        pa.table(
            {
                "collection_uuid": ["u-1"] * len(rows) + ["u-2"],
                "uuid": [str(number) for number in range(len(rows) + 1)],
                "embedding": [[1.0, 2.0]] * (len(rows) + 1),
                "document": [entry.document for entry in rows] + [None],
                "id": [f"row-{number}" for number in range(len(rows))] + ["x"],
                "metadata": [json.dumps(dict(entry.metadata)) for entry in rows] + ["null"],
            }
        ),
        folder / "chroma-embeddings.parquet",
        row_group_size=4,
    )
    (folder / "index").mkdir()
    (folder / "index" / "index_u-1.bin").write_bytes(b"\x00" * 64)
    (folder / "index" / "id_to_uuid_u-1.pkl").write_bytes(b"\x80\x04.")
    return folder


@pytest.mark.parametrize(
    "name", ["labels", "Romanian semantic cache", "each row a turn", "metadata alone"]
)
def test_the_files_before_there_were_tables(tmp_path: Path, name: str) -> None:
    layout = LAYOUTS[name]
    root = _parquet(tmp_path / "db", list(layout.rows))
    found = detect(root)
    assert found.options["collection"] == "faq"
    assert found.choices["collection"] == ("faq", "other")
    assert (found.options["question"], found.options["answer"]) == (layout.question, layout.answer)
    seen = read(root)
    assert seen.skipped == []
    assert tuple(seen.talks[0]) == layout.turns
    assert len(seen.documents) == layout.documents
    for file in ("chroma-embeddings.parquet", "chroma-collections.parquet"):
        assert read(root / file).talks == seen.talks
