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

# torch's own allocator fails for real: while a batch of more than two examples is computed, the
# process may have no more data than it has. The first batch of a step gets through, so that the
# second one breaks off beside gradients that are there already.
_LIMITED = """
import resource, sys
from pathlib import Path
from engine.train.fit import memory
from engine.train.recipe import main

def without_more(work, *arguments):
    data = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmData:")
    )
    resource.setrlimit(resource.RLIMIT_DATA, (data, resource.RLIM_INFINITY))
    try:
        return work(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)

free, probe, step = sys.argv[1:]
whole_pass, whole_batch, batches = memory.Memory._pass, memory._Step._whole, []

def limited_pass(self, trainer, rows):
    if len(rows) > 2:
        return without_more(whole_pass, self, trainer, rows)
    return whole_pass(self, trainer, rows)

def limited_batch(self, *arguments):
    batches.append(1)
    if len(batches) > 1 and self._memory.rows_at_once > 2:
        return without_more(whole_batch, self, *arguments)
    return whole_batch(self, *arguments)

main([free])
memory.Memory._pass = limited_pass
main([probe])
memory.Memory._pass = whole_pass
memory._Step._whole = limited_batch
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
        [sys.executable, "-c", _LIMITED, *map(str, folders)],
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
    assert short_of(folders[1])[0].startswith("the longest batch did not fit into memory with 8")
    assert short_of(folders[2])[0].startswith("a batch did not fit into memory with 8 examples")
    assert [view.fit["rows"] for view in (free, probe, step)] == [1, 2, 8]
    assert [len(short_of(folder)) for folder in folders[:2]] == [0, 2]
    # What an allocator has left at that moment may do for four examples.
    assert len(short_of(folders[2])) in (1, 2)


def short_of(folder: Path) -> list[str]:
    """Return what a run's warnings of short memory say."""
    return [
        str(event.data["message"])
        for event in read_events(folder)[0]
        if event.type == "warning" and event.data.get("code") == SHORT
    ]
