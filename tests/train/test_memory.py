"""What a run does where memory is short. Slow: it trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import read_events, state
from engine.train.devices import environment
from engine.train.fit.memory import SHORT
from engine.workspace import Workspace
from tests.support.datasets import freeze_examples
from tests.support.trainings import make_run

pytestmark = pytest.mark.slow

# torch's own allocator fails for real: while batches are computed the process may have only so many
# bytes of data more than it has where that begins, so that imports and the model don't count.
_LIMITED = """
import resource, sys
from pathlib import Path
from engine.train.fit import memory
from engine.train.recipe import main

def limited(work, room):
    def with_less(*arguments):
        data = next(
            int(line.split()[1]) * 1024
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmData:")
        )
        resource.setrlimit(resource.RLIMIT_DATA, (data + room, resource.RLIM_INFINITY))
        try:
            return work(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
    return with_less

room = int(sys.argv[1])
free, probe, step = sys.argv[2:]
whole_pass, whole_batch = memory.Memory._pass, memory._Step._whole
main([free])
memory.Memory._pass = limited(whole_pass, room)
main([probe])
memory.Memory._pass = whole_pass
memory._Step._whole = limited(whole_batch, room)
main([step])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts all data on Linux alone")
def test_a_run_goes_on_in_smaller_batches_where_memory_is_short_and_learns_the_same(
    workspace: Workspace, tiny_model_dir: Path, tmp_path: Path
) -> None:
    frozen = freeze_examples(workspace, tiny_model_dir)
    changes = {"learning_rate": 5e-3, "max_steps": 3, "sample_tokens": 0, "dropout": 0.0}
    folders = [
        make_run(
            tmp_path / name,
            frozen.directory,
            tiny_model_dir,
            **{**changes, "batch_size": size, "accumulation": 16 // size},
        )
        for name, size in (("free", 1), ("probe", 8), ("step", 8))
    ]
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, "10000000", *map(str, folders)],
        env={**os.environ, **environment(os.environ), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    free, probe, step = (state(folder) for folder in folders)
    assert [view.status for view in (free, probe, step)] == ["finished"] * 3, done.stderr[-3000:]
    for view in (probe, step):
        assert dict(view.losses) == pytest.approx(dict(free.losses), rel=1e-5)
        assert dict(view.evals) == pytest.approx(dict(free.evals), rel=1e-4)
        assert view.result["trained_tokens"] == free.result["trained_tokens"]
    assert len(free.losses) == 3
    assert short_of(folders[0]) == []
    assert short_of(folders[1])[0].startswith("the longest batch did not fit into memory with 8")
    assert short_of(folders[2])[0].startswith("a batch did not fit into memory with 8 examples")
    assert probe.fit["rows"] in (1, 2, 4)
    assert (free.fit["rows"], step.fit["rows"]) == (1, 8)


def short_of(folder: Path) -> list[str]:
    """Return what a run's warnings of short memory say."""
    return [
        event.data["message"]
        for event in read_events(folder)[0]
        if event.type == "warning" and event.data.get("code") == SHORT
    ]
