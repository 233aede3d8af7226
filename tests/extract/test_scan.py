from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from engine.cli.source_words import print_report, report_json
from engine.errors import SourceEmpty, SourceMissing, SourceUnknown, UsageError
from engine.extract.scan import preview, scan
from engine.extract.unheard import unheard_words
from engine.models import Filter, Turn
from engine.workspace import Workspace

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "allotment"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "vault"))


def report_bytes(vault: Path) -> int:
    """Return the size of the notes that are read: all that lie in no hidden or template folder."""
    notes = (path for path in vault.rglob("*.md") if "templates" not in path.parts)
    return sum(note.stat().st_size for note in notes)


def test_preview_stores_nothing_and_says_what_there_is(vault: Path) -> None:
    found = preview(vault, limit=4)
    assert found.detection.kind == "vault"
    assert sum(found.examples_by_kind.values()) == 9
    assert found.skipped_by_code["not-utf8"] == 1
    assert len(found.first) == 4
    assert len({example.provenance.path for example in found.first}) == 4


def test_preview_as_a_named_kind(vault: Path) -> None:
    assert preview(vault, kind="vault").detection.why.startswith("frontmatter in 6 of 11 notes")
    assert preview(vault, kind="instructions").detection.confidence == 0
    with pytest.raises(UsageError):
        preview(vault, kind="mind")
    with pytest.raises(SourceUnknown):
        preview(vault / "Lists.md" / ".." / "attachments")


def test_scan_records_examples_and_skips(workspace: Workspace, vault: Path) -> None:
    source = workspace.store.add_source("vault", str(vault))
    steps: list[tuple[int, int]] = []
    report = scan(workspace.store, source, progress=lambda *step: steps.append(step))
    assert (report.examples, report.new, report.vanished) == (9, 9, 0)
    assert report.documents == 8
    assert sum(report.kinds.values()) == 9
    assert steps[-1] == (report_bytes(vault), report_bytes(vault))
    assert {skip.code for skip in workspace.store.skips(source.id)} == {
        "hidden",
        "attachment",
        "template",
        "broken-yaml",
        "empty",
        "not-utf8",
        "not-own",
        "on-request",
    }
    assert workspace.store.counts().total == 9


def test_scanning_again_keeps_decisions(workspace: Workspace, vault: Path) -> None:
    store = workspace.store
    source = store.add_source("vault", str(vault))
    scan(store, source)
    cards = list(store.cards())
    by_path = {card.example.provenance.path: card.example.id for card in cards}
    gate, slugs = by_path["Broken.md"], by_path["lessons/What the slugs know.md"]
    store.append("approve", gate, at=1.0)
    store.append("edit", slugs, turns=(Turn("user", "q"), Turn("assistant", "mine")), at=2.0)

    (vault / "Broken.md").unlink()
    (vault / "lessons" / "Frühjahr.md").unlink()
    (vault / "New.md").write_text(
        "#reflection\n\nI came back to the gate and it was quiet, and I stood there for a while "
        "because I had nothing to do, which I noticed only later, on the way home.\n"
    )
    report = scan(store, source)
    assert (report.new, report.vanished) == (1, 2)
    assert store.counts().total == 9
    assert store.card(gate).state == "approved"
    assert store.card(slugs).turns[1].content == "mine"
    assert store.counts(Filter(states=("approved",))).total == 1


def test_scanning_twice_changes_nothing(workspace: Workspace, vault: Path) -> None:
    source = workspace.store.add_source("vault", str(vault))
    scan(workspace.store, source)
    again = scan(workspace.store, source)
    assert (again.new, again.vanished, again.examples) == (0, 0, 9)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_cancelled_scan_changes_nothing(workspace: Workspace, vault: Path, after: int) -> None:
    source = workspace.store.add_source("vault", str(vault))
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    report = scan(workspace.store, source, cancelled=cancelled)
    assert report.cancelled
    assert workspace.store.counts().total == 0
    assert workspace.store.skips(source.id) == []


