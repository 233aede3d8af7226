"""trl's SFTTrainer, told what to do by a spec."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from engine.tokens import IGNORED
from engine.train.arguments import arguments, data_collator
from engine.train.backends import adapter_kept
from engine.train.data import EpochSampler, as_features, collate
from engine.train.saving import with_saver
from engine.train.setup import Setup

if TYPE_CHECKING:
    import torch


def make_trainer(setup: Setup, callback: Any) -> Any:
    """Return an SFTTrainer over rendered rows.

    It is handed ids and labels and prepares nothing itself; the order of rows and
    the loss are the engine's own.

    Args:
        setup: The run.
        callback: What happens between two steps.
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
            mask = inputs.get("attention_mask")  # there is none where batches have no padding
            tokens = inputs["input_ids"].numel() if mask is None else int(mask.sum())
            meter.count(tokens, trained)
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

    with adapter_kept(setup.loaded.model):
        trainer = RunTrainer(
            model=setup.loaded.model,
            args=arguments(setup),
            train_dataset=Dataset.from_list([as_features(row) for row in setup.train.rows]),
            processing_class=setup.loaded.tokenizer,
            data_collator=data_collator(setup, partial(collate, pad_id=setup.pad_id)),
            callbacks=[callback],
        )
    # The trainer then counts a step's trained tokens and hands them to compute_loss.
    trainer.model_accepts_loss_kwargs = True
    trainer.remove_callback(PrinterCallback)
    return trainer
