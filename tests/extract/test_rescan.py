"""A source that is scanned again after it changed, on real files."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import engine.extract.reading as reading
from engine.extract.scan import ScanReport, scan
from engine.models import Source
from engine.sources import Item, Refused
from engine.workspace import Workspace
from tests.support.hashes import hashes

LONG_AGO = 1_700_000_000

RIVER = """# River

#reflection

I walked home along the river because the last bus had gone, and I noticed that it cleared my
head more than an hour of reading would have done, so I want to do it on purpose next week.
"""
SUPPLIER = """# Supplier

## Decision

I decided to change the supplier although the new one costs more, because the old one missed the
date twice and I would rather pay than wait for someone who does not answer mail.
"""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = tmp_path / "vault"
    root.mkdir()
    write(root / "river.md", RIVER)
    write(root / "supplier.md", SUPPLIER)
    return root


def write(path: Path, text: str, at: int = LONG_AGO) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


@pytest.fixture
def source(workspace: Workspace, vault: Path) -> Source:
    source = workspace.store.add_source("vault", str(vault))
    scan(workspace.store, source)
    return source


@pytest.fixture
def read_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the names of the files whose bytes are asked for."""
    names: list[str] = []
    real = Item.data

    def data(self: Item, *args: int) -> bytes:
        names.append(self.name)
        return real(self, *args)

    monkeypatch.setattr(Item, "data", data)
    return names


def by_path(workspace: Workspace) -> dict[str, str]:
    return {card.example.provenance.path: card.example.id for card in workspace.store.cards()}


def test_nothing_is_read_where_nothing_changed(
    workspace: Workspace, vault: Path, source: Source, read_names: list[str]
) -> None:
    before = hashes(vault)
    cards = list(workspace.store.cards())
    report = scan(workspace.store, source)
    assert read_names == []
    assert (report.files_read, report.files_kept) == (0, 2)
    assert (report.documents, report.examples, report.new) == (2, 2, 0)
    assert list(workspace.store.cards()) == cards
    assert hashes(vault) == before


def test_a_touched_file_is_hashed_and_not_read_again(
    workspace: Workspace, vault: Path, source: Source, read_names: list[str]
) -> None:
    os.utime(vault / "river.md", (LONG_AGO + 5, LONG_AGO + 5))
    report = scan(workspace.store, source)
    assert (report.files_read, report.files_kept) == (0, 2)
    assert set(read_names) == {"river.md"}
    read_names.clear()
    scan(workspace.store, source)
    assert read_names == []


