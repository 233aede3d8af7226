"""A run's memory: predicted before the base is loaded, measured on its longest batch, and kept to.

The longest batch goes through the model before the first step, so that a run that can't fit
ends in its first minute. Its gradients are thrown away and the generators put back: what the run
learns does not change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import RunFailed
from engine.runs.child import Job
from engine.runs.events import read_events
from engine.runs.fold import fold
from engine.sizes import size_words
from engine.train.data import TokenRow, as_features
from engine.train.fit.fit import Fit, fit, model_of
from engine.train.fit.parts import PART_WORDS
from engine.train.fit.readings import peak_resident, reset_peak, resident, set_allocator
from engine.train.fit.shortage import attempt, halves, pieces, release, rows_of
from engine.train.fit.target import Target, processor
from engine.train.spec import TrainSpec

if TYPE_CHECKING:
    from engine.train.backends import Backend
    from engine.train.devices import Device
    from engine.train.meter import Meter

T = TypeVar("T")

SHORT = "memory-short"
"""The code of the warning that batches were made smaller."""


class Memory:
    """What a run takes. Made just before its base is loaded, which is where measuring begins.

    Args:
        job: The run's job.
        spec: The run.
        device: What it computes on.
        backend: What trains it.
        rows: What is trained on.
    """

    def __init__(
        self,
        job: Job,
        spec: TrainSpec,
        device: Device,
        backend: Backend,
        rows: Sequence[TokenRow],
    ) -> None:
        self._job, self._spec, self._device = job, spec, device
        self._rows = sorted(rows, key=lambda row: (len(row.ids), row.trained), reverse=True)
        self._target = target_of(device)
        self.fit: Fit = fit(
            model_of(Path(spec.base_dir)),
            spec,
            self._target,
            unsloth=backend.name == "unsloth",
            rows=[(len(row.ids), row.trained) for row in rows],
        )
        self.rows_at_once = spec.batch_size
        set_allocator()
        _import_all(backend.name)
        reset_peak()
        self._before = resident()
        self._loading = 0
        self._step: _Step | None = None

    def load(self, work: Callable[[], T]) -> T:
        """Load the base, and remember what that takes.

        Raises:
            RunFailed: It does not fit into memory.
        """
        found: list[T] = []
        done, _ = attempt(lambda: found.append(work()))
        if not done:
            raise RunFailed(
                f"the base does not fit into memory: {self._explained()}", hint=self._hint()
            )
        self._loading = peak_resident() - self._before
        return found[0]

    def train(self, trainer: Any, meter: Meter, *, resume_from: str | None = None) -> None:
        """Train: the longest batch first, then all steps, in smaller batches where memory is short.

        Args:
            trainer: The trainer; its ``training_step`` is called for each batch.
            meter: Counts tokens of what is computed.
            resume_from: The checkpoint to go on from.

        Raises:
            RunFailed: Not even one example at once fits.
        """
        self._step = _Step(self, trainer, meter)
        trainer.training_step = self._step.batch
        trainer.add_callback(self._step.callback())
        done, _ = attempt(lambda: trainer.train(resume_from_checkpoint=resume_from))
        if not done:  # beside the batches: in the optimiser, or while a checkpoint was written
            raise self._too_large()

    def probe(self, trainer: Any) -> None:
        """Let the longest batch go through, write the ``fit`` event, and take batches that fit.

        Raises:
            RunFailed: Not even one example at once fits.
        """
        earlier = fold(read_events(self._job.directory)[0]).fit
        if earlier.get("measured") and earlier.get("device") == self._target.name:
            # An earlier life of this run has measured it.
            rows = earlier.get("rows")
            self.rows_at_once = rows if isinstance(rows, int) else self.rows_at_once
            return
        began = time.monotonic()
        reset_peak()
        while True:
            batch = self._rows[: self.rows_at_once]
            done, _ = attempt(lambda batch=batch: self._pass(trainer, batch))  # type: ignore[misc]
            trainer.model.zero_grad(set_to_none=True)
            if done:
                break
            self.make_smaller("the longest batch")
        measured = self.measured()
        # On a CPU the machine's figures of the job count what it held before as well.
        before = {} if self._target.cuda else {"before": self._before}
        self._job.write(
            "fit",
            **before,
            predicted=self.fit.parts.as_dict(),
            measured=measured,
            device=self._target.name,
            limit=self.fit.limit,
            rows=self.rows_at_once,
            seconds=round(time.monotonic() - began, 2),
        )
        release()
        print(
            f"memory: predicted {size_words(self.fit.parts.total)}, "
            f"measured {size_words(measured['total'])} on the longest batch",
            flush=True,
        )

    def _pass(self, trainer: Any, rows: Sequence[TokenRow]) -> None:
        """Compute the gradients of some rows, beside as much memory as the optimiser takes."""
        import torch

        inputs = trainer.data_collator([as_features(row) for row in rows])
        count = sum(row.trained for row in rows)
        model = trainer.model_wrapped
        trained = [p for p in trainer.model.parameters() if p.requires_grad]
        card = [torch.cuda.current_device()] if self._device.cuda else []
        with torch.random.fork_rng(devices=card):
            # AdamW's moments come with the first step. Ones, since zeros take no pages.
            held = [torch.ones_like(weight.data) for weight in trained for _ in range(2)]
            model.train()
            inputs = trainer._prepare_inputs(inputs)
            with trainer.compute_loss_context_manager():
                loss = trainer.compute_loss(model, inputs, num_items_in_batch=count)
            loss.backward()
            del held, loss, inputs

    def measured(self) -> dict[str, int]:
        """Return what the run has taken since before its base was loaded, at its peak.

        On a GPU ``allocated`` and ``reserved`` are torch's, and ``total`` adds the predicted
        context, of which torch knows nothing. On a processor ``total`` is the increase of what
        is resident.
        """
        if self._device.cuda:
            import torch

            reserved = int(torch.cuda.max_memory_reserved())
            return {
                "allocated": int(torch.cuda.max_memory_allocated()),
                "reserved": reserved,
                "total": reserved + self.fit.parts.context,
            }
        return {"total": max(self._loading, peak_resident() - self._before)}

    def make_smaller(self, where: str) -> None:
        """Halve the examples at once, and warn.

        Raises:
            RunFailed: It is one already.
        """
        before = self.rows_at_once
        smaller = next(halves(before), None)
        if smaller is None:
            raise self._too_large()
        self.rows_at_once = smaller
        self._job.warn(
            f"{where} did not fit into memory with {before} examples at once: "
            f"going on with {smaller}, and as many examples a step as before; "
            f"{self._explained()}",
            code=SHORT,
            hint=f"next time: --batch-size {smaller} --accumulation "
            f"{self._spec.accumulation * self._spec.batch_size // smaller}",
        )
        reset_peak()

    def _explained(self) -> str:
        parts = self.fit.parts
        largest = parts.largest
        return (
            f"the largest part is {PART_WORDS[largest]}, "
            f"{size_words(getattr(parts, largest))} of {size_words(parts.total)} predicted, "
            f"where {size_words(self.fit.limit)} are there"
        )

    def _too_large(self) -> RunFailed:
        return RunFailed(
            f"not even one example at once fits into memory: {self._explained()}",
            hint=self._hint(),
        )

    def _hint(self) -> str:
        offers = [one for one in self.fit.nearest if set(one.changes) - _BATCH]
        flags = offers[0].flags if offers else "--load-in-4bit, or a shorter --max-length"
        return f"try: {flags}"


_BATCH = {"batch_size", "accumulation"}


class _Step:
    """Computes the batches of a step; where one does not fit, all of them again in parts."""

    def __init__(self, memory: Memory, trainer: Any, meter: Meter) -> None:
        self._memory, self._trainer, self._meter = memory, trainer, meter
        self._plain = trainer.training_step
        self._done: list[Any] = []
        self._counts: dict[str, Any] = {}
        self._generators: list[Any] = []

    def callback(self) -> Any:
        """Return the callback that tells where the run and each step begin."""
        from transformers import TrainerCallback

        step = self

        class Begins(TrainerCallback):  # type: ignore[misc]
            def on_train_begin(self, *_: Any, **__: Any) -> None:
                step._memory.probe(step._trainer)

            def on_step_begin(self, *_: Any, **__: Any) -> None:
                step._begin()

        return Begins()

    def _begin(self) -> None:
        self._done = []
        self._counts = dict(vars(self._meter))
        self._generators = _generators()

    def batch(self, model: Any, inputs: Mapping[str, Any], items: Any = None) -> Any:
        """Return the loss of a batch, with its gradients added; as ``Trainer.training_step``."""
        memory = self._memory
        while True:
            done, loss = attempt(lambda: self._whole(model, inputs, items))
            if done:
                self._done.append(inputs)
                return loss
            memory.make_smaller("a batch")
            while not attempt(lambda: self._again(model, items))[0]:
                memory.make_smaller("a batch")

    def _whole(self, model: Any, inputs: Mapping[str, Any], items: Any) -> Any:
        rows = self._memory.rows_at_once
        if rows_of(inputs) <= rows:
            return self._plain(model, inputs, items)
        return sum(self._plain(model, part, items) for part in pieces(inputs, rows))

    def _again(self, model: Any, items: Any) -> None:
        """Compute the step's earlier batches again: a batch that broke off has left gradients."""
        model.zero_grad(set_to_none=True)
        vars(self._meter).update(self._counts)
        _restore(self._generators)
        for inputs in self._done:
            self._whole(model, inputs, items)


def target_of(device: Device) -> Target:
    """Return a run's device as something to fit into."""
    if not device.cuda:
        return processor()
    import torch

    free, total = torch.cuda.mem_get_info()
    modern = device.capability >= (8, 0)
    return Target(device.name, True, total, free, sixteen="bf16" if modern else "fp16")


def _import_all(backend: str) -> None:
    """Import what training imports, so that its own memory is not counted as the run's."""
    if backend == "unsloth":
        import unsloth  # noqa: F401 - before the others, which it changes
    import datasets  # noqa: F401
    import peft  # noqa: F401
    import transformers  # noqa: F401
    import trl

    trl.SFTTrainer  # noqa: B018 - it is imported when it is first named


def _generators() -> list[Any]:
    import torch

    states: list[Any] = [torch.random.get_rng_state()]
    if torch.cuda.is_available():
        states.append(torch.cuda.get_rng_state())
    return states


def _restore(states: Sequence[Any]) -> None:
    import torch

    torch.random.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state(states[1])
