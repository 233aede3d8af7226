"""Base and tuned are asked the very same, at once, and fail apart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import EvaluateError, QuantUnknown, RunUnfinished, WorkerDied
from engine.evaluate.pair import Pair, SideChunk, prompts
from engine.models import Turn
from engine.serve.pool import Worker
from engine.tokens import Tokenizer, prompt_ids
from engine.workspace import Workspace
from tests.support.tiny_export import HELD_OUT, RUN, SEEN, make_run

pytestmark = pytest.mark.slow
TURNS = (Turn("user", "What did you take away from the offsite?"),)


async def ask(pair: Pair, **how: Any) -> list[SideChunk]:
    given = {"seed": 3, "temperature": 1.0, "max_tokens": 30} | how
    return [chunk async for chunk in pair.ask(TURNS, **given)]


def text_of(chunks: list[SideChunk], side: str) -> str:
    return "".join(chunk.text for chunk in chunks if chunk.side == side)


async def test_both_sides_answer_each_by_its_own_model(pair: Pair) -> None:
    chunks = await ask(pair)
    last = {chunk.side: chunk for chunk in chunks if chunk.done}
    assert set(last) == {"base", "tuned"}
    for chunk in last.values():
        assert chunk.timing is not None
        assert chunk.timing.prompt_tokens == len(pair.prompt_ids(TURNS))
        assert chunk.error is None
    assert text_of(chunks, "base") != text_of(chunks, "tuned")


async def test_ids_are_those_of_training(pair: Pair, finished_export: Path) -> None:
    tokenizer = Tokenizer.load(finished_export.parent / "base")
    assert pair.prompt_ids(TURNS) == prompt_ids(tokenizer, TURNS)


async def test_the_same_request_goes_to_both(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, object]] = []
    real = Worker.stream

    def spy(self: Worker, ids: Any, **how: Any) -> Any:
        asked.append((tuple(ids), how))
        return real(self, ids, **how)

    monkeypatch.setattr(Worker, "stream", spy)
    await ask(pair, seed=None)
    assert len(asked) == 2
    assert asked[0] == asked[1]


async def test_a_seed_repeats_and_asking_one_side_changes_nothing(pair: Pair) -> None:
    both, alone = await ask(pair), await ask(pair, sides=["tuned"])
    assert {chunk.side for chunk in alone} == {"tuned"}
    assert text_of(both, "tuned") == text_of(alone, "tuned")
    assert text_of(await ask(pair, seed=4), "tuned") != text_of(alone, "tuned")


async def test_leaving_early_frees_both_workers(pair: Pair) -> None:
    async with contextlib.aclosing(pair.ask(TURNS, seed=1, max_tokens=400)) as chunks:
        async for _ in chunks:
            break
    assert len([chunk for chunk in await ask(pair) if chunk.done]) == 2


async def test_a_conversation_without_a_question_is_refused(pair: Pair) -> None:
    for turns in ((), (Turn("user", "a"), Turn("assistant", "b"))):
        with pytest.raises(EvaluateError):
            async for _ in pair.ask(turns):
                pass


async def test_one_side_fails_alone_and_comes_back(exported: Workspace) -> None:
    with Pair.open(exported, RUN, "F16") as pair:
        os.kill(pair._workers["base"].pid, signal.SIGKILL)
        chunks = await ask(pair)
        last = {chunk.side: chunk for chunk in chunks if chunk.done}
        assert isinstance(last["base"].error, WorkerDied)
        assert last["tuned"].timing is not None
        assert not pair.alive
        assert await asyncio.to_thread(pair.revive) == ("base",)
        assert await asyncio.to_thread(pair.revive) == ()
        assert all(chunk.error is None for chunk in await ask(pair))


def test_closing_ends_both(exported: Workspace) -> None:
    pair = Pair.open(exported, RUN)
    pids = [worker.pid for worker in pair._workers.values()]
    pair.close()
    pair.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_file_that_is_damaged_ends_the_other_worker(
    exported: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.errors import GgufDamaged
    from engine.evaluate import pair as module

    started: list[Worker] = []
    real = module._worker

    def start(gguf: Path, context: int) -> Worker:
        if gguf.name == "f16.gguf":  # the base's
            cut = tmp_path / "cut.gguf"
            cut.write_bytes(gguf.read_bytes()[:-100])
            return real(cut, context)
        started.append(real(gguf, context))
        return started[-1]

    monkeypatch.setattr(module, "_worker", start)
    with pytest.raises(GgufDamaged):
        Pair.open(exported, RUN)
    assert [worker.alive for worker in started] == [False]


def test_what_is_not_exported_is_named(
    exported: Workspace, workspace: Workspace, finished_export: Path
) -> None:
    with pytest.raises(RunUnfinished, match="it has f16"):
        Pair.open(exported, RUN, "q8_0")
    with pytest.raises(QuantUnknown):
        Pair.open(exported, RUN, "q8")
    make_run(workspace.runs_dir / RUN, finished_export.parent / "base", base="base")
    with pytest.raises(RunUnfinished, match="no finished export") as caught:
        Pair.open(workspace, RUN)
    assert f"finetui export {RUN}" in caught.value.hint


def test_held_out_prompts_come_first(exported: Workspace) -> None:
    found = prompts(exported, RUN)
    assert [(prompt.text, prompt.held_out) for prompt in found] == [
        (HELD_OUT, True),
        (SEEN, False),
    ]
