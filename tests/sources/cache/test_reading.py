"""Rows of real Chroma databases as documents: everything kept, everything left out reported."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from engine.errors import SourceMissing
from engine.sources import Reading
from engine.sources.cache import CacheReader
from tests.sources.cache.chroma import Entry, detect, read, store
from tests.sources.cache.garden import LAYOUTS


def test_metadata_tags_and_dates_are_kept(tmp_path: Path) -> None:
    row = Entry(
        "When do I sow?",
        {
            "response": "In March.",
            "language": "en",
            "topic": "sowing, early",
            "score": 0.75,
            "hits": 3,
            "helpful": True,
            "sources": ["a.md", "b.md"],
            "tags": ["#sowing", "spring"],
            "created_at": "2024-03-05T10:00:00Z",
            "long": "x" * 2000,
        },
    )
    document = read(store(tmp_path / "db", {"cache": [row]})).documents[0]
    assert document.path == "cache/row-0"
    assert document.kind == "qa"
    assert document.date == "2024-03-05"
    assert document.tags == ("#sowing".removeprefix("#"), "spring")
    assert document.start_line == 0
    assert document.content_hash.startswith("b2-")
    assert dict(document.metadata) == {
        "language": "en",
        "topic": "sowing, early",
        "score": "0.75",
        "hits": "3",
        "helpful": "true",
        "sources": "a.md\nb.md",
        "tags": "#sowing\nspring",
        "created_at": "2024-03-05T10:00:00Z",
        "long": "x" * 500,
        "layout": "cache",
    }


@pytest.mark.parametrize(
    ("key", "value", "date"),
    [
        ("timestamp", 1_700_000_000, "2023-11-14"),
        ("timestamp", 1_700_000_000_000, "2023-11-14"),
        ("cached_at", "1700000000.5", "2023-11-14"),
        ("updatedTime", "2022-02-03 04:05:06", "2022-02-03"),
        ("date", "20210506", "2021-05-06"),
    ],
)
def test_times_are_dates(tmp_path: Path, key: str, value: str | int, date: str) -> None:
    rows = [Entry("When?", {"answer": "Then, I think.", key: value})]
    assert read(store(tmp_path / "db", {"cache": rows})).documents[0].date == date


def test_a_time_of_another_kind_is_no_date(tmp_path: Path) -> None:
    rows = [Entry("When?", {"answer": "Then.", "response_time": 1.25, "datetime": "soon"})]
    document = read(store(tmp_path / "db", {"cache": rows})).documents[0]
    # What is left is when the database took the row, which is not long ago.
    assert document.date > "2025"


def test_rows_without_a_question_or_an_answer_are_reported(tmp_path: Path) -> None:
    rows = [
        *LAYOUTS["labels"].rows,
        Entry("Question: Is there an answer?"),
        Entry("Answer: to nothing."),
        Entry("Something else."),
        Entry("Question: \nAnswer: empty."),
        Entry("Question: the same\nAnswer: the same"),
        Entry(None, {"source": "nowhere"}, id="an id/with a slash"),
    ]
    seen = read(store(tmp_path / "db", {"faq": rows}))
    assert len(seen.documents) == 12
    assert seen.codes == {
        "faq/row-12": "no-answer",
        "faq/row-13": "no-question",
        "faq/row-14": "no-question",
        "faq/row-15": "no-question",
        "faq/row-16": "no-answer",
        "faq/an id/with a slash": "no-question",
    }
    assert all(skip.reason and skip.source_id == "source" for skip in seen.skipped)


def test_turns_that_nobody_answers_are_reported(tmp_path: Path) -> None:
    rows = [
        Entry("User: One?\nAI: Yes.\nUser: And two?"),
        Entry("AI: Hello.\nUser: Hello.\nAI: What now?"),
        Entry("User: Alone?"),
    ]
    seen = read(store(tmp_path / "db", {"talk": rows}))
    assert seen.talks == [["One?", "Yes."], ["Hello.", "What now?"]]
    assert [(skip.path, skip.code) for skip in seen.skipped] == [
        ("talk/row-0", "no-answer"),
        ("talk/row-1", "no-question"),
        ("talk/row-2", "no-answer"),
    ]


def test_rows_that_are_turns_but_of_nobody_known(tmp_path: Path) -> None:
    rows = [
        *LAYOUTS["each row a turn"].rows,
        Entry("You are kind.", {"role": "system", "session_id": "talk-0"}),
        Entry("lost", {"session_id": "talk-1"}),
    ]
    seen = read(store(tmp_path / "db", {"talk": rows}))
    assert [document.path for document in seen.documents] == [
        "talk/talk-0",
        "talk/talk-1",
        "talk/talk-2",
    ]
    assert [document.kind for document in seen.documents] == ["conversation"] * 3
    assert seen.codes == {"talk/row-24": "unknown-role", "talk/row-25": "unknown-role"}


def test_a_talk_of_many_turns_comes_in_parts(tmp_path: Path) -> None:
    rows = [
        Entry(f"{role} {number}", {"role": role, "chat_id": "c1"})
        for number in range(250)
        for role in ("user", "assistant")
    ]
    seen = read(store(tmp_path / "db", {"talk": rows}))
    assert [document.path for document in seen.documents] == ["talk/c1", "talk/c1#2", "talk/c1#3"]
    assert sum(len(document.turns) for document in seen.documents) == 500
    assert all(document.turns[0].role == "user" for document in seen.documents)


def test_text_of_all_scripts_and_signs_comes_through(tmp_path: Path) -> None:
    texts = [
        "ținut în pământ 🌱",
        "土が乾く",
        "تربة",
        "e\u0301",
        "a\tb",
        "lines\r\nof two",
        "\u200d",
    ]
    rows = [
        Entry(f"{text}?", {"response": f"{text}!", "ключ": text}, id=f"id {text}") for text in texts
    ]
    seen = read(store(tmp_path / "db", {"cache": rows}))
    clean = [text.replace("\r\n", "\n") for text in texts]
    assert seen.talks == [[f"{text}?", f"{text}!"] for text in clean]
    assert [document.metadata.get("ключ") for document in seen.documents[:4]] == clean[:4]
    assert seen.documents[0].path == "cache/id ținut în pământ 🌱"
    assert seen.documents[5].path == "cache/id lines of two"


def test_identical_rows_all_come(tmp_path: Path) -> None:
    rows = [Entry("Soru: Nerede?\nCevap: Burada.")] * 3
    seen = read(store(tmp_path / "db", {"faq": rows}))
    assert seen.talks == [["Nerede?", "Burada."]] * 3
    assert len({document.content_hash for document in seen.documents}) == 1
    assert len({document.path for document in seen.documents}) == 3


def test_a_long_id_stays_one_of_a_kind(tmp_path: Path) -> None:
    rows = [Entry("What?", {"answer": "That."}, id="x" * 400 + end) for end in "ab"]
    paths = [document.path for document in read(store(tmp_path / "db", {"faq": rows})).documents]
    assert len(set(paths)) == 2
    assert all(len(path) < 240 for path in paths)


@pytest.mark.nightly
def test_five_thousand_rows_in_bounded_memory(tmp_path: Path) -> None:
    filler = "It dries out and wants water. " * 60
    rows = [
        Entry(f"Question: What of bed {number}?\nAnswer: {filler}{number}", {"bed": number})
        for number in range(5000)
    ]
    root = store(tmp_path / "db", {"beds": rows})
    size = (root / "chroma.sqlite3").stat().st_size
    assert size > 15_000_000
    del rows
    reader = CacheReader()
    behind: list[int] = []
    reading = Reading("s", on_bytes=behind.append)
    (item,) = reader.items(str(root), reading)
    tracemalloc.start()
    try:
        paths = [document.path for document in reader.read(item, reading)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert paths == [f"beds/row-{number}" for number in range(5000)]
    assert peak < size / 4
    assert behind == sorted(behind)
    assert 0.9 * size < behind[-1] <= item.size


def test_a_stop_ends_the_reading(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(_: int) -> None:
        raise Stopped

    rows = [Entry("What?", {"answer": f"{number}"}) for number in range(900)]
    root = store(tmp_path / "db", {"cache": rows})
    reader = CacheReader()
    reading = Reading("s", on_bytes=stop)
    (item,) = reader.items(str(root), reading)
    documents = reader.read(item, reading)
    next(documents)
    with pytest.raises(Stopped):
        list(documents)


def test_a_folder_above_the_database_and_the_file_itself(tmp_path: Path) -> None:
    root = store(tmp_path / "app" / "data" / "chroma", {"faq": LAYOUTS["labels"].rows})
    (tmp_path / "app" / "main.py").write_text("print()\n")
    above = read(tmp_path / "app")
    assert [document.path for document in above.documents][:2] == [
        "data/chroma/faq/row-0",
        "data/chroma/faq/row-1",
    ]
    assert above.codes == {"main.py": "not-chroma"}
    assert detect(tmp_path / "app").confidence < detect(root).confidence
    alone = read(root / "chroma.sqlite3")
    assert alone.talks == above.talks
    assert alone.documents[0].path == "faq/row-0"
    renamed = tmp_path / "backup of mine.db"
    renamed.write_bytes((root / "chroma.sqlite3").read_bytes())
    assert detect(renamed).options == detect(root).options
    assert read(renamed).talks == alone.talks


def test_several_databases_below_a_folder_are_each_read(tmp_path: Path) -> None:
    store(tmp_path / "a", {"faq": LAYOUTS["labels"].rows})
    store(tmp_path / "b", {"memory": LAYOUTS["memory of one exchange"].rows})
    found = detect(tmp_path)
    assert "2 Chroma databases" in found.why
    assert found.options == {}
    assert set(found.choices["collection"]) == {"faq", "memory"}
    seen = read(tmp_path)
    assert len(seen.documents) == 24
    assert {document.path.split("/")[0] for document in seen.documents} == {"a", "b"}
    assert read(tmp_path, collection="faq").codes == {"b/chroma.sqlite3": "no-collection"}


def test_a_collection_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    root = store(
        tmp_path / "db", {"faq": LAYOUTS["labels"].rows, "more": LAYOUTS["labels"].rows[:2]}
    )
    with pytest.raises(SourceMissing) as raised:
        read(root, collection="gone")
    assert "faq (12), more (2)" in raised.value.message
    assert raised.value.hint


def test_reading_needs_no_client_and_no_model(tmp_path: Path) -> None:
    root = store(tmp_path / "db", {"faq": LAYOUTS["labels"].rows})
    script = (
        "import sys\n"
        "from tests.sources.cache.chroma import detect, read\n"
        "from pathlib import Path\n"
        "assert len(read(Path(sys.argv[1])).documents) == 12\n"
        "assert detect(Path(sys.argv[1])).confidence > 0.9\n"
        "heavy = {'chromadb', 'pyarrow', 'torch', 'onnxruntime', 'httpx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
