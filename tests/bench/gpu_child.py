"""One measurement in a process of its own: ``python -m tests.bench.gpu_child JOB.json``.

The job says what to run; the last line of the output is ``RESULT`` and a JSON document. Steps are
timed by the same callback in every kind of run, with the GPU's queue empty at both ends; tokens
are counted as the model gets them, padding excluded.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_SETTLING = 2
"""Steps at the start that don't count: kernels are compiled and memory is found in them."""


class Clock:
    """Times steps and counts tokens; made into a trainer's callback by :func:`callback`."""

    def __init__(self, device: str) -> None:
        self.cuda = device == "cuda"
        self.seconds: list[float] = []
        self.tokens: list[int] = []
        self._seen: Any = 0
        self._began = 0.0

    def begin(self) -> None:
        """A step begins."""
        self._wait()
        self._seen = 0
        self._began = time.perf_counter()

    def end(self) -> None:
        """The step is done."""
        self._wait()
        self.seconds.append(time.perf_counter() - self._began)
        self.tokens.append(int(self._seen))

    def see(self, module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Count a batch on its way into the model."""
        if not module.training:
            return
        ids, mask = kwargs.get("input_ids"), kwargs.get("attention_mask")
        if mask is not None and mask.dim() == 2:
            self._seen = self._seen + mask.sum()
        elif ids is not None:
            self._seen = self._seen + ids.numel()

    def rate(self) -> float:
        """Tokens a second over the steps that count."""
        skip = _SETTLING if len(self.seconds) > 2 * _SETTLING else 0
        seconds = sum(self.seconds[skip:])
        return sum(self.tokens[skip:]) / seconds if seconds else 0.0

    def _wait(self) -> None:
        if self.cuda:
            import torch

            torch.cuda.synchronize()


def callback(clock: Clock) -> Any:
    """Return a trainer's callback that drives a clock."""
    from transformers import TrainerCallback

    class Timing(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            named["model"].register_forward_pre_hook(clock.see, with_kwargs=True)

        def on_step_begin(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            clock.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            clock.end()

    return Timing()


def finetui_run(job: dict[str, Any]) -> dict[str, Any]:
    """Run finetui's own recipe on a run's folder, as its child process does."""
    if job["spec"]["backend"] == "unsloth":
        import unsloth  # noqa: F401  (before transformers and trl, which it changes)
    from engine.runs import state
    from engine.train import make_spec, recipe
    from engine.train.spec import write_spec

    folder = Path(job["folder"])
    folder.mkdir(parents=True)
    os.symlink(job["dataset"], folder / "dataset")
    spec = make_spec(job["base"], "rows", base_dir=job["base"], **job["spec"])
    write_spec(folder, spec)
    script: Any = recipe
    clock, make = Clock(job["device"]), script.make_trainer

    def timed(*setup: Any) -> Any:
        trainer = make(*setup)
        trainer.add_callback(callback(clock))
        return trainer

    script.make_trainer = timed
    try:
        recipe.main([str(folder)])
    finally:
        script.make_trainer = make
    view = state(folder)
    return {
        "status": view.status,
        "error": f"{view.message} [{view.code}]" if view.code else "",
        "losses": [loss for _, loss in view.losses],
        "fit": dict(view.fit) or predicted(spec, folder / "dataset"),
        **_timed(clock),
    }


def predicted(spec: Any, dataset: Path) -> dict[str, Any] | None:
    """Return what finetui predicts of a run's memory, where the run itself did not say."""
    try:
        from engine.train.fit import fit, model_of
        from engine.train.fit.memory import target_of
    except ImportError:
        return None
    from engine.train.devices import find_device

    rows = _rendered(spec.base_dir, dataset, spec.max_length)
    told = fit(
        model_of(Path(spec.base_dir)),
        spec,
        target_of(find_device()),
        unsloth=spec.backend == "unsloth",
        rows=[(len(row.ids), row.trained) for row in rows],
    )
    return {"predicted": told.parts.as_dict()}


def bare_run(job: dict[str, Any]) -> dict[str, Any]:
    """Run the script that a person writes by trl's or unsloth's own pages, on the same ids."""
    spec = job["spec"]
    if spec["backend"] == "unsloth":
        from unsloth import FastLanguageModel

        model, tokenizer = FastLanguageModel.from_pretrained(
            job["base"],
            max_seq_length=spec["max_length"],
            dtype=_kind(job),
            load_in_4bit=bool(job["bits"] == 4),
            use_exact_model_name=True,
            local_files_only=True,
        )
        model = FastLanguageModel.get_peft_model(
            model,
            r=spec["r"],
            lora_alpha=spec["alpha"],
            lora_dropout=0,
            target_modules=list(_targets(spec)),
            bias="none",
            use_gradient_checkpointing="unsloth" if spec["gradient_checkpointing"] else False,
            random_state=0,
        )
    else:
        model, tokenizer = _plain(job)
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    clock = Clock(job["device"])
    cuda = job["device"] == "cuda"
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(_ready(job)),
        args=SFTConfig(
            output_dir=str(Path(job["folder"])),
            per_device_train_batch_size=spec["batch_size"],
            gradient_accumulation_steps=spec["accumulation"],
            num_train_epochs=1,
            learning_rate=spec["learning_rate"],
            gradient_checkpointing=spec["gradient_checkpointing"] and spec["backend"] == "trl",
            max_length=spec["max_length"],
            bf16=cuda,
            use_cpu=not cuda,
            save_strategy="no",
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
            seed=0,
        ),
        callbacks=[callback(clock)],
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {"status": "finished", "error": "", "losses": losses, "fit": None, **_timed(clock)}


def _plain(job: dict[str, Any]) -> tuple[Any, Any]:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spec = job["spec"]
    model = AutoModelForCausalLM.from_pretrained(
        job["base"], dtype=_kind(job), device_map={"": 0} if job["device"] == "cuda" else None
    )
    if job["bits"] == 4:
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=spec["gradient_checkpointing"]
        )
    elif spec["gradient_checkpointing"]:
        model.enable_input_require_grads()
    config = LoraConfig(
        r=spec["r"],
        lora_alpha=spec["alpha"],
        lora_dropout=0.0,
        target_modules=list(_targets(spec)),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config), AutoTokenizer.from_pretrained(job["base"])


def _targets(spec: dict[str, Any]) -> list[str]:
    attention = ["q_proj", "k_proj", "v_proj", "o_proj"]
    more = ["gate_proj", "up_proj", "down_proj"]
    return attention + more if "all-linear" in spec["target_modules"] else attention


def _kind(job: dict[str, Any]) -> Any:
    import torch

    return torch.bfloat16 if job["device"] == "cuda" else torch.float32


def _ready(job: dict[str, Any]) -> list[dict[str, list[int]]]:
    """Return the rows' ids and labels, rendered as finetui renders them."""
    rows = _rendered(job["base"], Path(job["dataset"]), job["spec"]["max_length"])
    return [{"input_ids": list(row.ids), "labels": list(row.labels)} for row in rows]


def _rendered(base: str, dataset: Path, max_length: int) -> Any:
    from engine.dataset import read_rows
    from engine.tokens import Tokenizer
    from engine.train.data import render_rows

    rows = read_rows(dataset / "train.jsonl")
    return render_rows(Tokenizer.load(Path(base)), rows, max_length).rows


def _timed(clock: Clock) -> dict[str, Any]:
    return {
        "tokens_per_s": round(clock.rate(), 1),
        "steps": len(clock.seconds),
        "tokens": sum(clock.tokens),
        "step_seconds": [round(seconds, 4) for seconds in clock.seconds],
    }


def several(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Run finetui with one setting after another; one that fails does not end the others."""
    found = []
    for inner in job["jobs"]:
        start_measuring(inner["device"])
        try:
            result = finetui_run(inner)
        except Exception as error:
            result = {"status": "failed", "error": f"{type(error).__name__}: {error}"}
        found.append({**result, "name": inner["name"], "memory": memory(inner["device"])})
        print(f"{inner['name']}: {result['status']} {result['error']}", flush=True)
    return found


def start_measuring(device: str) -> None:
    """Forget earlier peaks of memory."""
    gc.collect()
    if device == "cuda":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak of resident memory


def memory(device: str) -> dict[str, int]:
    """Return peaks in bytes: what tensors took, what was reserved, and that with the context."""
    if device != "cuda":
        status = Path("/proc/self/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
        return {"allocated": peak * 1024, "reserved": peak * 1024, "used": peak * 1024}
    import torch

    free, total = torch.cuda.mem_get_info()
    reserved = torch.cuda.max_memory_reserved()
    return {
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": reserved,
        # What lies outside of torch's own pool now is the context, and others' processes.
        "used": total - free - torch.cuda.memory_reserved() + reserved,
    }


def cap(device: str, limit: float) -> None:
    """Let this process have no more of the GPU's memory than a smaller one has."""
    if device == "cuda" and limit:
        import torch

        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), 0)


def make(job: dict[str, Any]) -> dict[str, Any]:
    """Make the models and datasets of a job."""
    from tests.bench.gpu_models import SHAPES, make_model, write_rows

    sizes = {}
    for model in job["models"]:
        began = time.perf_counter()
        folder = Path(model["folder"])
        size = make_model(folder, SHAPES[model["shape"]], bits=model["bits"], device=job["device"])
        sizes[folder.name] = {**size, "seconds": round(time.perf_counter() - began, 1)}
    for rows in job["rows"]:
        write_rows(Path(rows["folder"]), rows["count"], tuple(rows["lengths"]))
    return {"models": sizes}


def facts(device: str) -> dict[str, Any]:
    """Return what the machine and its libraries are."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {"device": platform.processor() or platform.machine(), "memory": 0}
    names = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "unsloth")
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    if device == "cuda":
        import torch

        card = torch.cuda.get_device_properties(0)
        found |= {"device": card.name, "memory": card.total_memory, "cuda": torch.version.cuda}
    return found


def main(path: str) -> int:
    """Run a job and print its result."""
    job = json.loads(Path(path).read_text("utf-8"))
    kind, device = job["kind"], job["device"]
    result: Any
    if kind == "facts":
        result = facts(device)
    elif kind == "make":
        result = make(job)
    elif kind == "several":
        result = several(job)
    else:
        cap(device, job.get("cap", 0))
        start_measuring(device)
        result = (finetui_run if kind == "finetui" else bare_run)(job)
        result["memory"] = memory(device)
    print(f"\nRESULT {json.dumps(result)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