def test_a_source_that_went_away_loses_nothing(workspace: Workspace, vault: Path) -> None:
    store = workspace.store
    source = store.add_source("vault", str(vault))
    scan(store, source)
    vault.rename(vault.with_name("elsewhere"))
    with pytest.raises(SourceMissing):
        scan(store, source)
    # What is left of a drive that is not mounted: an empty folder.
    vault.mkdir()
    with pytest.raises(SourceEmpty):
        scan(store, source)
    assert store.counts().total == 9
    assert len(store.skips(source.id)) > 0


_LONG = (
    "The gauge at the lower mill shows the water of the last night, and the keeper writes it down "
    "with chalk before the first boat comes, so that nobody has to ask at the lock for it."
)


def test_what_gives_no_example_is_counted_and_listed(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    card = "Q: How high does the Elbe rise in May?\nA: It rises two metres and a hand.\n"
    (folder / "a.md").write_text(
        f"# Water\n\n{_LONG} {_LONG}\n\n## Short\n\nToo short.\n\n## Said\n\n> {_LONG}\n\n"
        f"## Empty\n\n## Cards\n\n{card}\n{card}"
    )
    (folder / "b.md").write_text(f"---\nsource: https://example.org\n---\n## Clip\n\n{_LONG}\n")
    (folder / "c.md").write_text(f"## Cards\n\n{card}")
    source = workspace.store.add_source("vault", str(folder))
    report = scan(workspace.store, source)
    expected = [
        ("a.md", 1, "on-request"),
        ("a.md", 5, "short"),
        ("a.md", 9, "not-own"),
        ("a.md", 20, "duplicate"),
        ("b.md", 4, "clipped"),
        ("c.md", 0, "duplicate"),
    ]
    assert [(skip.path, skip.line, skip.code) for skip in report.skipped] == expected
    print_report(report, source)
    told = capsys.readouterr().out
    assert "read, and left out: 2 duplicate, 1 clipped, 1 not-own, 1 short" in told
    assert report_json(report)["skipped_by_code"] == dict(Counter(code for _, _, code in expected))
    # What stands in a file that did not change is still known when the others are read again.
    (folder / "b.md").write_text("## Short\n\nToo short.\n")
    (folder / "c.md").unlink()
    report = scan(workspace.store, source)
    codes = [(skip.path, skip.code) for skip in report.skipped]
    assert codes == [(path, code) for path, _, code in expected[:4]] + [("b.md", "short")]


JAPANESE = """# 朝

昨日やっと一つのことが分かった。私はいつも気の重い電話を後回しにしてしまう。毎晩の時間を取られるので、
合唱団をやめることに決めた。振り返ってみると、春に言うべきだった。でも勇気がなくて待っていた。
"""


def test_notes_in_a_language_without_a_table_are_counted(
    workspace: Workspace, tmp_path: Path
) -> None:
    place = tmp_path / "notes"
    for index in range(2):
        (place / "a").mkdir(parents=True, exist_ok=True)
        (place / "a" / f"{index}.md").write_text(f"{JAPANESE}{index}\n", "utf-8")
    words = "2 Japanese notes: no word table; sections are offered with take=thoughts,qa,sections"
    seen = preview(place, kind="vault")
    assert words in seen.told
    assert seen.more == {"section": 2}
    source = workspace.store.add_source("vault", str(place))
    report = scan(workspace.store, source)
    codes = Counter(skip.code for skip in report.skipped)
    assert codes == {"no-words-ja": 2, "on-request": 2}
    assert unheard_words(codes) == [words]
    asked = preview(place, kind="vault", options={"take": "sections"})
    assert asked.examples_by_kind == {"section": 2}
    assert not asked.skipped_by_code
    assert all(example.turns[0].content.startswith("朝") for example in asked.first)
