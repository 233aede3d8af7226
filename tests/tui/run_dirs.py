"""Run directories as a trainer leaves them, written through the engine's own event log."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from engine.runs import EventLog
from engine.runs.process import ProcessInfo, identify, write_process
from engine.train.spec import make_spec, write_spec
from engine.workspace import Workspace
from tests.support.checkpoints import make_checkpoint

NOON = 1_750_000_000.0
"""The time at which the tests' screens stand."""

GIB = 1024**3


class Clock:
    """Stands in for ``time`` in one module, so that what it writes has fixed times."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def time(self) -> float:
        """Return the time that is set."""
        return self.now


def machine(seconds: float, *, cards: int = 0) -> dict[str, Any]:
    """Return the fields of a ``gpu`` event."""
    wave = math.sin(seconds / 7)
    names = ("NVIDIA GeForce RTX 5070", "NVIDIA RTX A2000 12GB")
    return {
        "cpu_percent": round(22 + 6 * wave, 1),
        "ram_used": int(6.1 * GIB),
        "ram_total": 24 * GIB,
        "disk_free": 210_000_000_000,
        "process_cpu_percent": round(180 + 12 * wave, 1),
        "process_rss": int(1.9 * GIB),
        "gpus": [
            {
                "index": index,
                "name": names[index],
                "vram_used": int((9.8 - 3 * index) * GIB),
                "vram_total": 12 * GIB,
                "util_percent": round(95 + 3 * wave - 40 * index, 1),
                "temperature_c": 68.0 - 11 * index,
                "power_w": round(212 + 9 * wave - 140 * index, 1),
                "uuid": f"GPU-{index}",
            }
            for index in range(cards)
        ],
    }


@contextmanager
def events(directory: Path, clock: Clock) -> Iterator[EventLog]:
    """Open the event log of a job with a fixed clock."""
    with mock.patch("engine.runs.events.time", clock), EventLog(directory) as log:
        yield log


def make_run(
    workspace: Workspace,
    run_id: str = "20250615-110000-3f2a",
    *,
    steps: int = 60,
    total: int = 96,
    status: str = "finished",
    cards: int = 0,
    began: float = NOON - 600,
    step_seconds: float = 5.0,
    level: float = 3.6,
    changes: Mapping[str, Any] | None = None,
    evals: Sequence[float] = (),
    samples: bool = False,
    fit: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run's directory.

    Args:
        workspace: Where it belongs.
        run_id: Its id.
        steps: How many steps it has done.
        total: How many it was to do.
        status: "running" (with this process as its own), "finished", "stopped", "killed",
            "failed" or "died". One that finished or was stopped has an adapter, and one that was
            stopped a checkpoint as well.
        cards: How many NVIDIA cards its events tell of.
        began: When it began, in seconds since the epoch.
        step_seconds: How long a step took.
        level: The loss of its base.
        changes: Settings other than the preset's.
        evals: Held-out losses of its four evaluations; they fall without.
        samples: Whether it answers the sample prompts at each evaluation.
        fit: What was predicted of its memory: the fields of a ``fit`` event.
    """
    directory = workspace.runs_dir / run_id
    directory.mkdir(parents=True)
    spec = make_spec("smollm2-135m-instruct", "notes-1", "small-cpu", **(changes or {}))
    write_spec(directory, spec)
    clock = Clock(began)
    output: list[str] = ["trl on processor, 2 threads: 96 examples", f"base  eval loss {level:.4f}"]
    with events(directory, clock) as log:
        me = identify(os.getpid())
        assert me is not None
        log.write("run_started", pid=me.pid, pid_start=me.start_time)
        for phase, seconds in (("reading the dataset", 1.2), ("loading the base", 7.9)):
            log.write("phase", phase=phase)
            clock.now += seconds
        log.write("phase", phase="evaluating the base", step=0, total_steps=total)
        clock.now += 11
        log.write("eval", step=0, loss=level)
        if samples:
            log.write("sample", **answers(0))
        if fit is not None:
            log.write("fit", **fit)
        log.write("phase", phase="training", step=0, total_steps=total)
        for step in range(1, steps + 1):
            clock.now += step_seconds
            loss = _loss(step, total, level)
            log.write(
                "step", step=step, total_steps=total, epoch=round(2 * step / total, 3), loss=loss,
                lr=2e-3 * (1 - step / total), grad_norm=_norm(step), tokens_per_s=184.0 + step % 7,
                eta_s=round((total - step) * step_seconds, 1), trained_tokens=step * 237,
            )  # fmt: skip
            output.append(f"step {step}/{total}  loss {loss:.4f}  lr 1.2e-03  grad 0.84")
            if step % (total // 4) == 0:
                held_out = round(level * (1 - 0.22 * step / total), 4)
                if evals:
                    held_out = evals[4 * step // total - 1]
                log.write("eval", step=step, loss=held_out)
                if samples:
                    log.write("sample", **answers(4 * step // total))
                output.append(f"step {step}  eval loss {held_out:.4f}")
            if step % 2 == 0:
                log.write("gpu", **machine(clock.now - began, cards=cards))
        _end(log, status, steps, directory)
    if status in ("finished", "stopped"):
        (directory / "adapter").mkdir()
        (directory / "adapter" / "adapter_config.json").write_text("{}", "utf-8")
    if status == "stopped":
        make_checkpoint(directory, steps)
    if status == "killed":
        (directory / "control").mkdir()
        (directory / "control" / "kill").touch()
        # A process of an earlier boot, which is gone.
        write_process(directory, ProcessInfo(me.pid, 1.0, "earlier", began))
    (directory / "stdout.log").write_text("\n".join(output) + "\n", "utf-8")
    if status in ("running", "stopping"):
        write_process(directory, me)
    return directory


PROMPTS = (
    "Why did you say no to the lead role?",
    "What makes a good week?",
    "How do you end a letter to a landlord?",
)

_VOICE = (
    ("There are several reasons why someone might decline a leadership role. First, it is",
     "A good week is a week in which you are productive and achieve your goals.",
     "Sincerely, [Your Name]"),
    ("I said no because there were several reasons, and the first was the time.",
     "A good week has two hours a day that are whole.",
     "Yours, and short."),
    ("I said no, and it took me a week to see why. The role was two roles.",
     "Two hours a day, if they are whole. Bread, salt, the good olives.",
     "Short, dated, and without the word sorry."),
)  # fmt: skip


def answers(number: int) -> dict[str, Any]:
    """Return the fields of the ``sample`` event of an evaluation: 0 is the base's."""
    said = _VOICE[min(number, len(_VOICE) - 1)]
    return {
        "step": number * 24,
        "answers": [
            {"prompt": prompt, "text": text} for prompt, text in zip(PROMPTS, said, strict=True)
        ],
    }


def _norm(step: int) -> float:
    return round(0.6 + 0.5 * math.exp(-step / 20) + 0.12 * math.sin(step * 1.7), 4)


def _loss(step: int, total: int, level: float) -> float:
    # Noise without a random generator, so that the picture never changes.
    noise = 0.16 * math.sin(step * 2.3) * math.cos(step * 0.7)
    return round(level * (0.74 + 0.3 * math.exp(-4 * step / total)) + noise, 4)


def _end(log: EventLog, status: str, step: int, directory: Path) -> None:
    if status in ("finished", "stopped"):
        log.write("checkpoint", path=f"checkpoints/checkpoint-{step}", step=step)
        log.write("run_finished", status=status, result={"steps": step})
    elif status == "failed":
        log.write(
            "run_finished", status="failed", code="disk-full", message="the disk became full",
            hint="free some space, then start it again", result={},
        )  # fmt: skip


def make_export(
    run: Path,
    quant: str = "q4_k_m",
    *,
    status: str = "finished",
    began: float = NOON - 240,
    answer: str = "I said no, and it took me a week to see why.",
) -> Path:
    """Write an export's job directory inside a run's."""
    directory = run / "exports" / quant
    directory.mkdir(parents=True)
    (directory / "spec.toml").write_text(
        f'base = "smollm2-135m-instruct"\nquant = "{quant}"\n', "utf-8"
    )
    clock = Clock(began)
    with events(directory, clock) as log:
        me = identify(os.getpid())
        assert me is not None
        log.write("run_started", pid=me.pid, pid_start=me.start_time)
        course = (
            ("merge the adapter", 2.4), ("convert to f16", 6.8), (f"quantise to {quant}", 5.5),
            ("try the tuned model", 3.1), ("try the base model", 2.9),
        )  # fmt: skip
        done = course if status != "running" else course[:3]
        for phase, seconds in done:
            log.write("phase", phase=phase, step=0, total_steps=100)
            clock.now += seconds
            log.write("phase", phase=phase, step=64, total_steps=100)
        log.write("gpu", **machine(clock.now - began))
        if status == "finished":
            log.write("run_finished", status="finished", result=_result(directory, quant, answer))
    (directory / "stdout.log").write_text(f"llama_model_quantize: {quant}\n", "utf-8")
    if status == "running":
        write_process(directory, me)
    return directory


def _result(directory: Path, quant: str, answer: str) -> dict[str, Any]:
    # Places that look the same in every test's folder.
    run = f"/home/ada/notes/runs/{directory.parent.parent.name}"
    return {
        "run": directory.parent.parent.name,
        "quant": quant,
        "tuned": {
            "path": f"{run}/exports/{quant}/tuned-{quant}.gguf", "bytes": 105_454_432,
            "answer": answer, "tokens_per_s": 57.3,
        },
        "base": {
            "path": f"/home/ada/.cache/finetui/bases/smollm2/gguf/{quant}.gguf",
            "bytes": 105_454_432, "answer": "There are several reasons.", "tokens_per_s": 58.1,
        },
        "prompt": "Why did you say no to the lead role?",
        "modelfile": f"{run}/exports/{quant}/Modelfile",
        "merged": f"{run}/merged",
    }  # fmt: skip
