"""trl's SFTTrainer, told what to do by a spec, and telling the event log how it goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bases.files import replace_folder
from engine.errors import DependencyMissing, RunFailed
from engine.runs.child import Job, JobStopped
from engine.tokens import IGNORED
from engine.train.backends import Backend, Device, Loaded, installed
from engine.train.checkpoints import CHECKPOINTS_DIR
from engine.train.data import EpochSampler, TokenRows, as_features, collate
from engine.train.loss import evaluation_loss
from engine.train.meter import Meter
from engine.train.phases import EVALUATING, TRAINING
from engine.train.published import name_base, public_name
from engine.train.saving import Saver, with_saver
from engine.train.spec import TrainSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a training run is made of."""

    job: Job
    spec: TrainSpec
    device: Device
    backend: Backend
    loaded: Loaded
    train: TokenRows
    validation: TokenRows
    meter: Meter
    saver: Saver

    @property
    def pad_id(self) -> int:
        """The id that fills batches up."""
        tokenizer = self.loaded.tokenizer
        pad = tokenizer.pad_token_id
        return int(pad if pad is not None else tokenizer.eos_token_id or 0)

    def evaluate(self, between: Callable[[], None]) -> float:
        """Return the present loss on the held-out examples; see :func:`evaluation_loss`."""
        return evaluation_loss(
            self.loaded.model,
            self.validation.rows,
            self.backend.likelihood,
            batch_size=self.spec.batch_size,
            pad_id=self.pad_id,
            between=between,
        )


def make_trainer(setup: Setup) -> Any:
    """Return an SFTTrainer over rendered rows.

    It is handed ids and labels and prepares nothing itself; the order of rows and
    the loss are the engine's own.
    """
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar
    from transformers import PrinterCallback
    from trl import SFTTrainer

    disable_progress_bar()
    meter, spec, backend = setup.meter, setup.spec, setup.backend

    class RunTrainer(with_saver(SFTTrainer, setup.saver)):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return EpochSampler(len(setup.train.rows), spec.seed)

        def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            trained = int((inputs["labels"][:, 1:] != IGNORED).sum())
            meter.count(int(inputs["attention_mask"].sum()), trained)
            return super().training_step(model, inputs, *rest, **named)

        def compute_loss(
            self,
            model: Any,
            inputs: Any,
            return_outputs: bool = False,
            num_items_in_batch: torch.Tensor | int | None = None,
        ) -> Any:
            if backend.name == "unsloth":  # it has kernels of its own for the same mean
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            loss, count = backend.likelihood(model, inputs)
            # Over all trained tokens of the step, not of this batch: so accumulation is exact.
            return loss / (count if num_items_in_batch is None else num_items_in_batch)

    trainer = RunTrainer(
        model=setup.loaded.model,
        args=_arguments(setup),
        train_dataset=Dataset.from_list([as_features(row) for row in setup.train.rows]),
        processing_class=setup.loaded.tokenizer,
        data_collator=partial(collate, pad_id=setup.pad_id),
        callbacks=[make_callback(setup)],
    )
    # The trainer then counts a step's trained tokens and hands them to compute_loss.
    trainer.model_accepts_loss_kwargs = True
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(setup: Setup) -> Any:
    from trl import SFTConfig

    spec, device = setup.spec, setup.device
    if spec.report_to == "wandb" and not installed("wandb"):
        raise DependencyMissing(
            "reporting to wandb needs the package wandb, which is not installed",
            hint="install it with: pip install wandb, or set report_to to none",
        )
    bf16 = device.cuda and _has_bf16()
    return SFTConfig(
        output_dir=str(setup.job.directory / CHECKPOINTS_DIR),
        num_train_epochs=spec.epochs,
        per_device_train_batch_size=spec.batch_size,
        gradient_accumulation_steps=spec.accumulation,
        learning_rate=spec.learning_rate,
        lr_scheduler_type=spec.scheduler,
        warmup_steps=math.ceil(spec.warmup_ratio * spec.total_steps(len(setup.train.rows))),
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        seed=spec.seed,
        data_seed=spec.seed,
        use_cpu=not device.cuda,
        bf16=bf16,
        fp16=device.cuda and not bf16,
        # unsloth has set its own checkpointing when it made the adapter.
        gradient_checkpointing=spec.gradient_checkpointing and setup.backend.name == "trl",
        save_strategy="steps",
        save_steps=spec.save_steps,
        save_total_limit=None,  # the saver removes older ones, once a newer one is on the disk
        eval_strategy="no",  # the callback evaluates, with the same code as before the first step
        logging_steps=spec.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a loss that is not a number is to be seen
        report_to=[] if spec.report_to == "none" else [spec.report_to],
        disable_tqdm=True,
        dataloader_pin_memory=device.cuda,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        loss_type="nll",
    )


