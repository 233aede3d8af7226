from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main as verbs
from engine.cli.main import main
from engine.models import Filter
from engine.workspace import init_workspace, open_workspace
from tests.compose.server import Reply, Request, in_turn, serving
from tests.compose.test_backtranslate import VAULT, asks, naming
from tests.compose.test_expand import writes
from tests.sources.synthetic.support import SMALL

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(verbs.VERBS, "questions", ("engine.cli.compose", "questions", ""))
    monkeypatch.setitem(verbs.VERBS, "synthetic", ("engine.cli.synthetic", "synthetic", ""))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return init_workspace(tmp_path / "workspace")


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str, status: int = 0) -> str:
        assert main([*words, "--workspace", str(root)]) == status
        captured = capsys.readouterr()
        return captured.out if status == 0 else captured.out + captured.err

    return call


@pytest.fixture
def noted(run: Run, tmp_path: Path) -> Run:
    vault = shutil.copytree(VAULT, tmp_path / "vault")
    run("sources", "add", str(vault))
    return run


def edited(root: Path) -> int:
    with open_workspace(root) as space:
        return space.store.counts(Filter()).edited


def waiting(root: Path) -> int:
    with open_workspace(root) as space:
        counts = space.store.counts(Filter())
        return counts.total - counts.edited


def test_three_are_shown_and_nothing_is_written_without_a_yes(noted: Run, root: Path) -> None:
    with serving(asks) as server:
        out = noted("questions", "--endpoint", server.url, "--model", "m")
    assert out.count("    was: ") == out.count("    now: ") == 3
    assert f"their texts go to m at 127.0.0.1:{server.url.split(':')[2][:-3]}" in out
    assert "nothing was written; add --yes to write" in out
    assert len(server.requests) == 3
    assert edited(root) == 0


def test_yes_writes_all_and_they_can_be_taken_back(noted: Run, root: Path) -> None:
    total = waiting(root)
    with serving(asks) as server:
        out = noted("questions", "--endpoint", server.url, "--model", "m", "--yes")
        assert len(server.requests) == total
        assert f"{total} questions written" in out
        assert edited(root) == total
        again = noted("questions", "--endpoint", server.url, "--model", "m", "--yes")
    assert "no example from notes is without" in again
    assert "0 questions taken back" in noted("questions", "--take-back", "--model", "other")
    assert f"{total} questions taken back" in noted("questions", "--take-back")
    assert edited(root) == 0


def test_json_and_limit(noted: Run, root: Path) -> None:
    model = ("--model", "m", "--json")
    with serving(asks) as server:
        dry = json.loads(noted("questions", "--endpoint", server.url, *model, "--limit", "2"))
        done = json.loads(
            noted("questions", "--endpoint", server.url, *model, "--limit", "2", "--yes")
        )
    assert dry["dry_run"]
    assert (dry["waiting"], dry["written"], len(dry["proposals"])) == (2, 0, 2)
    assert not done["dry_run"]
    assert (done["waiting"], done["written"], len(done["proposals"])) == (2, 2, 2)
    assert done["proposals"] == dry["proposals"]
    assert set(done["proposals"][0]) == {"id", "before", "question", "language"}
    assert edited(root) == 2


def test_refused_outputs_are_told_and_the_template_stays(noted: Run, root: Path) -> None:
    with serving(in_turn("I cannot do that.")) as server:
        model = ("--endpoint", server.url, "--model", "m", "--limit", "1", "--yes")
        out = noted("questions", *model)
        kept = json.loads(noted("questions", *model, "--json"))["kept"]
    assert "stays: it declined to write one [model-declined]" in out
    assert "0 questions written (1 model-declined)" in out
    assert kept[0]["code"] == "model-declined"
    assert kept[0]["output"] == "I cannot do that."
    assert edited(root) == 0


def test_an_interrupt_keeps_what_was_written(noted: Run, root: Path) -> None:
    count = 0

    def interrupting(request: Request) -> str:
        nonlocal count
        count += 1
        if count == 5:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.2)
        return asks(request)

    with serving(interrupting) as server:
        words = ("questions", "--endpoint", server.url, "--model", "m", "--yes", "--json")
        told = json.loads(noted(*words, status=130))
        assert told["interrupted"]
        assert told["written"] == edited(root) == 4
        rest = json.loads(noted(*words))
    assert rest["written"] == told["waiting"] - 4
    assert waiting(root) == 0


