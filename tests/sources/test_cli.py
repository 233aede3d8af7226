from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.workspace import init_workspace

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "allotment"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "vault"))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    root = init_workspace(tmp_path / "workspace")

    def call(*words: str, status: int = 0) -> str:
        assert main(["sources", *words, "--workspace", str(root)]) == status
        captured = capsys.readouterr()
        return captured.out if status == 0 else captured.out + captured.err

    return call


def test_add_reads_and_shows(run: Any, vault: Path) -> None:
    out = run("add", str(vault))
    assert "vault:" in out
    assert "frontmatter in" in out
    assert "8 documents, 9 examples (" in out
    assert "1 not-utf8" in out
    assert "why: " in out
    assert "user: " in out


def test_add_can_leave_the_reading_for_later(run: Any, vault: Path) -> None:
    assert "finetui sources scan" in run("add", "vault", str(vault), "--no-scan")
    (listed,) = json.loads(run("list", "--json"))
    assert (listed["kind"], listed["documents"]) == ("vault", 0)
    assert "9 examples" in run("scan", listed["id"].removeprefix("b2-")[:6])


def test_list_scan_skipped_and_remove(run: Any, vault: Path) -> None:
    assert "no sources yet" in run("list")
    added = json.loads(run("add", str(vault), "--json"))
    assert added["scan"]["examples"] == 9
    assert added["first"][0]["messages"][0]["role"] == "user"
    assert "vault" in run("list")
    listing = run("skipped", added["id"])
    assert "Broken.md:2" in listing
    assert "broken-yaml" in listing
    skipped = json.loads(run("skipped", added["id"], "--json"))
    assert [skip["code"] for skip in skipped if skip["path"] == "Latin.md"] == ["not-utf8"]
    assert json.loads(run("scan", "--json"))[0]["scan"]["new"] == 0
    assert json.loads(run("remove", added["id"], "--json"))["examples_removed"] == 9
    assert json.loads(run("list", "--json")) == []


def test_detect_stores_nothing(run: Any, vault: Path) -> None:
    out = run("detect", str(vault))
    assert out.startswith("vault (confidence 1.00): frontmatter in 6 of 11 notes")
    assert "9 examples" in out
    assert json.loads(run("detect", str(vault), "--json"))["examples"]["decision"] == 3
    assert "no sources yet" in run("list")


def test_failures_are_named(run: Any, vault: Path, tmp_path: Path) -> None:
    assert "[source-missing]" in run("add", str(tmp_path / "nothing"), status=1)
    assert "[source-unreadable]" in run("detect", str(vault / "Latin.md"), status=1)
    assert "[source-empty]" in run("detect", str(vault / "Empty.md"), status=1)
    assert "[usage]" in run("add", "mind", str(vault), status=2)
    assert "[usage]" in run("add", "a", "b", "c", status=2)
    failed = run("add", str(tmp_path / "nothing"), "--json", status=1)
    assert json.loads(failed[: failed.rindex("}") + 1])["error"]["code"] == "source-missing"


def test_a_source_that_went_away_does_not_stop_the_others(run: Any, vault: Path) -> None:
    other = vault.with_name("other")
    shutil.copytree(vault, other)
    run("add", str(vault))
    run("add", str(other))
    shutil.rmtree(vault)
    out = run("scan", status=1)
    assert "not read: there is nothing at" in out
    assert "9 examples" in out
    assert "[source-missing]" in out
    assert "source-missing" in run("scan", "--json", status=1)


def test_text_of_a_source_is_shown_inertly(run: Any, tmp_path: Path) -> None:
    root = tmp_path / "nasty"
    root.mkdir()
    (root / "a\x1b[2J.md").write_text(
        "# \x1b]0;owned\x07 Title\n#reflection\n\nI wrote \x1b[31mred\x1b[0m words here because I "
        "wanted to see whether anybody would clean them up for me, and [bold]nobody[/bold] has "
        "ever done it."
    )
    out = run("add", str(root))
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out
    assert "[bold]nobody[/bold]" in out
