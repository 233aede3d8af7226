"""Notes that stand in a vault twice, and what becomes of the decisions about them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.extract.scan import ScanReport, scan
from engine.models import Source
from engine.store.copies import plain_name
from engine.workspace import Workspace

# No heading of the first level: the title, and with it each question, is the file's name.
NOTE = """## Decision

I decided to rent for a year before buying anything, because I do not know the neighbourhoods well
enough and prices are high; it was a close call, and I would decide the same way again.

## What I learned

I learned that moving house is mostly about letting go of things, and that friends who carry boxes
deserve a good dinner and an honest thank you afterwards, which I gave them.
"""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "Lisbon.md").write_text(NOTE)
    return tmp_path / "vault"


@pytest.fixture
def source(workspace: Workspace, vault: Path) -> Source:
    source = workspace.store.add_source("vault", str(vault))
    assert scan(workspace.store, source).new == 2
    return source


def again(workspace: Workspace, source: Source) -> ScanReport:
    return scan(workspace.store, source)


def states(workspace: Workspace) -> list[tuple[str, str, str]]:
    return [(card.example.kind, card.state, card.origin) for card in workspace.store.cards()]


def decide(workspace: Workspace) -> None:
    first, second = workspace.store.cards()
    workspace.store.append("approve", first.example.id, at=1.0)
    workspace.store.append("reject", second.example.id, at=2.0)


DECIDED = [("decision", "approved", ""), ("learning", "rejected", "")]
same: Callable[[str], str] = str


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("Lisbon (1).md", same),
        ("Lisbon.sync-conflict-20261101-101010-ABCDEFG.md", same),
        ("attic/Moving house.md", same),
        ("export/Lisbon.md", lambda text: text.replace("\n", "\r\n").replace(" and ", "  and ")),
        ("Lisbon - Copy.md", lambda text: text.replace("\nenough", " enough") + "\n\n\n"),
        ("Renamed headings.md", lambda text: text.replace("What I learned", "Lessons learned")),
    ],
)
def test_a_copy_brings_nothing_back(
    workspace: Workspace, vault: Path, source: Source, name: str, changed: Callable[[str], str]
) -> None:
    decide(workspace)
    copy = vault / name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(changed(NOTE), newline="")
    report = again(workspace, source)
    assert (report.documents, report.new, states(workspace)) == (2, 0, DECIDED)
    # Read again it is still the same, and the copy alone is enough for the example to be there.
    copy.write_text(copy.read_text() + "\n")
    os.utime(copy, (5, 5))
    assert (again(workspace, source).new, states(workspace)) == (0, DECIDED)
    (vault / "Lisbon.md").unlink()
    assert (again(workspace, source).new, states(workspace)) == (0, DECIDED)
    (vault / "Other.md").write_text("A vault is never empty.\n")
    copy.unlink()
    again(workspace, source)
    assert [origin for *_, origin in states(workspace)] == ["gone", "gone"]


def test_another_source_with_the_same_notes_brings_nothing_back(
    workspace: Workspace, source: Source, tmp_path: Path
) -> None:
    decide(workspace)
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "2026 Lisbon.md").write_text(NOTE)
    other = workspace.store.add_source("vault", str(tmp_path / "backup"))
    assert (again(workspace, other).new, states(workspace)) == (0, DECIDED)
    # Its note counts as one of its examples, and stays when the first source goes.
    assert workspace.store.source(other.id).examples == 2


def test_of_two_copies_in_a_first_scan_the_original_stands(
    workspace: Workspace, vault: Path
) -> None:
    (vault / "Lisbon (1).md").write_text(NOTE)
    source = workspace.store.add_source("vault", str(vault))
    assert again(workspace, source).new == 2
    assert {card.example.provenance.path for card in workspace.store.cards()} == {"Lisbon.md"}


def test_an_edited_copy_says_what_was_decided_about_the_original(
    workspace: Workspace, vault: Path, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(workspace)
    edited = NOTE.replace("friends who carry boxes", "neighbours who carry heavy boxes")
    (vault / "Lisbon (2).md").write_text(edited)
    assert again(workspace, source).new == 1
    assert states(workspace) == [*DECIDED, ("learning", "undecided", "")]
    *_, old, new = workspace.store.cards()
    assert new.example.follows == old.example.id
    assert main(["examples", "show", new.example.id, "--workspace", str(workspace.root)]) == 0
    assert "which is rejected" in capsys.readouterr().out


def test_an_edit_in_place_leaves_the_other_section_decided(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    decide(workspace)
    (vault / "Lisbon.md").write_text(NOTE.replace("a close call", "a very close call"))
    again(workspace, source)
    assert states(workspace) == [
        ("decision", "approved", "changed"),
        DECIDED[1],
        ("decision", "undecided", ""),
    ]


def test_a_new_title_still_brings_its_question(
    workspace: Workspace, vault: Path, source: Source
) -> None:
    """Only a passage that stands elsewhere too is a copy."""
    before = {card.example.id for card in workspace.store.cards()}
    (vault / "Lisbon.md").write_text(f"# Moving to Portugal\n\n{NOTE}")
    again(workspace, source)
    after = list(workspace.store.cards())
    assert len(after) == 2
    assert not before & {card.example.id for card in after}
    assert all(card.example.provenance.title == "Moving to Portugal" for card in after)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        # As Explorer, Finder, Chrome, Syncthing, Dropbox, ownCloud, Nextcloud and Nautilus write.
        ("a/Note - Copy (2).md", "note"),
        ("Note copy 3.md", "note"),
        ("Note (1).md", "note"),
        ("Note.sync-conflict-20150727-125801-ABCDEFG.md", "note"),
        ("Note (Mara's conflicted copy 2026-11-01).md", "note"),
        ("Note_conflict-20170101-123456.md", "note"),
        ("Note (conflicted copy 2026-11-01 101010).md", "note"),
        ("Note (copy).md", "note"),
        ("(1).md", "(1)"),
        ("Photocopy.md", "photocopy"),
        ("README", "readme"),
    ],
)
def test_names_of_copies(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize("gap", ["\n\n", " \u200b", "\n"])
def test_an_edit_that_nobody_sees_brings_no_decision_back(
    workspace: Workspace, source: Source, vault: Path, gap: str
) -> None:
    decide(workspace)
    text = NOTE.replace(" well\nenough", f" well{gap}enough").replace(
        "go of things, and", f"go of things,{gap}and"
    )
    (vault / "Lisbon.md").write_text(text)
    os.utime(vault / "Lisbon.md", (1.0, 1.0))
    again(workspace, source)
    assert [(card.example.kind, card.state) for card in workspace.store.cards()] == [
        ("decision", "approved"),
        ("learning", "rejected"),
    ]
