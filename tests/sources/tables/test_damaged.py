"""Files that end, flood or stall a reader cost themselves, and are named."""

from __future__ import annotations

import bz2
import gzip
import os
import resource
import signal
import struct
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import toml
from engine.errors import SourceUnreadable
from engine.extract.scan import preview, scan
from engine.models import Document
from engine.sources import KINDS, Item, Reading, Refused, candidates
from engine.sources.tables import rows
from engine.sources.tables.packed import FREE_BYTES
from engine.workspace import Workspace
from tests.store.support import turns

SAID = [f"Answer number {number}, in so many words." for number in range(20)]


def table() -> pa.Table:
    return pa.table(
        {"instruction": [f"Question {number}?" for number in range(20)], "output": SAID}
    )


def arrow_file(path: Path) -> bytes:
    with pa.ipc.new_file(path, table().schema) as writer:
        writer.write_table(table())
    return path.read_bytes()


def with_offset(data: bytes, number: int, value: int) -> bytes:
    """Return a file in which one offset of the answers leads elsewhere.

    Offsets of text are 32-bit integers in a row (Arrow columnar format, "Variable-size binary").
    """
    ends = [0]
    for text in SAID:
        ends.append(ends[-1] + len(text))
    at = data.index(struct.pack(f"<{len(ends)}i", *ends)) + 4 * number
    return data[:at] + struct.pack("<i", value) + data[at + 4 :]


def test_a_file_without_a_sound_row_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    one = pa.table({"instruction": ["Which?"], "output": ["This one, of all."]})
    with pa.ipc.new_file(path, one.schema) as writer:
        writer.write_table(one)
    path.write_bytes(path.read_bytes().replace(struct.pack("<2i", 0, 17), b"\x7f" * 8))
    cut = tmp_path / "b.parquet"
    pq.write_table(table(), cut)
    cut.write_bytes(cut.read_bytes()[:-40])
    for damaged in (path, cut):
        with pytest.raises(SourceUnreadable, match="is damaged") as caught:
            candidates(damaged)
        assert "write it anew" in caught.value.hint


@pytest.mark.parametrize("value", [1_952_540_791, -5])
def test_offsets_that_lead_elsewhere_cost_their_rows(tmp_path: Path, value: int) -> None:
    path = tmp_path / "a.arrow"
    path.write_bytes(with_offset(arrow_file(path), 7, value))
    problems: list[tuple[int, str, str]] = []
    found, records = rows(Item.of(path, path.name), lambda *said: problems.append(said))
    read = [record.fields["output"] for record in records]
    assert found == "arrow"
    # The seventh ends and the eighth begins where the offset says.
    assert read == [*SAID[:6], *SAID[8:]]
    assert [(number, code) for number, code, _ in problems] == [(7, "damaged"), (8, "damaged")]


def test_a_damaged_file_costs_itself_in_looks_and_scans(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "bad.arrow").write_bytes(with_offset(arrow_file(folder / "bad.arrow"), 1, 1 << 30))
    (folder / "cut.arrow").write_bytes(arrow_file(folder / "cut.arrow")[:900])
    pq.write_table(table(), folder / "good.parquet")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert candidates(str(folder))[0].kind == "instructions"
    assert preview(folder).documents >= 20
    report = scan(workspace.store, workspace.store.add_source("instructions", str(folder)))
    assert report.examples == 20
    # The rows that the damaged file gave are those of the good one.
    damaged = {skip.path for skip in report.skipped if skip.code != "duplicate"}
    assert damaged == {"bad.arrow", "cut.arrow"}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


class Deadly:
    """A reader of one line a file, which some lines end."""

    kind = label = "deadly"
    version = 1
    options = ()

    def __init__(self, number: int) -> None:
        self._signal = number

    def items(self, root: str, _: Reading) -> Iterator[Item]:
        for path in sorted(Path(root).iterdir()):
            yield Item.of(path, path.name)

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        word = item.data().decode()
        yield Document(
            reading.source_id, item.name, "", "b2-0", turns=turns(f"{word}?", f"{word}.")
        )
        if word.endswith("dies"):
            os.kill(os.getpid(), self._signal)
        if word.endswith("floods"):
            yield Document(reading.source_id, "x" * (1 << 33), "", "b2-0")
        if word.endswith("fails"):
            raise KeyError("unforeseen")


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_what_ends_a_reader_costs_its_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, many: bool
) -> None:
    number = getattr(signal, name)
    monkeypatch.setitem(KINDS, "deadly", Deadly(number))
    folder = tmp_path / "files"
    folder.mkdir()
    count = 400 if many else 9
    bad = {3: "dies", 5: "floods", 7: "fails", count - 2: "dies"}
    for index in range(count):
        (folder / f"{index:03}").write_text(f"{index} {bad.get(index, 'lives')}")
    report = scan(workspace.store, workspace.store.add_source("deadly", str(folder)))
    codes = {skip.path: skip.code for skip in report.skipped}
    assert codes == {
        "003": "reader-died",
        "005": "too-much-memory",
        "007": "reader-failed",
        f"{count - 2:03}": "reader-died",
    }
    assert any(f"signal {int(number)}" in skip.reason for skip in report.skipped)
    assert report.files_read == count
    assert report.examples >= count - 4


def test_a_reader_that_ended_by_itself_is_not_asked_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a").write_text("dies")
    for number, again in ((signal.SIGSEGV, 0), (signal.SIGKILL, 1)):
        monkeypatch.setitem(KINDS, "deadly", Deadly(number))
        source = workspace.store.add_source("deadly", str(folder), {})
        scan(workspace.store, source, again=True)
        assert scan(workspace.store, source).files_read == again
        assert workspace.store.skip_codes(source.id) == {"reader-died": 1}


@pytest.mark.parametrize(("pack", "ending"), [(gzip.compress, "gz"), (bz2.compress, "bz2")])
def test_a_packed_table_that_is_made_to_fill_a_disk_gives_no_row(
    tmp_path: Path, pack: Callable[[bytes], bytes], ending: str
) -> None:
    path = tmp_path / f"bomb.csv.{ending}"
    line = b"a" * 500 + b"," + b"b" * 500 + b"\n"
    path.write_bytes(pack(b"prompt,answer\n" + line * (FREE_BYTES // len(line) + 9)))
    with pytest.raises(Refused) as caught:
        rows(Item.of(path, path.name), lambda *_: None)
    assert caught.value.code == "zip-bomb"
    path.write_bytes(pack(b"prompt,answer\n" + line * 1000))
    assert sum(1 for _ in rows(Item.of(path, path.name), lambda *_: None)[1]) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".b" * 19_999 + " = 1\n",
        "[" + "a." * 19_999 + "a]\n",
        "x = {" + "a." * 19_999 + "a = 1}\n",
        "a = " + "[" * 20_000,
        "".join(f"a{number}.b.c.d = 1\n" for number in range(60_000)),
    ],
)
def test_deep_toml_is_refused_before_it_takes_memory(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(toml.TooDeep):
        toml.loads(text)
    # KiB; tomllib alone takes 1.6 GB for the first.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_ordinary_toml_is_read_as_before() -> None:
    text = 'a.b."c.d" = "x. y. z."\n[t.u]\nlist = [1, {k.l = 2}]\nlong = """\na.b.c\n"""\n'
    assert toml.loads(text) == tomllib.loads(text)
