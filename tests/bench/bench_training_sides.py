"""The sides of ``bench_training``: finetui's own trainer, and scripts as trl's docs have them."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

R, ALPHA, RATE = 16, 32, 2e-4


def finetui(work: Mapping[str, Any], folder: Path, backend_name: str) -> Any:
    """Return the trainer of a run, as the recipe makes it."""
    from engine.runs.child import Job
    from engine.tokens import Tokenizer
    from engine.train import make_spec
    from engine.train.backends import choose, load
    from engine.train.best import BestAdapter, save_adapter
    from engine.train.callbacks import make_callback
    from engine.train.data import TokenRow, TokenRows
    from engine.train.devices import find_device
    from engine.train.meter import Meter
    from engine.train.recipe import make_evaluator, make_saver, watch_steps
    from engine.train.setup import Setup
    from engine.train.trainer import make_trainer

    spec = make_spec(
        work["base"],
        "notes",
        "small-cpu",
        base_dir=work["base"],
        backend=backend_name,
        precision="fp32",
        r=R,
        alpha=ALPHA,
        learning_rate=RATE,
        warmup_ratio=0.0,
        batch_size=work["batch"],
        accumulation=work["accumulation"],
        save_steps=10**6,
    )
    rows = tuple(TokenRow(name, tuple(ids), tuple(labels)) for name, ids, labels in work["rows"])
    job, meter, device = Job(folder).__enter__(), Meter(), find_device()
    backend = choose(spec, device)
    loaded, tokenizer = load(spec, backend, device), Tokenizer.load(Path(work["base"]))
    best = BestAdapter(job, partial(save_adapter, loaded.model, spec))
    setup = Setup(
        job=job,
        spec=spec,
        device=device,
        backend=backend,
        loaded=loaded,
        train=TokenRows(rows=rows),
        validation=TokenRows(rows=()),
        meter=meter,
        saver=make_saver(job, spec, meter, best),
    )
    evaluator = make_evaluator(setup, 0, best, tokenizer)
    return make_trainer(setup, make_callback(setup, evaluator, watch_steps(job)))


def trl(work: Mapping[str, Any], folder: Path) -> Any:
    """Return the trainer of a plain script of trl."""
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTTrainer

    model = AutoModelForCausalLM.from_pretrained(work["base"], dtype=torch.float32)
    adapter = LoraConfig(r=R, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM")
    return SFTTrainer(
        model=model,
        args=_arguments(work, folder),
        train_dataset=_dataset(work),
        peft_config=adapter,
    )


def unsloth(work: Mapping[str, Any], folder: Path) -> Any:
    """Return the trainer of a plain script of unsloth."""
    from unsloth import FastLanguageModel  # isort: skip
    import torch
    from trl import SFTTrainer

    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=work["base"], max_seq_length=512, dtype=torch.float32, load_in_4bit=False
    )
    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = FastLanguageModel.get_peft_model(
        model,
        r=R,
        lora_alpha=ALPHA,
        lora_dropout=0,
        target_modules=layers,
        use_gradient_checkpointing=False,
    )
    return SFTTrainer(
        model=model,
        args=_arguments(work, folder),
        train_dataset=_dataset(work),
        processing_class=tokenizer,
    )


def _arguments(work: Mapping[str, Any], folder: Path) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=work["batch"],
        gradient_accumulation_steps=work["accumulation"],
        learning_rate=RATE,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )


def _dataset(work: Mapping[str, Any]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(
        [{"input_ids": ids, "labels": labels} for _, ids, labels in work["rows"]]
    )


def in_turns(trainer: Any) -> None:
    """Train, and wait for the word before each turn; its figures are printed at its end."""
    from transformers import TrainerCallback

    now = {"tokens": 0, "places": 0, "told": 0.0, "wall": 0.0, "cpu": 0.0, "left": 0}
    inner = trainer.training_step

    def training_step(model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        mask = inputs.get("attention_mask")
        tokens = inputs["input_ids"].numel() if mask is None else mask.sum()
        now["tokens"] += int(tokens)
        now["places"] += inputs["input_ids"].numel()
        return inner(model, inputs, *rest, **named)

    def say(done: bool) -> None:
        said = {
            "tokens": now["tokens"],
            "places": now["places"],
            "told": now["told"],
            "seconds": time.perf_counter() - now["wall"],
            "cpu": time.process_time() - now["cpu"],
            "done": done,
        }
        print("TURN " + json.dumps(said), flush=True)
        left = int(sys.stdin.readline().strip() or 0)
        now.update(tokens=0, places=0, told=0.0, left=left)
        now.update(wall=time.perf_counter(), cpu=time.process_time())

    class Turns(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            say(False)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            now["left"] -= 1
            if state.global_step == state.max_steps or now["left"] == 0:
                say(state.global_step == state.max_steps)

    for callback in trainer.callback_handler.callbacks:
        if type(callback).__module__.startswith("engine."):
            _time_calls(callback, now)
    trainer.training_step = training_step
    trainer.add_callback(Turns())
    trainer.train()


def _time_calls(callback: Any, now: dict[str, Any]) -> None:
    """Add up the time that a callback takes."""

    def timed(method: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return method(*args, **named)
            finally:
                now["told"] += time.thread_time() - began

        return call

    for name in ("on_step_begin", "on_step_end", "on_log"):
        setattr(callback, name, timed(getattr(callback, name)))


def main(name: str, work_file: str) -> None:
    """Train one side."""
    work = json.loads(Path(work_file).read_text())
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if name.startswith("finetui"):
            trainer = finetui(work, place, "unsloth" if name.endswith("unsloth") else "trl")
        else:
            trainer = {"trl": trl, "unsloth": unsloth}[name](work, place)
        in_turns(trainer)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
