"""Both sides from one copy of the base: the same tokens as apart, and named where it can't be."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from engine.errors import GgufDamaged, WorkerDied
from engine.evaluate.blind import Trial, vote
from engine.evaluate.pair import SIDES, Pair
from engine.evaluate.sharing import Sharing, share
from engine.export.artifacts import ExportInfo, artifacts
from engine.models import Turn
from engine.serve.pool import Worker
from engine.workspace import Workspace, open_workspace
from tests.support.likelihoods import agreement, by_llama, divergence, loaded
from tests.support.tiny_export import RUN, make_adapter

pytestmark = pytest.mark.slow
TURNS = (Turn("user", "What did you take away from the offsite?"),)
SECOND = "20260102-000000-beef"
IDS = [int(number) for number in range(300, 9000, 137)][:60]


@pytest.fixture(scope="module")
def own(finished_export: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a workspace with two exported runs on one base, each with an adapter of its own."""
    root = tmp_path_factory.mktemp("own") / "workspace"
    shutil.copytree(finished_export, root)
    second = root / "runs" / SECOND
    shutil.copytree(root / "runs" / RUN, second)
    make_adapter(finished_export.parent / "base", second / "adapter", seed=9, scale=0.5)
    (job,) = (second / "exports").iterdir()
    (gguf,) = job.glob("*.gguf")
    gguf.rename(job / gguf.name.replace(RUN, SECOND))
    spec = job / "spec.toml"
    spec.write_text(spec.read_text("utf-8").replace(RUN, SECOND), "utf-8")
    for run in (RUN, SECOND):
        # As after an export, which copies do not tell: the file is newer than its adapter.
        for path in (root / "runs" / run / "exports").rglob("*.gguf"):
            path.touch()
    with open_workspace(root) as workspace:
        yield workspace


def export_of(workspace: Workspace, run: str) -> ExportInfo:
    """Return a run's one export."""
    (found,) = artifacts(workspace, run)
    return found


@pytest.fixture(scope="module")
def adapters(own: Workspace) -> dict[str, Path]:
    """Return both runs' adapters as GGUF LoRA, written by the way that a chat goes."""
    found = {}
    for run in (RUN, SECOND):
        sharing = share(own.runs_dir / run, export_of(own, run), "shared")
        assert sharing.adapter is not None, sharing.why
        found[run] = sharing.adapter
    return found


