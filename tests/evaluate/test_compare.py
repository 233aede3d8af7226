"""A file of prompts becomes a report of both sides; the verbs say the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main as run_command
from engine.errors import EvaluateError
from engine.evaluate.compare import (
    Answer,
    Comparison,
    Row,
    as_markdown,
    compare,
    read_prompts,
)
from engine.models import Turn
from engine.workspace import Workspace
from tests.support.tiny_export import RUN


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_text_file_has_a_prompt_a_line(tmp_path: Path) -> None:
    found = read_prompts(write(tmp_path, "p.txt", "one\n\n  two \n"))
    assert [prompt.turns for prompt in found] == [(Turn("user", "one"),), (Turn("user", "two"),)]


def test_jsonl_has_prompts_or_messages(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "one"},
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "two"},
                {"role": "assistant", "content": "written"},
            ]
        },
    ]
    path = write(tmp_path, "p.jsonl", "\n".join(json.dumps(row) for row in rows))
    first, second = read_prompts(path)
    assert (first.turns, first.reference) == ((Turn("user", "one"),), "")
    assert second.turns == (Turn("system", "s"), Turn("user", "two"))
    assert second.reference == "written"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 has no question"),
        ("{}", "line 2 has no question"),
        ('{"prompt": " "}', "line 2 has no question"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "line 2 has no question"),
    ],
)
def test_a_line_that_is_none_is_named_with_its_number(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path, "p.jsonl", '{"prompt": "one"}\n' + line + "\n")
    with pytest.raises(EvaluateError, match=said):
        read_prompts(path)


def test_files_without_prompts_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match="no prompts"):
        read_prompts(write(tmp_path, "p.txt", "\n \n"))
    with pytest.raises(EvaluateError, match="can't be read"):
        read_prompts(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EvaluateError, match="can't be read"):
        read_prompts(tmp_path / "binary.txt")


def test_what_was_written_can_break_no_report(tmp_path: Path) -> None:
    row = Row(
        turns=(Turn("user", "# head\n```\nx\x1b[31m"),),
        seed=1,
        answers={"base": Answer("````\n| a |"), "tuned": Answer("", error="died\x07")},
    )
    text = as_markdown(
        Comparison("r", "f16", 0.7, 9, 0.0, (row,), tmp_path / "a.md", tmp_path / "a.json")
    )
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\n````text\n# head\n```\n" in text
    assert "\n`````text\n````\n| a |\n`````" in text


@pytest.mark.slow
def test_a_report_has_both_sides_with_times(exported: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path, "p.txt", "one\ntwo\n")
    told: list[tuple[int, int]] = []
    result = compare(
        exported,
        RUN,
        path,
        max_tokens=10,
        temperature=1.0,
        out=tmp_path / "out",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
    document = json.loads(result.json.read_text("utf-8"))
    assert [row["messages"][-1]["content"] for row in document["rows"]] == ["one", "two"]
    assert [row["seed"] for row in document["rows"]] == [0, 1]
    for row in document["rows"]:
        for side in ("base", "tuned"):
            assert row[side]["text"]
            assert row[side]["timing"]["completion_tokens"] == 10
            assert row[side]["timing"]["tokens_per_s"] > 0
    assert document["summary"]["tuned"]["answers"] == 2
    markdown = result.markdown.read_text("utf-8")
    assert document["rows"][1]["tuned"]["text"] in markdown
    again = compare(exported, RUN, path, max_tokens=10, temperature=1.0, out=tmp_path / "again")
    assert [row.answers["tuned"].text for row in again.rows] == [
        row.answers["tuned"].text for row in result.rows
    ]


@pytest.fixture
def own(finished_export: Path, tmp_path: Path) -> Path:
    """Return a copy of the exported workspace."""
    return Path(shutil.copytree(finished_export, tmp_path / "own"))


@pytest.mark.slow
def test_the_verbs(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = write(tmp_path, "p.txt", "one\n")
    here = ["--workspace", str(own)]
    short = ["--max-tokens", "8", "--seed", "3"]
    assert run_command(["compare", RUN, "--prompts", str(prompts), *short, "--json", *here]) == 0
    report = json.loads(capsys.readouterr().out)
    assert Path(report["markdown"]).is_relative_to(own / "runs" / RUN)

    assert run_command(["chat", "last", "Why?", *short, *here]) == 0
    printed = capsys.readouterr().out
    assert printed.index("── base") < printed.index("── tuned")
    assert "8 tokens" in printed

    monkeypatch.setattr("sys.stdin", iter_lines("Why?", "b", "And then?", "q", "t"))
    assert run_command(["chat", "last", "--blind", *short, "--json", *here]) == 0
    asked = json.loads(capsys.readouterr().out)["asked"]
    assert [row["prompt"] for row in asked] == ["Why?", "And then?"]
    assert asked[0]["choice"] == ({"base", "tuned"} - {asked[0]["left"]}).pop()
    assert asked[1]["choice"] == "tie"

    assert run_command(["votes", RUN, "--json", *here]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["ties"] == 1
    assert counted["tuned"] + counted["base"] == 1
    assert run_command(["votes", *here]) == 0
    assert "at 95%" in capsys.readouterr().out


@pytest.mark.slow
def test_a_blind_chat_shows_no_side_before_the_vote(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    class Voter:
        """Answers like a person, and keeps what stood on the screen then."""

        lines = iter(["Why?\n", "a\n", ""])

        def readline(self) -> str:
            seen.append(capsys.readouterr().out)
            return next(self.lines)

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Voter())
    here = ["--workspace", str(own)]
    assert run_command(["chat", RUN, "--blind", "--max-tokens", "8", *here]) == 0
    before, after = seen[1], seen[2]
    assert "── A" in before
    assert "── B" in before
    assert "base" not in before
    assert "tuned" not in before
    assert "A was" in after


def iter_lines(*lines: str) -> Any:
    import io

    return io.StringIO("".join(f"{line}\n" for line in lines))