def _has_bf16() -> bool:
    import torch

    return bool(torch.cuda.is_bf16_supported())


def make_callback(setup: Setup) -> Any:
    """Return the callback that writes a run's events, evaluates, and heeds a stop request."""
    from transformers import TrainerCallback

    job, spec, meter = setup.job, setup.spec, setup.meter

    class RunEvents(TrainerCallback):  # type: ignore[misc]
        evaluated_at = -1

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            at_epoch_end = state.global_step % spec.steps_per_epoch(len(setup.train.rows)) == 0
            if state.global_step and not spec.eval_steps and at_epoch_end:
                # The run was stopped before this epoch could be judged.
                self._evaluate(state, control)

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.end()
            if job.should_stop:
                _stop(control)
            elif spec.eval_steps and state.global_step % spec.eval_steps == 0:
                self._evaluate(state, control)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not spec.eval_steps and not job.should_stop:
                self._evaluate(state, control)

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
        ) -> None:
            if logs and "loss" in logs:
                _write_step(setup, state, logs)

        def _evaluate(self, state: Any, control: Any) -> None:
            step = state.global_step
            if not setup.validation.rows or step == self.evaluated_at:
                return
            job.phase(EVALUATING, step=step, total_steps=state.max_steps)
            try:
                loss = setup.evaluate(job.check_stop)
            except JobStopped:
                _stop(control)
                return
            self.evaluated_at = step
            job.write("eval", step=step, loss=loss, epoch=state.epoch)
            print(f"step {step}  eval loss {loss:.4f}", flush=True)
            job.phase(TRAINING, step=step, total_steps=state.max_steps)

    return RunEvents()


def _stop(control: Any) -> None:
    control.should_save = True
    control.should_training_stop = True


def _write_step(setup: Setup, state: Any, logs: dict[str, Any]) -> None:
    step, meter = state.global_step, setup.meter
    loss, rate, norm = float(logs["loss"]), float(logs["learning_rate"]), logs.get("grad_norm")
    setup.job.write(
        "step",
        step=step,
        total_steps=state.max_steps,
        epoch=round(state.epoch, 4),
        loss=loss,
        lr=rate,
        grad_norm=None if norm is None else float(norm),
        trained_tokens=meter.trained_tokens,
        **_rates(meter, state.max_steps - step),
    )
    print(
        f"step {step}/{state.max_steps}  loss {loss:.4f}  lr {rate:.2e}"
        + ("" if norm is None else f"  grad {float(norm):.2f}")
        + f"  {meter.tokens_per_s:.0f} tokens/s",
        flush=True,
    )
    if not math.isfinite(loss):
        raise RunFailed(
            f"the loss is not a number any more at step {step}",
            hint="start a run with half the learning rate",
        )


def _rates(meter: Meter, steps_left: int) -> dict[str, float]:
    """Return the rate and the time that is left, where a step has been timed."""
    eta = meter.eta_s(steps_left)
    if eta is None:
        return {}
    return {"tokens_per_s": round(meter.tokens_per_s, 1), "eta_s": round(eta, 1)}


def save_adapter(setup: Setup, directory: Path) -> None:
    """Save the adapter so that its folder is there whole or not at all, an older one until then."""
    import shutil

    temporary = directory.with_name(f".{directory.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    setup.loaded.model.save_pretrained(str(temporary), save_embedding_layers=False)
    name_base(temporary, setup.spec, public_name(setup.spec))
    replace_folder(temporary, directory)
