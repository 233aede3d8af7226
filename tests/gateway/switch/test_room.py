"""Whether one more engine fits, in a container too; the files are as cgroups(7) describes them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from engine import memory
from engine.gateway.changing.room import Room, free
from engine.telemetry import snapshot
from engine.train.fit.target import processor

MIB = 1 << 20


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in place of the one in which the system shows control groups."""
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    return tmp_path


def own(groups: Path, *lines: str) -> None:
    (groups / "own").write_text("".join(f"{line}\n" for line in lines))


def group(folder: Path, limit: int | str, used: int, cached: int = 0) -> None:
    """Write a group of the second version; numbers are MiB."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit if isinstance(limit, str) else limit * MIB}\n")
    (folder / "memory.current").write_text(f"{used * MIB}\n")
    (folder / "memory.stat").write_text(f"anon 4096\nfile 1\ninactive_file {cached * MIB}\n")


def old_group(folder: Path, limit: int, used: int, cached: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{used * MIB}\n")
    (folder / "memory.stat").write_text(f"cache 1\ntotal_inactive_file {cached * MIB}\n")


def test_a_container_has_what_its_limit_leaves(groups: Path) -> None:
    own(groups, "0::/")
    group(groups, 300, 200, cached=50)
    assert free(on_gpu=False) == 150 * MIB
    assert Room(kept=0).holds(150 * MIB, 0)
    assert not Room(kept=0).holds(151 * MIB, 0)
    group(groups, 100, 200)
    assert free(on_gpu=False) == 0


def test_the_groups_above_count_too(groups: Path) -> None:
    own(groups, "0::/user.slice/session")
    group(groups / "user.slice" / "session", "max", 100)
    group(groups / "user.slice", 60, 20)
    assert free(on_gpu=False) == 40 * MIB
    group(groups / "user.slice" / "session", 110, 100)
    assert free(on_gpu=False) == 10 * MIB


@pytest.mark.parametrize("path", ["docker/0a1b", ""])
def test_the_first_version_of_groups(groups: Path, path: str) -> None:
    """Its path is the host's, which a container that sees only its own group does not have."""
    own(groups, "9:name=systemd:/", "4:cpu,memory:/docker/0a1b", "0::/")
    old_group(groups / "memory" / path, 90 * MIB, 60, cached=10)
    assert free(on_gpu=False) == 40 * MIB


def test_a_container_is_what_runs_and_the_screen_are_told(groups: Path) -> None:
    own(groups, "0::/")
    group(groups, 300, 200, cached=50)
    here = processor()
    assert (here.total, here.free) == (300 * MIB, 150 * MIB)
    seen = snapshot(groups)
    assert (seen.ram_used, seen.ram_total) == (150 * MIB, 300 * MIB)


@pytest.mark.parametrize("line", ["0::/../else", "0::/a", "4:memory:/", "", "odd", "0::"])
def test_without_a_limit_the_machine_has_what_it_has(groups: Path, line: str) -> None:
    own(groups, line)
    group(groups / "a", "max", 100)
    old_group(groups / "memory", 9223372036854771712, 100)
    least = psutil.virtual_memory().available // 2
    assert least < free(on_gpu=False) <= psutil.virtual_memory().total
