"""Nothing is written through a link that leads out of a workspace before it is trusted."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.workspace import init_workspace

DEMO = Path(__file__).resolve().parents[2] / "engine" / "demo" / "data"


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """Return a workspace with a frozen dataset."""
    root = init_workspace(tmp_path / "space")
    at = ["--workspace", str(root)]
    assert main(["sources", "add", str(DEMO / "vault"), *at]) == 0
    assert main(["decide", "--all", "approve", *at]) == 0
    assert main(["dataset", "freeze", "--name", "red", "--no-near", *at]) == 0
    return root


def outside(tmp_path: Path) -> Path:
    """Make a folder that everybody may write to."""
    folder = tmp_path / "pub"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    capsys.readouterr()
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("linked", ["exports", "exports/deep"])
def test_an_export_does_not_leave_through_a_link(
    frozen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], linked: str
) -> None:
    pub, link = outside(tmp_path), frozen / linked
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("../pub" if linked == "exports" else "../../pub")
    out = link / "red-chat.jsonl"
    export = ["dataset", "export", "red", "--format", "chat", "--workspace", str(frozen)]
    export += ["--out", str(out)] if linked != "exports" else []
    status, found = run(capsys, *export)
    assert (status, found["error"]["code"]) == (1, "workspace-untrusted")
    assert linked in found["error"]["message"]
    assert found["error"]["hint"].endswith(f"finetui trust {frozen}")
    assert list(pub.iterdir()) == []
    if linked == "exports":
        items = run(capsys, "trust", "--show", str(frozen))[1]["items"]
        assert items == [{"name": "link exports", "value": str(pub), "how": "writes"}]
        # Trusted, it is written, for its user's eyes only.
        assert run(capsys, "trust", str(frozen))[0] == 0
        assert run(capsys, *export)[0] == 0
        assert stat.S_IMODE((pub / "red-chat.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("linked", "words"),
    [
        ("datasets", ["dataset", "freeze", "--name", "second", "--no-near"]),
        ("synthetic", ["sources", "add", "synthetic", "identity"]),
    ],
)
def test_no_other_folder_leads_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], linked: str, words: list[str]
) -> None:
    root, pub = init_workspace(tmp_path / "space"), outside(tmp_path)
    (root / linked).symlink_to(pub)
    status, found = run(capsys, *words, "--workspace", str(root))
    assert (status, found["error"]["code"]) == (1, "workspace-untrusted")
    assert list(pub.iterdir()) == []


def test_a_link_within_the_workspace_is_nobodys_business(
    frozen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (frozen / "mine").mkdir()
    (frozen / "exports").symlink_to("mine")
    export = ["dataset", "export", "red", "--format", "chat", "--workspace", str(frozen)]
    assert run(capsys, *export)[0] == 0
    assert (frozen / "mine" / "red-chat.jsonl").is_file()
