"""What datasets say besides the conversations: no secret and nobody's address in any file."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.dataset import Row
from engine.dataset.formats import CONTAINERS, FORMATS
from engine.dataset.gate import gate
from engine.models import Turn
from engine.runs import is_alive, state
from engine.train import make_spec, start
from engine.workspace import open_workspace
from tests.quality.made_secrets import LETTERS, _mixed
from tests.sources.cache.chroma import Entry, store
from tests.support.vaults import write_files
from tests.support.waiting import wait_until

CLEAN = "I went up to the lake with the old boat, and the wind turned before noon."


class Planted:
    """Draws secrets and addresses by a seed, and remembers them."""

    def __init__(self) -> None:
        self._rng = random.Random(1405)
        self.values: list[str] = []

    def token(self) -> str:
        return self._kept(f"ghp_{_mixed(self._rng, 36)}")

    def mail(self) -> str:
        name = _mixed(self._rng, 9, "abcdefghijklmnop123")
        return self._kept(f"ana.{name}@postal-service.ro")

    def word(self) -> str:
        return self._kept(_mixed(self._rng, 9, LETTERS))

    def _kept(self, value: str) -> str:
        self.values.append(value)
        return value


def question(number: int) -> str:
    return f"Where did you go on day {number} of that summer?"


def answer(number: int) -> str:
    return f"On day {number}. {CLEAN} It took {number + 2} hours."


def vault(root: Path, planted: Planted) -> Path:
    front = "\n".join(
        (
            "---",
            f"title: Call with {planted.mail()}",
            f"tags: [{planted.mail()}, lake]",
            f"author: {planted.mail()}",
            f"api_key: {planted.word()}",
            f"note: use {planted.token()} there",
            f"{planted.mail()}: seen",
            f"date: {planted.mail()}",
            f"aliases: [{planted.mail()}]",
            "---",
        )
    )
    learned = (
        "I learned that I should answer within a day, because silence costs more trust than a "
        "short reply. I decided to write every Friday, whatever happens in the week."
    )
    body = f"# Call\n\n## What I learned\n\n{learned}\n"
    folder = f"{planted.mail()}/{planted.token()}"
    return write_files(root, {f"{folder}/Call with {planted.mail()}.md": f"{front}\n{body}"})


def jsonl(root: Path, planted: Planted) -> Path:
    rows = [
        {
            "instruction": question(1),
            "output": answer(1),
            "title": f"Mail of {planted.mail()}",
            "author": planted.mail(),
            "api_key": planted.word(),
            "clientSecret": planted.word(),
            "Authorization": f"Basic {planted.word()}",
            "remark": f"with {planted.token()}",
            planted.token(): "a column named by a token",
        },
        {
            "instruction": question(2),
            "output": answer(2),
            "metadata": {"mail": planted.mail(), "password": planted.word()},
        },
    ]
    path = root / f"rows of {planted.mail()}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def table(root: Path, planted: Planted) -> Path:
    path = root / f"{planted.token()}.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        write = csv.writer(handle)
        write.writerow(["instruction", "output", "owner", "access_token", "note"])
        row = [question(3), answer(3), planted.mail(), planted.word(), f"see {planted.token()}"]
        write.writerow(row)
    return path


def chat(root: Path, planted: Planted) -> Path:
    def message(role: str, text: str) -> dict[str, Any]:
        content = {"content_type": "text", "parts": [text]}
        return {"author": {"role": role}, "create_time": 1740787200.0, "content": content}

    nodes: Mapping[str, Any] = {
        "r": {"id": "r", "parent": None, "children": ["q"], "message": None},
        "q": {"id": "q", "parent": "r", "children": ["a"], "message": message("user", question(4))},
        "a": {"id": "a", "parent": "q", "children": [], "message": message("assistant", answer(4))},
    }
    title = f"{planted.mail()} and {planted.token()}"
    talk = {"title": title, "create_time": 1740787200.0, "mapping": nodes, "current_node": "a"}
    path = root / "conversations.json"
    path.write_text(json.dumps([talk]), "utf-8")
    return path


def cache(root: Path, planted: Planted) -> Path:
    entry = Entry(
        question(5),
        {
            "response": answer(5),
            "user": planted.mail(),
            "token": planted.word(),
            "trace": f"sent with {planted.token()}",
        },
    )
    return store(root / "chroma", {"answers": [entry]})


def written(*roots: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file below some folders, with its name in front of what it holds."""
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder) / name
                yield path, os.fsencode(path.name) + b"\n" + path.read_bytes()


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def filled(tmp_path: Path, planted: Planted) -> Path:
    """Return a workspace whose examples have secrets and addresses in everything but the text."""
    root, sources = tmp_path / "ws", tmp_path / "sources"
    sources.mkdir()
    assert main(["init", str(root)]) == 0
    for kind, made in (
        ("vault", vault(sources / "vault", planted)),
        ("instructions", jsonl(sources, planted)),
        ("instructions", table(sources, planted)),
        ("conversations", chat(sources, planted)),
        ("cache", cache(sources, planted)),
    ):
        assert main(["sources", "add", kind, str(made), "--workspace", str(root)]) == 0
    return root


