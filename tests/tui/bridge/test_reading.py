"""What the app asks of the readers: first looks, scans, and the tokens that it holds."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from engine.demo import prepare
from engine.errors import SourceMissing
from engine.extract.scan import scan
from engine.models import Skipped
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.support.waiting import wait_until
from tests.tui.places import TOKEN, memory_app, readers, write_chats, write_rows
from tui.bridge import reading
from tui.bridge.reading import (
    Stopped,
    Tokens,
    add_demo,
    certain,
    look_at,
    look_for,
    placed,
    wants_token,
)
from tui.bridge.scans import short_name
from tui.bridge.sources import PAGE, SkipPages
from tui.bridge.threads import Cancel


def quiet(done: int, total: int) -> None:
    """Report progress to nobody."""


def never() -> bool:
    """Never ask to stop."""
    return False


def test_a_place_is_looked_at_in_another_process(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.json", {f"Who is {n}?": f"{n} is a cook." for n in range(7)})
    found = look_for(str(path), cancelled=never)
    best = certain(str(path), found)
    assert best is not None
    assert best.kind == "instructions"
    look = look_at(str(path), best.kind, best.options, progress=quiet, cancelled=never)
    assert look.share == 1.0
    assert look.preview.documents == 7
    assert len(look.preview.first) == 5


def test_an_error_of_the_child_has_its_name(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="nothing at"):
        look_for(str(tmp_path / "away"), cancelled=never)


def test_what_is_asked_to_stop_ends_with_its_child(tmp_path: Path) -> None:
    path = write_chats(tmp_path / "chats.json")
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Stopped):
        look_for(str(path), cancelled=cancel)
    with pytest.raises(Stopped):
        look_at(str(path), "conversations", {}, progress=quiet, cancelled=cancel)
    assert readers() == []


def test_a_child_ends_with_an_app_that_was_killed() -> None:
    with memory_app() as app:
        app.may_answer.clear()
        code = (
            "from tui.bridge.reading import look_at\n"
            f"look_at({app.address!r}, 'memory', {{}}, progress=print, cancelled=lambda: False,"
            f" secrets={{{app.address!r}: {TOKEN!r}}})"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
        wait_until(lambda: app.asked)
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
        parent.wait()
        assert psutil.wait_procs([child], timeout=40)[0] == [child]


def test_a_large_place_is_told_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is up as soon as the child looks at its clock: it has read a part, and says so."""
    with (tmp_path / "rows.jsonl").open("w", encoding="utf-8") as rows:
        for number in range(60_000):
            rows.write(json.dumps({"prompt": f"Who is {number}?", "completion": "A cook."}) + "\n")
    monkeypatch.setattr(reading, "FIRST_LOOK_SECONDS", 0.05)
    place = str(tmp_path / "rows.jsonl")
    part = look_at(place, "instructions", {}, progress=quiet, cancelled=never)
    assert part.share < 1
    assert part.preview.documents < 60_000
    whole = look_at(place, "instructions", {}, whole=True, progress=quiet, cancelled=never)
    assert (whole.share, whole.preview.documents) == (1.0, 60_000)


def test_what_is_typed_behind_the_home_folder_is_an_address_all_the_same() -> None:
    assert placed("~/https://notes.example/x") == "https://notes.example/x"
    assert placed("hub:someone/rows ") == "hub:someone/rows"
    assert placed("~/notes") == "~/notes"
    assert placed("~/identity") == "identity"


def test_a_file_goes_before_shipped_templates_of_its_name(isolated_home: Path) -> None:
    (isolated_home / "identity").write_text("mine", "utf-8")
    assert placed("~/identity") == "~/identity"


def test_a_token_is_wanted_for_an_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wants_token("https://notes.example", "memory")
    assert not wants_token("~/memory.json", "memory")
    assert not wants_token("hub:someone/rows", "instructions")
    monkeypatch.setenv("FINETUI_MEMORY_TOKEN", "abc")
    assert not wants_token("https://notes.example", "memory")


