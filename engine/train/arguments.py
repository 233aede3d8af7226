"""The trainer's arguments: a specification in trl's words."""

from __future__ import annotations

import math
from typing import Any

from engine.errors import DependencyMissing
from engine.train.backends import installed
from engine.train.checkpoints import CHECKPOINTS_DIR
from engine.train.setup import Setup


def arguments(setup: Setup) -> Any:
    """Return the SFTConfig of a run.

    Raises:
        DependencyMissing: What the run is reported to is not installed.
    """
    from trl import SFTConfig

    spec, device, backend = setup.spec, setup.device, setup.backend
    if spec.report_to == "wandb" and not installed("wandb"):
        raise DependencyMissing(
            "reporting to wandb needs the package wandb, which is not installed",
            hint="install it with: pip install wandb, or set report_to to none",
        )
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
        report_to=[] if spec.report_to == "none" else [spec.report_to],
        disable_tqdm=True,
        dataloader_pin_memory=device.cuda,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        loss_type="nll",
    )
