"""Base and tuned model side by side: the same tokens, seed and temperature to both."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engine.errors import EvaluateError, FinetuiError, PromptTooLong, RunUnfinished
from engine.evaluate.sharing import Sharing, Weights, share
from engine.export.artifacts import ExportInfo, artifacts, how_to_get
from engine.export.held_out import Prompt, dataset_prompts
from engine.export.quants import check_quant
from engine.models import Turn
from engine.runs import RunSummary, find
from engine.serve.beside import cores
from engine.serve.client import Chunk, Timing
from engine.serve.pool import Worker
from engine.serve.protocol import Threads
from engine.tokens import Tokenizer, prompt_ids
from engine.workspace import Workspace

Side = Literal["base", "tuned"]
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, slots=True)
class SideChunk:
    """A part of one side's answer.

    The last one of a side has ``done`` and either its timing and reason ("stop",
    "length") or the ``error`` that ended it; the other side goes on. One with ``threads`` says
    that something else uses the processor, or no longer does.
    """

    side: Side
    text: str
    done: bool = False
    timing: Timing | None = None
    reason: str = ""
    error: FinetuiError | None = None
    threads: Threads | None = None


def new_seed() -> int:
    """Return a seed for one question; both sides get the same."""
    return secrets.randbelow(2**31)


class Pair:
    """The two exported models of a run, loaded, at one quantisation.

    They are two files, each in a worker of its own, or the base with and without the adapter in
    one worker, which then has one copy of the weights.

    Attributes:
        run_id: The run.
        quant: The quantisation of both.
        context: The context window of both, in tokens.
        sharing: How they are loaded.
    """

    def __init__(
        self,
        export: ExportInfo,
        *,
        run_id: str,
        workers: dict[Side, Worker],
        tokenizer: Tokenizer,
        workspace: Workspace,
        sharing: Sharing,
    ) -> None:
        self._export = export
        self._workers = workers
        self._tokenizer = tokenizer
        self._chat = workspace.settings.chat
        self.run_id = run_id
        self.quant = export.quant
        self.sharing = sharing
        self.context = min(worker.context for worker in workers.values())

    @classmethod
    def open(
        cls, workspace: Workspace, run_id: str, quant: str = "", weights: Weights | None = None
    ) -> Pair:
        """Load both models of a run.

        Blocks while they load, both at once; call it in a thread where an event loop runs.

        Args:
            workspace: Where the run is.
            run_id: The run, or a prefix of its id.
            quant: The quantisation; empty takes the newest export.
            weights: Whether both share one copy of the base's weights, see
                :func:`engine.evaluate.sharing.share`; None takes the setting.

        Raises:
            RunMissing: There is no such run.
            RunUnfinished: The run has no export, or none at that quantisation.
            QuantUnknown: There is no quantisation of that name.
            GgufDamaged: A file can't be loaded.
            WorkerDied: A worker ended while it loaded.
            WorkerTimeout: A worker took too long.
        """
        run, export, sharing = _plan(workspace, run_id, quant, weights)
        tokenizer = Tokenizer.load(export.base_dir)
        return cls(
            export,
            run_id=run.id,
            workers=_start(export, sharing, workspace.settings.chat.context),
            tokenizer=tokenizer,
            workspace=workspace,
            sharing=sharing,
        )

    def turn_to(
        self, workspace: Workspace, run_id: str, quant: str = "", weights: Weights | None = None
    ) -> bool:
        """Answer for another run from now on, without loading the base again.

        That can be done where both share the base's weights and the other run is on the same
        base at the same quantisation: only the adapter is changed. Blocks while it is read.

        Returns:
            Whether it was done; if not, nothing has changed.

        Raises:
            FinetuiError: As :meth:`open`.
        """
        if self.sharing.adapter is None or not self.alive:
            return False
        run, export, sharing = _plan(workspace, run_id, quant, weights)
        if sharing.adapter is None or export.base != self._export.base:
            return False
        self._workers["tuned"].put_adapter(sharing.adapter)
        self._tokenizer = Tokenizer.load(export.base_dir)
        self._export, self.sharing = export, sharing
        self.run_id, self.quant = run.id, export.quant
        return True

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Pair(run_id={self.run_id!r}, quant={self.quant!r}, alive={self.alive})"

    @property
    def alive(self) -> bool:
        """Whether both workers run."""
        return all(worker.alive for worker in self._workers.values())

    @property
    def temperature(self) -> float:
        """The temperature that a question gets unless told otherwise."""
        return self._chat.temperature

    @property
    def weights(self) -> str:
        """``files`` where the exported files answer, ``shared`` where the adapter does."""
        return self.sharing.weights

    def files(self) -> dict[Side, Path]:
        """Return the two model files; of shared weights the tuned one is not loaded."""
        return {"base": self._export.base, "tuned": self._export.tuned}

    def prompt_ids(self, turns: Sequence[Turn]) -> tuple[int, ...]:
        """Return the token ids that both sides are sent for a conversation."""
        return prompt_ids(self._tokenizer, tuple(turns))

    async def ask(
        self,
        turns: Sequence[Turn] | Mapping[Side, Sequence[Turn]],
        *,
        seed: int | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        sides: Sequence[Side] = SIDES,
    ) -> AsyncGenerator[SideChunk, None]:
        """Ask both sides at once and yield their answers as they come, mixed.

        Both get the same seed and temperature, and of one conversation the very same token
        ids. Leaving the iteration stops both. A side that fails says so in its last chunk.

        Args:
            turns: The conversation, ending with the question; by side, where each has a
                history of its own.
            seed: The seed of sampling; None takes a new one.
            temperature: Sampling temperature; None takes the setting.
            max_tokens: The longest answer; None takes the setting.
            sides: The sides that are asked; one alone gets the machine for itself.

        Raises:
            EvaluateError: There is no question.
            TemplateError: The chat template refuses the conversation.
        """
        own = {side: turns[side] if isinstance(turns, Mapping) else turns for side in SIDES}
        ids = {side: self._ids(own[side]) for side in SIDES}
        longest_prompt = max(len(prompt) for prompt in ids.values())
        if longest_prompt >= self.context:
            # Left to the workers, one side alone might refuse, and show by it which it is.
            for side in sides:
                yield SideChunk(side, "", done=True, error=self._too_long(longest_prompt))
            return
        seed = new_seed() if seed is None else seed
        heat = self._chat.temperature if temperature is None else temperature
        longest = self._chat.max_tokens if max_tokens is None else max_tokens
        queue: asyncio.Queue[SideChunk] = asyncio.Queue()
        stop_ids = sorted(self._tokenizer.eos_ids)
        # On two cores, with 200 tokens each at once, a thread a side gives 71 to 85 tokens/s at
        # Q4_K_M and 39 to 52 at F16; two threads a side give 49 to 53 and 44 to 46.
        threads = max(1, cores() // len(sides))

        async def listen(side: Side) -> None:
            chunks = self._workers[side].stream(
                ids[side],
                temperature=heat,
                max_tokens=longest,
                seed=seed,
                stop_ids=stop_ids,
                threads=threads,
                model=side if self.sharing.adapter is not None else "",
            )
            try:
                async with contextlib.aclosing(chunks):
                    async for chunk in chunks:
                        queue.put_nowait(_of(side, chunk))
            except FinetuiError as error:
                queue.put_nowait(SideChunk(side, "", done=True, error=error))
            except Exception as error:
                # Whatever it was, the one who waits for this side must be told.
                told = EvaluateError(f"asking failed: {type(error).__name__}: {error}")
                queue.put_nowait(SideChunk(side, "", done=True, error=told))

        tasks = [asyncio.create_task(listen(side)) for side in sides]
        try:
            waiting = len(tasks)
            while waiting:
                chunk = await queue.get()
                waiting -= chunk.done
                yield chunk
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ids(self, turns: Sequence[Turn]) -> tuple[int, ...]:
        if not turns or turns[-1].role not in ("user", "tool"):
            raise EvaluateError(
                "there is nothing to answer", hint="end the conversation with a question"
            )
        return self.prompt_ids(turns)

    def _too_long(self, tokens: int) -> PromptTooLong:
        return PromptTooLong(
            f"the conversation has {tokens:,} tokens; the context window is {self.context:,}",
            hint="start a new conversation, or raise chat.context in the settings",
        )

    def revive(self) -> tuple[Side, ...]:
        """Start the workers again that ended; blocks while they load.

        Returns:
            The sides that were started.
        """
        dead = tuple(side for side in SIDES if not self._workers[side].alive)
        for side in dead:
            self._workers[side].close()
        if dead and self.sharing.adapter is not None:
            self._workers = _start(self._export, self.sharing, self.context)
            return dead
        for side in dead:
            self._workers[side] = _worker(self.files()[side], self.context)
        return dead

    def close(self) -> None:
        """End both workers; closing again does nothing."""
        for worker in self._workers.values():
            worker.close()


def _chosen(exports: Sequence[ExportInfo], run_dir: Path, quant: str) -> ExportInfo:
    fitting = [export for export in exports if not quant or export.quant == quant]
    if fitting:
        return fitting[0]
    run_id = run_dir.name
    there = ", ".join(export.quant for export in exports)
    raise RunUnfinished(
        f"run {run_id} has no export at {quant}; it has {there}"
        if there
        else f"run {run_id} has no finished export",
        hint=how_to_get(run_dir, quant),
    )


def _of(side: Side, chunk: Chunk) -> SideChunk:
    return SideChunk(
        side, chunk.text, chunk.done, chunk.timing, chunk.reason, threads=chunk.threads
    )


def _plan(
    workspace: Workspace, run_id: str, quant: str, weights: Weights | None
) -> tuple[RunSummary, ExportInfo, Sharing]:
    """Return the run, the export that is meant, and how its sides are to be loaded."""
    run = find(workspace, run_id)
    export = _chosen(artifacts(workspace, run.id), run.dir, check_quant(quant) if quant else "")
    return run, export, share(run.dir, export, weights or workspace.settings.chat.weights)


def _worker(gguf: Path, context: int, adapter: Path | None = None) -> Worker:
    return Worker.start(gguf, adapter=adapter, context=context)


def _start(export: ExportInfo, sharing: Sharing, context: int) -> dict[Side, Worker]:
    """Start the one worker of both sides, or both at once; where one fails, end the other."""
    if sharing.adapter is not None:
        return dict.fromkeys(SIDES, _worker(export.base, context, sharing.adapter))
    files: dict[Side, Path] = {"base": export.base, "tuned": export.tuned}
    with ThreadPoolExecutor(max_workers=2) as threads:
        starting = {side: threads.submit(_worker, file, context) for side, file in files.items()}
    failed = [error for future in starting.values() if (error := future.exception())]
    if failed:
        for future in starting.values():
            if future.exception() is None:
                future.result().close()
        raise failed[0]
    return {side: future.result() for side, future in starting.items()}


def prompts(workspace: Workspace, run_id: str) -> list[Prompt]:
    """Return a run's prompts: first those of examples that it never saw, then the others.

    Raises:
        RunMissing: There is no such run.
        DatasetMissing: The run's dataset is gone.
    """
    return dataset_prompts(find(workspace, run_id).dir)
