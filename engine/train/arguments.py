"""The trainer's arguments: a specification in trl's words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.train.checkpoints import CHECKPOINTS_DIR
from engine.train.setup import Setup


def arguments(setup: Setup) -> Any:
    """Return the SFTConfig of a run."""
    from trl import SFTConfig

    spec, device, backend = setup.spec, setup.device, setup.backend
    return SFTConfig(
        output_dir=str(setup.job.directory / CHECKPOINTS_DIR),
        num_train_epochs=spec.epochs,
        max_steps=spec.max_steps or -1,  # above 0 it counts instead of epochs
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
        bf16=backend.precision == "bf16",
        fp16=backend.precision == "fp16",
        # unsloth has set its own checkpointing when it made the adapter.
        gradient_checkpointing=spec.gradient_checkpointing and backend.name == "trl",
        save_strategy="steps",
        save_steps=spec.save_steps,
        save_total_limit=None,  # the saver removes older ones, once a newer one is on the disk
        eval_strategy="no",  # the callback evaluates, with the same code as before the first step
        logging_steps=spec.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a loss that is not a number is to be seen
        report_to=[],  # the engine's own; see reporting.py
        disable_tqdm=True,
        dataloader_pin_memory=device.cuda,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        loss_type="nll",
    )


def data_collator(setup: Setup, own: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return what makes batches of rows: ``own``, or None for trl's, which makes the same.

    On a GPU unsloth lays the rows of a batch end to end, without padding, unless it is handed a
    collator: any that is not trl's might need the padding.

    Args:
        setup: The run.
        own: The engine's collator.
    """
    return None if setup.backend.name == "unsloth" and setup.device.cuda else own