def test_an_error_in_between_says_what_was_written(noted: Run, root: Path) -> None:
    replies = naming(in_turn("What did you note about TOPIC?", Reply("", 401)))
    with serving(replies) as server:
        model = ("--endpoint", server.url, "--model", "m", "--yes", "--json")
        # The first three are asked for before the first is written.
        out = noted("questions", *model, status=1)
    assert "endpoint-refused" in out
    assert edited(root) in (0, 1)


def test_one_model_must_be_named(noted: Run) -> None:
    assert "name one model" in noted("questions", status=2)
    both = ("--embedded", "--endpoint", "http://localhost:1/v1")
    assert "name one model" in noted("questions", *both, status=2)
    unnamed = noted("questions", "--endpoint", "http://localhost:1/v1", status=1)
    assert "endpoint-invalid" in unnamed


def test_foreign_text_is_inert(noted: Run) -> None:
    with serving(naming(in_turn("What did you \x1b[2J note of TOPIC \x07 here?"))) as server:
        out = noted("questions", "--endpoint", server.url, "--model", "m", "--limit", "1")
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


# synthetic


def test_init_check_and_add(run: Run, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert "edit the slots first" in run("synthetic", "init", str(path))
    assert "there already" in run("synthetic", "init", str(path), status=2)
    out = run("synthetic", "check", str(path), "--count", "4", "--noise", "light")
    assert "on 6 topics" in out
    assert out.count("    user: ") == 4
    told = json.loads(run("synthetic", "check", str(path), "--json"))
    assert told["problems"] == []
    assert len(told["first"]) == 6


def test_check_names_every_mistake(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALL.replace("is {name}]?", "is {nam}]?"), "utf-8")
    out = run("synthetic", "check", str(path), status=1)
    assert "13  unknown-slot" in out
    assert "did you mean name?" in out
    told = json.loads(run("synthetic", "check", str(path), "--json", status=1))
    assert told["problems"][0]["line"] == 13
    assert "source-missing" in run("synthetic", "check", str(tmp_path / "no.toml"), status=1)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    lines = [
        {
            "prompt": f"What is the use of the {thing}?",
            "completion": f"The {thing} is for the boat.",
        }
        for thing in ("winch", "rope", "anchor", "lamp")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_expand_writes_a_file_and_adds_it(run: Run, root: Path, seeds: Path) -> None:
    words = ("synthetic", "expand", "--seeds", str(seeds), "--count", "10", "--name", "more")
    with serving(writes()) as server:
        model = ("--endpoint", server.url, "--model", "m")
        out = run(*words, *model)
        told = json.loads(run(*words, *model, "--json"))
    assert "10 examples written in 3 requests; left out: 0" in out
    assert "seeds: " in out
    assert "(4 in en); they go to m at 127.0.0.1" in out
    assert told["written"] == 0
    assert told["total"] == 10
    listed: list[dict[str, Any]] = json.loads(run("sources", "list", "--json"))
    (source,) = listed
    assert source["kind"] == "instructions"
    assert source["examples"] == 10
    assert source["root"] == str(root / "synthetic" / "more.jsonl")


def test_expand_tells_what_it_left_out(run: Run, seeds: Path) -> None:
    copied = "Question: What is the use of the winch?\nAnswer: It is for the boats.\n###"
    words = ("synthetic", "expand", "--seeds", str(seeds), "--count", "5", "--no-add")
    with serving(in_turn(copied)) as server:
        out = run(*words, "--endpoint", server.url, "--model", "m")
    assert "0 examples written in 10 requests; left out: 10 (10 similar)" in out
    assert "gives nothing new any more" in out
    assert json.loads(run("sources", "list", "--json")) == []


def test_expand_needs_seeds(run: Run) -> None:
    out = run("synthetic", "expand", "--endpoint", "http://localhost:1", "--model", "m", status=1)
    assert "too few seed examples" in out
