"""A shell's limit of memory is named before libraries abort, and so is what ends a subprocess."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from engine.child import quiet, run_child
from engine.errors import MemoryShort, SystemFailure
from engine.failures import LEAST_ADDRESS_SPACE

FINETUI = "import sys; from engine.cli.main import main; sys.exit(main(sys.argv[1:]))"


def limited(limit_kib: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a verb as after ``ulimit -v``."""
    limit = limit_kib * 1024
    return subprocess.run(
        [sys.executable, "-c", FINETUI, *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("limit", "verb"), [(60_000, "check"), (100_000, "dedup")])
def test_a_limit_of_memory_is_named(tmp_path: Path, limit: int, verb: str) -> None:
    done = limited(limit, verb, "--json", "--workspace", str(tmp_path))
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "limit-reached"
    assert f"ulimit -v {LEAST_ADDRESS_SPACE // 1024}" in error["hint"]
    assert "backtrace" not in done.stderr


def test_light_verbs_work_under_it(isolated_home: Path) -> None:
    done = limited(100_000, "trust", "--list")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("print('memory allocation of 1048576 bytes failed'); os.abort()", MemoryShort),
        ("print('OpenBLAS error: Memory allocation still failed'); sys.exit(1)", MemoryShort),
        ("os.kill(os.getpid(), signal.SIGKILL)", MemoryShort),
        ("os.kill(os.getpid(), signal.SIGSEGV)", SystemFailure),
    ],
)
def test_what_ends_a_subprocess_is_named(tmp_path: Path, body: str, kind: type[Exception]) -> None:
    (tmp_path / "dies.py").write_text(f"import os, signal, sys\n{body}\n")
    with pytest.raises(kind) as caught:
        run_child("dies", [], quiet, environment={"PYTHONPATH": str(tmp_path)})
    assert type(caught.value) is kind
