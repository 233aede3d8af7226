from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import UsageError
from engine.sources import detect, is_address
from engine.sources.hub import CONVERTED, HubAddress
from tests.sources.instructions.hub_server import Hub, serving, sha_of

ROWS = [{"prompt": f"Question {n}?", "completion": f"Answer {n}."} for n in range(4)]
JSONL = "\n".join(json.dumps(row) for row in ROWS).encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    stream = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def read(hub: Hub, address: str, **environment: str) -> dict[str, Any]:
    """Read an address in a child that takes the test's server for the hub."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sources.instructions.read_hub", address],
        env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("hub:owner/name", HubAddress("owner/name")),
        ("hub:gsm8k", HubAddress("gsm8k")),
        ("hub:owner/name@v1.0", HubAddress("owner/name", "v1.0")),
        ("hub:o/n@refs/pr/3#main/train", HubAddress("o/n", "refs/pr/3", "main", "train")),
        ("hub:o/n#train", HubAddress("o/n", "", "train")),
    ],
)
def test_addresses(address: str, expected: HubAddress) -> None:
    assert HubAddress.of(address) == expected
    assert is_address(address) == address
    found = detect(address)
    assert (found.kind, found.confidence) == ("instructions", 1.0)
    assert expected.id in found.why


@pytest.mark.parametrize("address", ["hub:", "hub:/x", "hub:a/b/c", "hub:../../etc", "hub:a b"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        HubAddress.of(address)
    assert "hub:owner/name" in caught.value.hint


@pytest.mark.parametrize("path", ["owner/name", "./hub", "hub", "C:data"])
def test_a_plain_path_is_never_one(path: str) -> None:
    assert not is_address(path)


def test_off_the_network_it_says_so() -> None:
    with serving(Hub({})) as hub:
        error = read(hub, "hub:owner/name", HF_HUB_OFFLINE="1")["error"]
    assert error["code"] == "source-unreadable"
    assert "HF_HUB_OFFLINE" in error["message"]
    assert "folder" in error["hint"]
    assert not hub.requests


def test_a_data_set_is_read_without_being_kept() -> None:
    files = {
        "README.md": b"# card",
        "data/train-00000-of-00001.parquet": parquet(ROWS),
        "data/test-00000-of-00001.parquet": parquet(ROWS[:1]),
    }
    with serving(Hub({"owner/name": {"main": files}})) as hub:
        found = read(hub, "hub:owner/name", HF_TOKEN="hf_aSecretOfMine")
        again = read(hub, "hub:owner/name@main#train")
    assert [(said[0][1], metadata["split"]) for _, said, metadata in found["documents"]] == [
        ("Question 0?", "test"),
        *((f"Question {n}?", "train") for n in range(4)),
    ]
    assert found["skipped"] == [["README.md", "not-rows", "it is no JSON, CSV, Parquet or Arrow"]]
    assert len(again["documents"]) == 4
    # The library takes the token from the environment by itself, and only from there.
    assert {token for _, _, token in hub.requests} == {"Bearer hf_aSecretOfMine", ""}
    assert "hf_aSecretOfMine" not in json.dumps(found)


def test_the_card_says_which_files_are_which_split() -> None:
    files = {"a.jsonl": JSONL, "b.jsonl": JSONL, "notes.jsonl": JSONL}
    parts = [{"split": "train", "path": "a.jsonl"}, {"split": "holdout", "path": ["b.*"]}]
    card = {"configs": [{"config_name": "main", "data_files": parts}]}
    with serving(Hub({"owner/name": {"main": files}}, {"owner/name": card})) as hub:
        found = read(hub, "hub:owner/name")
        held = read(hub, "hub:owner/name#main/holdout")
        missing = read(hub, "hub:owner/name#main/dev")
    assert {metadata["split"] for _, _, metadata in found["documents"]} == {"train", "holdout"}
    assert [path for path, *_ in found["skipped"]] == ["notes.jsonl"]
    assert {path for path, *_ in held["documents"]} == {"b.jsonl"}
    assert missing["error"]["code"] == "source-missing"
    assert "train, holdout" in missing["error"]["hint"]


def test_several_configurations_ask_for_one() -> None:
    configs = [{"config_name": name, "data_files": f"{name}.jsonl"} for name in ("main", "hard")]
    files = {"main.jsonl": JSONL, "hard.jsonl": JSONL[: JSONL.index(b"\n")]}
    with serving(Hub({"o/n": {"main": files}}, {"o/n": {"configs": configs}})) as hub:
        asked = read(hub, "hub:o/n")
        found = read(hub, "hub:o/n#hard")
    assert asked["error"]["code"] == "usage"
    assert "hub:o/n#main" in asked["error"]["hint"]
    assert len(found["documents"]) == 1


def test_what_the_hub_converted_is_read_where_a_program_would_be_needed() -> None:
    files = {"main": {"load.py": b"raise SystemExit('executed')"}}
    converted = {CONVERTED: {"default/train/0000.parquet": parquet(ROWS)}}
    with serving(Hub({"o/n": {**files, **converted}})) as hub:
        found = read(hub, "hub:o/n")
    assert len(found["documents"]) == 4
    assert found["documents"][0][2]["split"] == "train"


def test_an_item_tells_whether_it_changed_without_being_fetched() -> None:
    hub = Hub({"o/n": {"main": {"a.jsonl": JSONL}, "next": {"a.jsonl": JSONL + b"\n"}}})
    with serving(hub):
        (first,) = read(hub, "hub:o/n")["items"]
        (second,) = read(hub, "hub:o/n")["items"]
        (other,) = read(hub, "hub:o/n@next")["items"]
    assert first == second
    assert first[2] != other[2]
    assert first[3] != other[3]


@pytest.mark.parametrize(
    ("address", "code", "hint"),
    [
        ("hub:o/missing", "source-missing", "spelling"),
        ("hub:o/n@nowhere", "source-missing", "@revision"),
        ("hub:o/gated", "source-unreadable", "HF_TOKEN"),
        ("hub:o/empty", "source-empty", "folder"),
    ],
)
def test_what_the_hub_does_not_give(address: str, code: str, hint: str) -> None:
    files = {"main": {"a.jsonl": JSONL}}
    sets = {"o/n": files, "o/gated": files, "o/empty": {"main": {"x.bin": b"\x00"}}}
    with serving(Hub(sets, gated=frozenset(["o/gated"]))) as hub:
        error = read(hub, address)["error"]
    assert error["code"] == code
    assert hint in error["hint"]


def test_a_hub_that_does_not_answer() -> None:
    with serving(Hub({})) as hub:
        pass
    error = read(hub, "hub:o/n")["error"]
    assert error["code"] == "source-unreadable"
    assert "can't be reached" in error["message"]


def test_a_revision_is_the_one_that_was_looked_at() -> None:
    with serving(Hub({"o/n": {"main": {"a.jsonl": JSONL}}})) as hub:
        read(hub, "hub:o/n")
    fetched = [path for _, path, _ in hub.requests if "/resolve/" in path]
    assert fetched
    assert all(f"/resolve/{sha_of('main')}/" in path for path in fetched)
