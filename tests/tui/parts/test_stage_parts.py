"""The parts of Sources and Dataset, each in an app of its own: no screen is needed."""

from __future__ import annotations

import os
import time

from textual.app import App, ComposeResult
from textual.widget import Widget

from engine.dataset import datasets, freeze, overview
from engine.errors import TokenMissing
from engine.extract.scan import ScanReport
from engine.models import Source
from engine.workspace import Workspace
from tests.support.datasets import examples
from tests.tui.support import text_of, wait_until
from tui.bridge.reading import Tokens
from tui.bridge.scans import Scans, Standing
from tui.messages import PartFailed, Scan, ScanEnded
from tui.parts.dataset_leaks import LeakMeter
from tui.parts.dataset_list import DatasetList
from tui.parts.dataset_numbers import DatasetNumbers
from tui.parts.sources_details import SourceDetails
from tui.parts.sources_list import SourceList
from tui.parts.sources_scans import SourceScans
from tui.widgets.rows import RowList
from tui.widgets.words import short_path


class Host(App[None]):
    """Holds one part, and what it says."""

    def __init__(self, part: Widget | None = None) -> None:
        super().__init__()
        self.part = part
        self.moved: list[int] = []
        self.failed: list[BaseException] = []

    def compose(self) -> ComposeResult:
        if self.part is not None:
            yield self.part

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self.moved.append(event.index)

    def on_part_failed(self, event: PartFailed) -> None:
        self.failed.append(event.error)


def source(number: int, *, scanned: bool = True, name: str = "") -> Source:
    """Return a source as the store would."""
    return Source(
        id=f"s{number}",
        kind="vault",
        root=name or f"/home/ana/notes-{number}",
        options={},
        added_at=1.0,
        scanned_at=2.0 if scanned else 0.0,
        documents=4,
        examples=number,
    )


async def test_the_list_goes_to_a_source_also_before_it_is_there() -> None:
    part = SourceList()
    async with Host(part).run_test(size=(80, 10)) as pilot:
        assert not part.known
        assert part.source is None
        part.go_to("s3")
        part.show([source(1), source(2)])
        assert part.source == source(1)
        part.show([source(1), source(2), source(3)])
        assert part.source == source(3)
        # It stays on its source when another is removed.
        part.show([source(2), source(3)])
        assert part.source == source(3)
        part.show([])
        await pilot.pause()
        assert part.known
        assert part.source is None


async def test_a_row_of_wide_letters_keeps_its_numbers_in_their_column() -> None:
    part = SourceList()
    wide = source(7, name="/home/ana/日本語のノート😀/" + "長い名前" * 12 + "/日記")
    async with Host(part).run_test(size=(80, 6)) as pilot:
        part.show([source(1), wide, source(2, scanned=False)])
        part.show_scan(Scan(source(1), "notes-1", 40))
        await pilot.pause()
        first, second, third = text_of(part).splitlines()[:3]
        assert first.endswith("scanning 40%")
        assert second.endswith("7 examples")
        assert "日記" in second
        assert third.endswith("not scanned")


def test_a_path_is_shortened_by_its_cells() -> None:
    assert short_path("/srv/日本語のノート/日記", 16) == "/srv/…ート/日記"
    assert short_path("/srv/notes", 16) == "/srv/notes"


async def test_details_say_first_steps_and_what_is_not_known_yet(workspace: Workspace) -> None:
    unread = workspace.store.add_source("vault", "/home/ana/notes")
    part = SourceDetails(workspace.store)
    host = Host(part)
    async with host.run_test(size=(80, 20)) as pilot:
        part.show_first_steps()
        assert "There is no source yet" in part.text
        part.show_source(unread, None)
        await wait_until(pilot, lambda: "not known yet" in part.text)
        assert "0 examples" not in part.text
    assert host.failed == []


async def test_a_failed_look_is_handed_up(workspace: Workspace) -> None:
    unread = workspace.store.add_source("vault", "/home/ana/notes")
    part = SourceDetails(workspace.store)
    host = Host(part)
    async with host.run_test(size=(80, 20)) as pilot:
        workspace.close()
        part.show_source(unread, None)
        await wait_until(pilot, lambda: len(host.failed) == 1)


async def test_scans_say_what_waits_what_was_stopped_and_which_token_is_wanted(
    workspace: Workspace,
) -> None:
    host = Host()
    async with host.run_test():
        tokens = Tokens()
        scans = SourceScans(Scans(host, workspace.root, tokens), tokens)
        first, second = source(1), source(2)
        assert scans.question() is None
        assert scans.stop(Standing(first, 40, ()))[0].startswith("the scan had ended")
        stopped = scans.ended(
            ScanEnded(first, ScanReport(cancelled=True), percent=40, unread=(second,))
        )
        assert stopped is not None
        assert stopped[0].startswith("stopped scanning notes-1 at 40%")
        assert "not read: notes-2" in stopped[0]
        refused = scans.ended(ScanEnded(first, None, TokenMissing("it asks for a token")))
        assert refused == ("it asks for a token", "t types the token", "error")
        assert scans.wants_token(first) == "it asks for a token"
        assert scans.wants_token(second) == ""


def approved(workspace: Workspace) -> Workspace:
    """Approve ten examples."""
    added = workspace.store.add_source("vault", str(workspace.root / "notes"))
    made = examples(added.id, 10)
    workspace.store.record_scan(added.id, made, [], len(made), at=time.time())
    for example in made:
        workspace.store.append("approve", example.id, at=2.0)
    return workspace


async def test_the_list_of_datasets_steps_over_headings(workspace: Workspace) -> None:
    freeze(approved(workspace), base=None, name="ten")
    part = DatasetList()
    host = Host(part)
    async with host.run_test(size=(60, 12)) as pilot:
        assert part.line is None
        frozen = datasets(workspace)
        part.show_lines(overview(workspace, base=None), frozen, ())
        await pilot.pause()
        assert "10 approved · frozen as ten" in text_of(part)
        assert part.line is not None
        assert part.line.now
        part.step(1)
        assert part.dataset == frozen[0]
        part.step(-1)
        assert part.dataset is None
        part.show_lines(overview(workspace, base=None), frozen, (), select="ten")
        assert part.dataset == frozen[0]


async def test_numbers_of_now_of_a_dataset_and_of_one_that_is_gone(workspace: Workspace) -> None:
    frozen = freeze(approved(workspace), base=None, name="ten")
    (info,) = datasets(workspace)
    now = overview(workspace, base=None)
    part = DatasetNumbers(workspace)
    host = Host(part)
    async with host.run_test(size=(80, 30)) as pilot:
        part.show_now(now, ())
        await wait_until(pilot, lambda: "to train on" in part.text)
        assert str(part.border_title) == "What a freeze would take now"
        part.show_unchanged(now, info, ())
        await wait_until(pilot, lambda: "frozen in ten" in part.text)
        assert str(part.border_title) == "ten · nothing changed since"
        part.show_frozen(info, ())
        await wait_until(pilot, lambda: "frozen in ten" not in part.text)
        os.truncate(frozen.train_file, 0)
        part.show_frozen(info, ())
        await wait_until(pilot, lambda: len(host.failed) == 1)


def test_what_was_measured_holds_for_the_same_division_alone(workspace: Workspace) -> None:
    made = overview(approved(workspace), base=None).draft
    meter = LeakMeter()
    assert meter.of_draft(None) == ()
    assert meter.of_draft(made) == ()
