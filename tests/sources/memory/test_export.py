"""An app that behaves: what it is asked, and what its answers become."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AppElsewhere, AppKeptExport, AppUnreachable, TokenMissing
from engine.extract.scan import scan
from engine.sources import KINDS
from engine.sources.memory import token
from engine.workspace import Workspace
from tests.sources.memory.app import TLS, TOKEN, Answer, Asked, Brain, Wire, app, row
from tests.sources.memory.reading import READER, ask, metadata, read, spoken
from tests.support.trusting import trusted

ROWS = [row("dinner?", "at eight, as always"), row("bring anything?", "bread")]
pytestmark = pytest.mark.usefixtures("with_token")


def sends(body: Any, **headers: str) -> Answer:
    """Return an app that answers everything with one body."""
    return lambda _, wire: wire.send(body, headers=headers)


def test_the_request_is_the_one_of_the_guide() -> None:
    with app(Brain(ROWS)) as running:
        documents, skipped = read(running.address)
    (asked,) = running.asked
    assert (asked.method, asked.path) == ("POST", "/api/finetune/export")
    assert asked.token == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.wanted == {
        "format": "chatml",
        "quality_filter": True,
        "deduplicate": True,
        "include_system": True,
        "validation_split": 0.0,
    }
    assert spoken(documents) == [("dinner?", "at eight, as always"), ("bring anything?", "bread")]
    assert {document.kind for document in documents} == {"memory"}
    assert {document.path for document in documents} == {"export.jsonl"}
    assert [document.start_line for document in documents] == [1, 2]
    assert not skipped


def test_the_options_are_those_of_the_export() -> None:
    with app(Brain(ROWS)) as running:
        read(
            f"{running.address}/",
            format="alpaca",
            quality_filter="off",
            deduplicate="off",
            include_system="off",
            validation_split="0.25",
        )
    assert running.asked[0].wanted == {
        "format": "alpaca",
        "quality_filter": False,
        "deduplicate": False,
        "include_system": False,
        "validation_split": 0.25,
    }


def test_an_address_with_a_path_is_asked_as_it_is() -> None:
    with app(sends("\n".join(map(json.dumps, ROWS)))) as running:
        documents, _ = read(f"{running.address}/clone/v2/dump?user=7")
    assert running.asked[0].path == "/clone/v2/dump?user=7"
    assert len(documents) == 2


@pytest.mark.parametrize(
    "body",
    [
        "\n".join(map(json.dumps, ROWS)),
        "\ufeff" + "\r\n".join(map(json.dumps, ROWS)) + "\r\n\r\n",
        ROWS,
        json.dumps(ROWS, indent=2),
        {"success": True, "count": 2, "data": ROWS},
        {"examples": ROWS},
        {"result": {"format": "chatml", "rows": ROWS}},
        json.dumps({"success": True, "data": ROWS}).replace('"data"', '\n"data"'),
        json.dumps({"data": ROWS}).replace("[", "[\n").replace("}, {", "},\n{"),
    ],
)
def test_the_shapes_of_an_answer(body: Any) -> None:
    with app(sends(body)) as running:
        documents, skipped = read(running.address)
    assert [answer for _, answer in spoken(documents)] == ["at eight, as always", "bread"]
    assert {skip.code for skip in skipped} <= {"no-words"}


def test_a_split_is_kept() -> None:
    with app(sends({"train": ROWS[:1], "validation": ROWS[1:]})) as running:
        documents, _ = read(running.address, validation_split="0.5")
    assert metadata(documents, "split") == ["train", "validation"]


def test_a_brain_may_come_instead_of_rows() -> None:
    brain = {"personality": {"name": "Mara"}, "memories": [{"content": "I keep bees in Sibiu."}]}
    with app(sends(brain)) as running:
        documents, _ = read(running.address)
    assert (
        spoken(documents)[0][1],
        spoken(documents)[-1][1],
    ) == ("I'm Mara.", "I keep bees in Sibiu.")


def test_one_row_alone() -> None:
    with app(sends(json.dumps(ROWS[0]))) as running:
        assert len(read(running.address)[0]) == 1


def test_gzip_in_one_member_and_in_two() -> None:
    whole = "".join(json.dumps(row(f"q{n}", "a" * 50)) + "\n" for n in range(5_000)).encode()
    half = whole.index(b"\n", len(whole) // 2) + 1
    for packed in (
        gzip.compress(whole),
        gzip.compress(whole[:half]) + gzip.compress(whole[half:]),
    ):
        with app(sends(packed, **{"Content-Encoding": "gzip"})) as running:
            assert ask(running.address) == whole


def test_chunks_of_any_size() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Transfer-Encoding": "chunked"})
        for piece in (json.dumps(ROWS[0]) + "\n", json.dumps(ROWS[1])):
            for start in range(0, len(piece), 7):
                part = piece[start : start + 7].encode()
                wire.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        wire.wfile.write(b"0\r\n\r\n")

    with app(answer) as running:
        assert len(read(running.address)[0]) == 2


@pytest.mark.parametrize(("status", "method"), [(307, "POST"), (308, "POST"), (302, "GET")])
def test_a_redirect_within_the_app(status: int, method: str) -> None:
    def answer(asked: Asked, wire: Wire) -> None:
        if asked.path == "/api/finetune/export":
            wire.send(status=status, headers={"Location": "/api/finetune/export/"})
        else:
            wire.send(ROWS)

    with app(answer) as running:
        assert len(read(running.address)[0]) == 2
    assert [asked.method for asked in running.asked] == ["POST", method]
    assert {asked.token for asked in running.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("relative", [True, False])
def test_a_download_from_the_app_itself(relative: bool) -> None:
    def answer(asked: Asked, wire: Wire) -> None:
        if asked.method == "POST":
            base = "" if relative else running.address
            wire.send({"download_url": f"{base}/files/7.jsonl?expires=9"})
        else:
            wire.send(ROWS)

    with app(answer) as running:
        assert len(read(running.address)[0]) == 2
    assert running.asked[1].path == "/files/7.jsonl?expires=9"
    assert running.asked[1].token == f"Bearer {TOKEN}"


@pytest.mark.parametrize("way", ["redirect", "download"])
def test_the_token_goes_to_no_other_host(way: str) -> None:
    def answer(_: Asked, wire: Wire) -> None:
        if way == "redirect":
            wire.send(status=307, headers={"Location": f"{other.address}/api/finetune/export"})
        else:
            wire.send({"download_url": f"{other.address}/file.jsonl"})

    with app(sends(ROWS)) as other, app(answer) as running, pytest.raises(AppElsewhere) as caught:
        read(running.address)
    assert other.asked == []
    assert other.address not in str(caught.value)
    assert "gets no token" in str(caught.value)


SAVED = {"success": True, "total_examples": 2, "path": "backend/data/finetune_dataset.jsonl"}


def test_an_app_that_saves_its_export_on_its_own_machine() -> None:
    def answer(asked: Asked, wire: Wire) -> None:
        wire.send(SAVED) if asked.method == "POST" else wire.send(status=404)

    with app(answer) as running, pytest.raises(AppKeptExport) as caught:
        read(running.address)
    assert "backend/data/finetune_dataset.jsonl" in str(caught.value)
    assert caught.value.hint.startswith("copy that file here and add it")
    # It was looked for where such an app has it, and nowhere else.
    assert [asked.path for asked in running.asked] == [
        "/api/finetune/export",
        "/api/finetune/download",
    ]


def test_a_saved_export_that_can_be_downloaded() -> None:
    def answer(asked: Asked, wire: Wire) -> None:
        wire.send(SAVED if asked.method == "POST" else "\n".join(map(json.dumps, ROWS)))

    with app(answer) as running:
        assert len(read(running.address)[0]) == 2


def test_a_saved_export_that_is_here_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backend" / "data").mkdir(parents=True)
    (tmp_path / SAVED["path"]).write_text("{}")  # type: ignore[operator]
    with app(sends(SAVED)) as running, pytest.raises(AppKeptExport) as caught:
        read(running.address)
    assert "finetui sources add memory backend/data/finetune_dataset.jsonl" in caught.value.hint


def test_https_with_a_certificate_that_the_machine_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    with app(Brain(ROWS), secure=True) as running:
        assert len(read(running.address)[0]) == 2


def test_a_proxy_sees_nothing_of_what_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with app(sends(ROWS)) as proxy, app(Brain(ROWS)) as running:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        assert len(read(running.address)[0]) == 2
    assert proxy.asked == []


def test_a_typed_token_is_for_its_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(token.VARIABLE)
    with app(Brain(ROWS)) as running, app(Brain(ROWS)) as other:
        token.offer(f"{running.address}/api/finetune/export", f"Bearer {TOKEN}\n")
        assert len(read(running.address)[0]) == 2
        with pytest.raises(TokenMissing):
            read(other.address)
        assert other.asked == []


def test_an_export_without_change_is_not_read_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "memory", READER)
    brain = Brain(list(ROWS))
    with app(brain) as running:
        source = workspace.store.add_source("memory", running.address)
        trusted(workspace.root)
        first = scan(workspace.store, source)
        second = scan(workspace.store, source)
        brain.rows.append(row("and after?", "a walk"))
        third = scan(workspace.store, source)
    assert (first.files_read, first.new, first.kinds) == (1, 2, {"memory": 2})
    assert (second.files_read, second.new, second.vanished) == (0, 0, 0)
    assert (third.files_read, third.new, third.vanished) == (1, 1, 0)


def test_the_body_has_no_name_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with app(Brain(ROWS)) as running:
        item = next(READER.items(running.address, _reading()))
        assert os.listdir(folder) == []
        # It is read as often as is wanted, and by several at a time.
        with item.open() as one, item.open() as two:
            assert one.read(5) == two.read(5)
            assert one.read() == two.read()
    assert item.digest() == item.digest()
    assert (item.mtime_ns, item.path) == (0, None)
    del item
    assert os.listdir(folder) == []


def _reading() -> Any:
    from engine.sources.base import Reading

    return Reading("s")


def test_plain_http_to_another_machine_where_it_is_allowed() -> None:
    # The guard of the tests lets no connection leave this machine.
    with pytest.raises(AppUnreachable):
        ask("http://192.0.2.7:8000", insecure="yes")


def test_a_person_can_stop_it_while_the_app_thinks() -> None:
    class Stopped(Exception):
        pass

    def answer(_: Asked, wire: Wire) -> None:
        started.append(True)
        wire.begin(headers={"Content-Type": "application/json"})
        wire.drip(b" ")

    def on_bytes(_: int) -> None:
        if started:
            raise Stopped

    from engine.sources.base import Reading

    started: list[bool] = []
    with app(answer) as running, pytest.raises(Stopped):
        list(READER.items(running.address, Reading("s", on_bytes=on_bytes)))


def test_detection_asks_nobody() -> None:
    with app(Brain(ROWS)) as running:
        found = READER.detect_address(running.address)
    assert (found.kind, running.asked) == ("memory", [])
    assert f"{running.address}/api/finetune/export" in found.why