@pytest.fixture(scope="module")
def worker(
    own: Workspace, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    """Return a worker of both sides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        base = export_of(own, RUN).base
        started = Worker.start(base, adapter=adapters[RUN], context=128, threads=1)
    yield started
    started.close()


async def said(worker: Worker, model: str) -> str:
    """Return what one side answers."""
    chunks = worker.stream(IDS, temperature=1.0, max_tokens=25, seed=5, model=model)
    # The binding drops bytes that are no character; a worker shows them as one that says so.
    return "".join([chunk.text async for chunk in chunks]).replace("\ufffd", "")


def alone(base: Path, lora: Path | None = None) -> str:
    """Return what the binding itself answers, with a context and weights of its own."""
    llama = loaded(base, lora)
    made = llama.create_completion(
        IDS, max_tokens=25, temperature=1.0, seed=5, top_k=40, top_p=0.95, min_p=0.05,
        repeat_penalty=1.0,
    )  # fmt: skip
    text: str = made["choices"][0]["text"]
    return text.replace("\ufffd", "")


async def test_each_side_says_what_it_says_alone_while_the_other_answers(
    own: Workspace, adapters: dict[str, Path], worker: Worker
) -> None:
    base = export_of(own, RUN).base
    both = await asyncio.gather(*(said(worker, side) for side in SIDES))
    assert both == [alone(base), alone(base, adapters[RUN])]
    assert both[0] != both[1]


async def test_another_adapter_is_put_on_without_loading_the_base_again(
    own: Workspace, adapters: dict[str, Path], worker: Worker, tmp_path: Path
) -> None:
    base, pid = export_of(own, RUN).base, worker.pid
    before = await said(worker, "base")
    await asyncio.to_thread(worker.put_adapter, adapters[SECOND])
    assert await said(worker, "tuned") == alone(base, adapters[SECOND])
    assert await said(worker, "base") == before
    # What can't be an adapter of this base changes nothing.
    damaged = tmp_path / "lora.gguf"
    damaged.write_bytes(adapters[RUN].read_bytes()[:-9])
    for wrong in (damaged, base):
        with pytest.raises(GgufDamaged):
            await asyncio.to_thread(worker.put_adapter, wrong)
    assert await said(worker, "tuned") == alone(base, adapters[SECOND])
    await asyncio.to_thread(worker.put_adapter, adapters[RUN])
    assert await said(worker, "tuned") == alone(base, adapters[RUN])
    assert (worker.pid, worker.alive) == (pid, True)


def test_a_request_says_which_side_it_means(worker: Worker) -> None:
    headers = {"Authorization": f"Bearer {worker.bearer}"}
    listed = httpx.get(f"{worker.url}/v1/models", headers=headers).json()["data"]
    assert [one["id"] for one in listed] == ["base", "tuned"]
    for body in ({"prompt": IDS}, {"prompt": IDS, "model": "another"}):
        refused = httpx.post(f"{worker.url}/v1/completions", json=body, headers=headers)
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "model-unknown"


def test_the_adapter_over_the_base_is_nearly_the_exported_file(
    own: Workspace, adapters: dict[str, Path]
) -> None:
    export = export_of(own, RUN)
    exported = by_llama(loaded(export.tuned), IDS)
    ours = by_llama(loaded(export.base, adapters[RUN]), IDS)
    # The tolerance that docs/chat.md states for 16 bits.
    assert divergence(exported, ours) < 1e-5
    assert agreement(exported, ours) >= 0.98


async def answers(pair: Pair, **how: Any) -> dict[str, Any]:
    """Return the last chunk of each side."""
    return {
        chunk.side: chunk
        async for chunk in pair.ask(TURNS, max_tokens=6, seed=1, **how)
        if chunk.done
    }


async def test_a_pair_with_one_copy_dies_and_comes_back_as_one(own: Workspace) -> None:
    with await asyncio.to_thread(Pair.open, own, RUN, "", "shared") as pair:
        assert (pair.weights, pair.sharing.why) == ("shared", "asked for")
        (pid,) = {worker.pid for worker in pair._workers.values()}
        assert all(one.timing is not None for one in (await answers(pair)).values())
        # Another run on the same base: the process, and its base, stay.
        assert await asyncio.to_thread(pair.turn_to, own, SECOND, "", "shared")
        assert pair.run_id == SECOND
        assert pair._workers["tuned"].pid == pid
        assert not await asyncio.to_thread(pair.turn_to, own, RUN, "", "files")
        trial = Trial(TURNS, left="base", seed=1)
        async for _ in trial.ask(pair, max_tokens=4):
            pass
        assert vote(own.store, trial, "tie").metadata["weights"] == "shared"

        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)])
        for side, last in (await answers(pair)).items():
            assert isinstance(last.error, WorkerDied), side
            assert "both sides" in last.error.message
        assert await asyncio.to_thread(pair.revive) == SIDES
        assert len({worker.pid for worker in pair._workers.values()}) == 1
        assert all(one.error is None for one in (await answers(pair)).values())


def test_two_files_unless_it_is_asked_for_or_memory_is_short(own: Workspace) -> None:
    run, export = own.runs_dir / RUN, export_of(own, RUN)
    both = export.base_bytes + export.tuned_bytes
    assert share(run, export, "auto", available=2 * both) == Sharing()
    short = share(run, export, "auto", available=both)
    assert (short.weights, short.why) == ("shared", "memory does not suffice for both files")
    assert share(run, export, "files", available=both) == Sharing()
    # One file has no room either; and at 4 bits the adapter is another model than the file.
    assert share(run, export, "auto", available=export.base_bytes) == Sharing()
    quantised = replace(export, quant="q4_k_m")
    assert share(run, quantised, "auto", available=both) == Sharing()
    assert share(run, quantised, "shared").weights == "shared"


def test_what_is_no_lora_or_another_adapter_is_two_files_with_the_reason(
    own: Workspace, tmp_path: Path
) -> None:
    run, export = tmp_path / RUN, export_of(own, RUN)
    shutil.copytree(own.runs_dir / RUN / "adapter", run / "adapter")
    newer = share(run, replace(export, tuned=_older(tmp_path)), "shared")
    assert newer == Sharing(None, "the run's adapter is newer than this export")
    config = run / "adapter" / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"use_dora": True}))
    dora = share(run, export, "shared")
    assert dora.weights == "files"
    assert "DoRA" in dora.words()


def _older(folder: Path) -> Path:
    path = folder / "older.gguf"
    path.touch()
    os.utime(path, (1, 1))
    return path