def test_held_tokens_go_to_their_own_place_and_are_not_printed() -> None:
    tokens = Tokens()
    tokens.hold("https://one.example", " secret-of-one ")
    assert tokens.of("https://one.example") == {"https://one.example": "secret-of-one"}
    assert tokens.of("https://two.example") == {}
    assert "secret" not in repr(tokens)
    assert "secret" not in str(vars(tokens).keys())
    tokens.hold("https://one.example", "")
    assert tokens.of("https://one.example") == {}


def test_short_names() -> None:
    assert short_name("/home/ana/notes") == "notes"
    assert short_name("https://notes.example:8000/api/x") == "notes.example"
    assert short_name("hub:someone/rows") == "rows"


def test_scans_wait_for_one_another(workspace: Workspace, tmp_path: Path) -> None:
    from textual.message import Message

    from tui.bridge.scans import Scans
    from tui.messages import ScanEnded, ScanMoved

    class Target:
        """Takes messages as an app does."""

        def __init__(self) -> None:
            self.got: list[Message] = []
            self.lock = threading.Lock()

        def post_message(self, message: Message) -> bool:
            with self.lock:
                self.got.append(message)
            return True

    target = Target()
    scans = Scans(target, workspace.root, Tokens())  # type: ignore[arg-type]
    store = workspace.store
    first = store.add_source("conversations", str(write_chats(tmp_path / "chats.json")))
    second = store.add_source("vault", str(tmp_path / "away"))
    assert scans.start([first, second]) == 2
    assert scans.start([second]) == 0
    wait_until(lambda: not scans.active)
    ended = [one for one in target.got if isinstance(one, ScanEnded)]
    assert [one.source.id for one in ended] == [first.id, second.id]
    assert ended[0].report is not None
    assert ended[0].report.examples == 12
    assert isinstance(ended[1].error, SourceMissing)
    moved = [one.scan for one in target.got if isinstance(one, ScanMoved)]
    assert moved[0] is not None
    assert moved[0].waiting == 1
    assert moved[-1] is None
    assert set(scans.reports) == {first.id}
    scans.close()


def test_skipped_things_are_read_by_pages(workspace: Workspace) -> None:
    source = workspace.store.add_source("vault", "/home/ana/notes")
    skipped = [
        Skipped(source.id, f"{number:05}.md", 0, ("empty", "binary")[number % 2], "why")
        for number in range(5 * PAGE)
    ]
    workspace.store.record_scan(source.id, [], skipped, 0, at=1.0)
    assert workspace.store.skip_codes(source.id) == {"binary": 500, "empty": 500}
    pages = SkipPages(workspace.store, workspace.store.skip_numbers(source.id, "binary"))
    assert pages.size == 500
    last = pages.at(499)
    assert last is not None
    assert last.path == "00999.md"
    assert pages.at(500) is None
    assert pages.at(-1) is None
    # A scan that runs meanwhile takes them away: the rows are empty, nothing fails.
    stale = SkipPages(workspace.store, workspace.store.skip_numbers(source.id))
    workspace.store.record_scan(source.id, [], [], 0, at=2.0)
    assert stale.at(0) is None


def test_the_demo_of_the_app_is_that_of_the_verb(tmp_path: Path) -> None:
    """Both front ends add the same sources with the same settings, and find as much in them."""
    by_key = open_workspace(init_workspace(tmp_path / "key"))
    by_verb = open_workspace(init_workspace(tmp_path / "verb"))
    with by_key, by_verb:
        added = add_demo(by_key)
        for source in added:
            scan(by_key.store, source)
        prepare(by_verb)
        assert [(s.kind, s.root, s.options) for s in by_key.store.sources()] == [
            (s.kind, s.root, s.options) for s in by_verb.store.sources()
        ]
        assert by_key.store.counts() == by_verb.store.counts()