def test_the_same_size_and_another_time_is_a_change(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    write(vault / "river.md", RIVER.replace("river", "canal").replace("hour of", "year of"))
    os.utime(vault / "river.md", (LONG_AGO + 5, LONG_AGO + 5))
    assert scan(workspace.store, source).files_read == 1
    assert "canal" in workspace.store.card(by_path(workspace)["river.md"]).turns[1].content


def test_a_file_written_during_the_last_scan_is_not_trusted_by_its_time(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    now = time.time()
    write(vault / "river.md", RIVER, int(now))
    scan(workspace.store, source)
    # The same size in the same tick of the clock.
    write(vault / "river.md", RIVER.replace("river", "canal"), int(now))
    assert scan(workspace.store, source).files_read == 1


def test_only_what_changed_is_read(
    workspace: Workspace, vault: Path, source: Source, read_names: list[str]
) -> None:
    write(vault / "supplier.md", SUPPLIER + "\nI have not regretted it.\n", LONG_AGO + 5)
    report = scan(workspace.store, source)
    assert (report.files_read, report.files_kept, report.changed) == (1, 1, 1)
    assert set(read_names) == {"supplier.md"}
    assert len(by_path(workspace)) == 2


def test_decisions_outlive_a_move_a_renaming_and_an_edit(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    store = workspace.store
    river, supplier = (by_path(workspace)[name] for name in ("river.md", "supplier.md"))
    store.append("approve", river, at=1.0)
    store.append("reject", supplier, at=2.0)
    (vault / "walks").mkdir()
    (vault / "river.md").rename(vault / "walks" / "Along the water.md")
    (vault / "supplier.md").rename(vault / "Who delivers.md")
    report = scan(store, source)
    assert (report.new, report.vanished, report.examples) == (0, 0, 2)
    assert by_path(workspace) == {"walks/Along the water.md": river, "Who delivers.md": supplier}
    assert [card.state for card in store.cards()] == ["approved", "rejected"]
    assert [card.origin for card in store.cards()] == ["", ""]

    write(vault / "Who delivers.md", SUPPLIER + "\nI have not regretted it.\n", LONG_AGO + 5)
    report = scan(store, source)
    assert (report.new, report.changed) == (1, 1)
    old, fresh = store.card(supplier), list(store.cards())[-1]
    assert (old.state, old.origin) == ("rejected", "changed")
    assert (fresh.state, fresh.example.follows) == ("undecided", supplier)

    (vault / "walks" / "Along the water.md").unlink()
    assert scan(store, source).vanished == 1
    assert (store.card(river).state, store.card(river).origin) == ("approved", "gone")
    # A vault that is put back as it was: everything is as it was.
    write(vault / "walks" / "Along the water.md", RIVER, LONG_AGO + 9)
    write(vault / "Who delivers.md", SUPPLIER, LONG_AGO + 9)
    scan(store, source)
    assert [(card.example.id, card.origin) for card in store.cards()] == [
        (river, ""),
        (supplier, ""),
    ]


def test_a_note_that_was_renamed_and_edited_at_once_is_followed(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    store = workspace.store
    river = by_path(workspace)["river.md"]
    store.append("approve", river, at=1.0)
    (vault / "river.md").unlink()
    write(vault / "canal.md", RIVER + "\nAnd then it rained.\n", LONG_AGO + 5)
    write(vault / "tides.md", SUPPLIER.replace("supplier", "tide table"), LONG_AGO + 5)
    report = scan(store, source)
    assert (report.new, report.changed, report.vanished) == (2, 1, 0)
    assert store.card(by_path(workspace)["canal.md"]).example.follows == river
    assert store.card(by_path(workspace)["tides.md"]).example.follows == ""
    assert store.card(river).origin == "changed"


def test_an_option_reads_everything_again(workspace: Workspace, source: Source) -> None:
    assert scan(workspace.store, source, again=True).files_read == 2
    assert scan(workspace.store, source).files_read == 0


def test_what_is_skipped_stays_listed_while_its_file_is_the_same(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    write(vault / "latin.md", "")
    (vault / "latin.md").write_bytes("grün".encode("latin-1"))
    os.utime(vault / "latin.md", (LONG_AGO, LONG_AGO))
    (vault / "photo.png").write_bytes(b"\x89PNG")
    first = scan(workspace.store, source).skipped
    assert [(skip.path, skip.code) for skip in first] == [
        ("latin.md", "not-utf8"),
        ("photo.png", "attachment"),
    ]
    again = scan(workspace.store, source)
    assert again.files_read == 0
    assert again.skipped == first
    (vault / "latin.md").unlink()
    assert [skip.path for skip in scan(workspace.store, source).skipped] == ["photo.png"]


def test_a_file_that_changes_while_it_is_read_is_read_again_later(
    workspace: Workspace, vault: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(vault / "river.md", RIVER + "\nAnd then it rained.\n", LONG_AGO + 5)
    real = Item.data
    changes = 0

    def data(self: Item, *args: int) -> bytes:
        nonlocal changes
        if self.name == "river.md" and self._data is None:
            changes += 1
            write(vault / "river.md", RIVER + f"\nLine {changes}.\n", LONG_AGO + 5 + changes)
        return real(self, *args)

    monkeypatch.setattr(Item, "data", data)
    report = scan(workspace.store, source)
    # Written to once before the bytes are read: read anew, and whole.
    assert report.files_read == 1
    assert "Line 1." in workspace.store.card(by_path(workspace)["river.md"]).turns[1].content


def test_a_file_that_never_rests_is_named(vault: Path) -> None:
    item = Item.of(vault / "river.md", "river.md")
    stop = threading.Event()
    ready = threading.Event()

    def scribble() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            (vault / "river.md").write_text(RIVER * (1 + number % 3))
            os.utime(vault / "river.md", ns=(number, number))
            ready.set()

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        assert ready.wait(10)
        codes = set()
        for _ in range(200):
            try:
                item.data()
                item.forget()
            except Refused as refused:
                codes.add(refused.code)
    finally:
        stop.set()
        writer.join()
    assert codes <= {"changing"}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    root = tmp_path / "many"
    for number in range(reading._FEW + 30):
        text = RIVER.replace("the last bus", f"bus number {number}")
        write(root / f"{number % 7}" / f"note {number}.md", text if number % 5 else "")
    return root


def test_reading_by_several_processes_gives_the_same(
    workspace: Workspace, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def summary(report: ScanReport) -> tuple[object, ...]:
        cards = [(card.example.turns, card.example.provenance.path) for card in store.cards()]
        return (report.documents, report.examples, report.skipped_count, cards)

    store = workspace.store
    spread = 0
    real = reading._spread

    def counted(*args: object) -> object:
        nonlocal spread
        spread += 1
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_spread", counted)
    monkeypatch.setattr(reading, "_can_spread", lambda tasks: True)
    source = store.add_source("vault", str(many))
    apart = summary(scan(store, source))
    assert spread == 1
    store.remove_source(source.id)
    monkeypatch.setattr(reading, "_can_spread", lambda tasks: False)
    alone = summary(scan(store, store.add_source("vault", str(many))))
    assert spread == 1
    assert apart == alone
    assert apart[1] == sum(number % 5 > 0 for number in range(reading._FEW + 30))


def test_a_reading_process_that_dies_costs_nothing(
    workspace: Workspace, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reading._spread

    def fragile(tasks: Sequence[reading.Task], how: reading.How) -> Iterator[object]:
        for number, found in enumerate(real(tasks, how)):
            if number == 20:
                # As when the system ends one for its memory.
                for process in multiprocessing.active_children():
                    process.kill()
            yield found

    monkeypatch.setattr(reading, "_spread", fragile)
    monkeypatch.setattr(reading, "_can_spread", lambda tasks: True)
    report = scan(workspace.store, workspace.store.add_source("vault", str(many)))
    assert report.examples == sum(number % 5 > 0 for number in range(reading._FEW + 30))


def test_a_person_decides_while_a_scan_is_recorded(
    workspace: Workspace, tmp_path: Path, vault: Path, source: Source
) -> None:
    """A second connection writes between the chunks of a large takeover."""
    from engine.store import Store

    many = tmp_path / "large"
    for number in range(1500):
        write(many / f"{number}.md", RIVER.replace("the last bus", f"bus number {number}"))
    decided: list[float] = []
    river = by_path(workspace)["river.md"]
    stop = threading.Event()

    def decide() -> None:
        with Store.open(workspace.store.path, busy_seconds=5) as other:
            while not stop.wait(0.005):
                other.append("approve", river, at=time.time())
                decided.append(time.time())

    person = threading.Thread(target=decide)
    person.start()
    try:
        report = scan(workspace.store, workspace.store.add_source("vault", str(many)))
    finally:
        stop.set()
        person.join()
    assert report.new == 1500
    assert len(decided) > 10
    assert len(workspace.store.journal(example_id=river)) == len(decided)


def test_sources_are_left_as_they_were(workspace: Workspace, tmp_path: Path) -> None:
    copy = Path(
        shutil.copytree(Path(__file__).parent.parent / "fixtures" / "allotment", tmp_path / "v")
    )
    before = hashes(copy)
    stats = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    source = workspace.store.add_source("vault", str(copy))
    scan(workspace.store, source)
    scan(workspace.store, source, again=True)
    assert hashes(copy) == before
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == stats