def leaks(root: Path, planted: Planted, *others: Path) -> list[tuple[str, str]]:
    """Return the files outside of the database that hold a planted value, and which.

    A question may be made of a note's title: what stands in a conversation that nobody redacted
    is that person's decision.
    """
    with open_workspace(root) as space:
        said = "".join(turn.content for card in space.store.cards() for turn in card.turns)
    values = [value.encode() for value in planted.values if value not in said]
    assert len(values) > 20
    return [
        (path.name, value.decode())
        for path, data in written(root, *others)
        for value in values
        if value in data and not path.name.startswith("finetui.db")
    ]


@pytest.mark.parametrize("redacted", [False, True])
def test_no_file_of_a_dataset_holds_what_stands_in_titles_paths_or_columns(
    filled: Path, planted: Planted, tmp_path: Path, isolated_home: Path, redacted: bool
) -> None:
    at = ("--workspace", str(filled))
    assert main(["check", *at]) == 0
    if redacted:
        assert main(["redact", "--all", *at]) == 0
    assert main(["decide", "--all", "approve", *at]) == 0
    assert main(["dataset", "freeze", "--no-near", *at]) == 0
    for name, found in FORMATS.items():
        for container in CONTAINERS:
            if found.container in ("", container):
                out = tmp_path / "exports" / f"{name}-{container}"
                words = ["--format", name, "--as", container, "--out", str(out)]
                words += ["--metadata"] * found.metadata
                assert main(["dataset", "export", "d1", *words, *at]) == 0
    exports = [path for path, _ in written(tmp_path / "exports")]
    assert len(exports) >= 2 * len(FORMATS)
    sides = (filled / "datasets" / "d1").glob("*.jsonl")
    rows = "".join(path.read_text("utf-8") for path in sides)
    assert "[EMAIL_" in rows
    assert "a column named by a token" in rows
    assert leaks(filled, planted, tmp_path / "exports", isolated_home) == []


@pytest.mark.nightly
def test_no_file_of_a_run_holds_it_either(
    filled: Path, planted: Planted, tiny_model_dir: Path, isolated_home: Path
) -> None:
    at = ("--workspace", str(filled))
    assert main(["decide", "--all", "approve", *at]) == 0
    assert main(["dataset", "freeze", "--no-near", "--base", str(tiny_model_dir), *at]) == 0
    with open_workspace(filled) as space:
        run = start(space, make_spec(str(tiny_model_dir), "d1", "small-cpu", epochs=1.0))
        wait_until(lambda: not is_alive(run.dir), timeout=300, what="the run's end")
        assert state(run.dir).status == "finished"
    assert leaks(filled, planted, isolated_home) == []


def test_a_finding_names_its_field_and_a_redaction_takes_it_away(
    filled: Path, planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--workspace", str(filled))
    assert main(["check", *at]) == 0
    with open_workspace(filled) as space:
        cards = list(space.store.cards())
    places = {flag.place for card in cards for flag in card.flags}
    assert {"title", "path", "tag", "a column's name", "column author"} <= places
    assert {"column api_key", "column password", "column access_token", "column token"} <= places
    note = next(card for card in cards if card.example.kind == "learning")
    capsys.readouterr()
    main(["examples", "show", note.example.id, *at])
    shown = capsys.readouterr().out
    assert "! personal: email 0.98, title: an e-mail address" in shown
    assert ", column api_key: " in shown

    assert main(["redact", "--all", *at]) == 0
    assert found_in(filled) == set()
    assert main(["decide", note.example.id, "undo", *at]) == 0
    assert main(["check", *at]) == 0
    assert {"title", "tag"} <= found_in(filled)


def test_a_title_that_changes_is_looked_at_again(tmp_path: Path, planted: Planted) -> None:
    root, rows = tmp_path / "ws", tmp_path / "rows.jsonl"
    at = ("--workspace", str(root))
    row = {"instruction": question(1), "output": answer(1), "title": "The lake"}
    rows.write_text(json.dumps(row) + "\n", "utf-8")
    assert main(["init", str(root)]) == 0
    assert main(["sources", "add", "instructions", str(rows), *at]) == 0
    assert main(["check", *at]) == 0
    assert found_in(root) == set()
    rows.write_text(json.dumps(row | {"title": f"Of {planted.mail()}"}) + "\n", "utf-8")
    assert main(["sources", "scan", *at]) == 0
    assert main(["check", *at]) == 0
    assert found_in(root) == {"title"}


def found_in(root: Path) -> set[str]:
    with open_workspace(root) as space:
        flags = [flag for card in space.store.cards() for flag in card.flags]
        return {flag.place for flag in flags if flag.kind in ("secret", "personal")}


def test_a_value_has_one_placeholder_in_text_title_and_columns(
    tmp_path: Path, planted: Planted
) -> None:
    root, rows = tmp_path / "ws", tmp_path / "rows.jsonl"
    mail, token = planted.mail(), planted.token()
    row = {"instruction": "Who wrote?", "output": f"It was {mail}, with {token}, of course."}
    row |= {"title": f"From {mail}", "author": mail.upper(), "note": f"{token}."}
    rows.write_text(json.dumps(row) + "\n" + json.dumps({"instruction": "And?", "output": CLEAN}))
    at = ("--workspace", str(root))
    assert main(["init", str(root)]) == 0
    assert main(["sources", "add", str(rows), *at]) == 0
    assert main(["redact", "--all", *at]) == 0
    assert main(["decide", "--all", "approve", *at]) == 0
    assert main(["dataset", "freeze", "--no-near", *at]) == 0
    lines = [
        json.loads(line)
        for side in ("train", "validation")
        for line in (root / "datasets" / "d1" / f"{side}.jsonl").read_text("utf-8").splitlines()
    ]
    made = next(line for line in lines if "It was" in line["messages"][1]["content"])
    assert made["messages"][1]["content"] == "It was [EMAIL_1], with [SECRET_1], of course."
    assert made["metadata"]["title"] == "From [EMAIL_1]"
    assert made["metadata"]["extra"]["author"] == "[EMAIL_1]"
    assert made["metadata"]["extra"]["note"] == "[SECRET_1]."


def test_the_gate_refuses_a_row_with_a_secret_in_its_metadata(planted: Planted) -> None:
    turns = (Turn("user", "Which key?"), Turn("assistant", "The one in the safe."))
    rows = [
        Row("b2-0123456789ab", turns, {"title": f"Deploy {planted.token()}"}),
        Row("b2-1123456789ab", turns, {"extra": {"note": planted.token()}}),
        Row("b2-2123456789ab", turns, {"title": "Deploy"}),
    ]
    found = gate(rows)
    assert [(one.example_id, one.code) for one in found] == [
        ("b2-0123456789ab", "secret"),
        ("b2-1123456789ab", "secret"),
    ]
    assert found[0].reason.startswith("title holds")
    assert found[1].reason.startswith("column note holds")
    assert gate(rows, allow_secrets=("github-token",)) == []
