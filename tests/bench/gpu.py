"""The proof on a GPU, in one command of under 8 minutes: ``python tests/bench/gpu.py``.

It runs from a plain checkout, without a network, on a machine with torch, transformers, peft and
accelerate. What else it needs it names (``--needs``) and takes from a folder of wheels
(``--wheels DIR``). Models are made on the spot. Printed as Markdown and written as JSON are:

- tokens a second and peak memory of finetui's two backends and of bare trl and unsloth scripts, on
  the same rows, base, batch and precision, in turns;
- predicted against measured memory over six settings;
- a run of the 8B shape under a cap of 12 GB.

``--device cpu --tiny`` does all of it with tiny shapes in minutes; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.bench import gpu_needs, gpu_report  # noqa: E402

BUDGET_SECONDS = 470.0
_LEAST_SECONDS = 25.0
_PARTS = ("cap", "turns", "fit")
_CAP_BYTES = 12e9
_SPEC: dict[str, Any] = {
    "r": 16,
    "alpha": 32,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "learning_rate": 2e-4,
    "epochs": 1.0,
    "batch_size": 4,
    "accumulation": 1,
    "max_length": 1024,
    "gradient_checkpointing": True,
    "load_in_4bit": True,
    "backend": "trl",
}
# Name, model, rows at once, length, rank and layers, checkpointing: spread over a tenfold range.
_SETTINGS: tuple[tuple[str, str, int, int, int, str, bool], ...] = (
    ("1B 16 bits, 1 x 512", "1B-16", 1, 512, 16, "attention", True),
    ("1B 16 bits, 8 x 1024", "1B-16", 8, 1024, 16, "all-linear", True),
    ("1B 16 bits, 4 x 1024, no checkpointing", "1B-16", 4, 1024, 16, "attention", False),
    ("8B 4 bits, 1 x 512", "8B-4", 1, 512, 16, "attention", True),
    ("8B 4 bits, 4 x 1024", "8B-4", 4, 1024, 16, "attention", True),
    ("8B 4 bits, 2 x 2048, rank 64", "8B-4", 2, 2048, 64, "all-linear", True),
)


@dataclass
class Bench:
    """The options, the time that is left, and what was found so far."""

    device: str
    tiny: bool
    work: Path
    site: Path
    ends: float
    found: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    jobs: int = 0

    @property
    def left(self) -> float:
        """Seconds until the budget is spent."""
        return self.ends - time.monotonic()

    def model(self, name: str) -> Path:
        """Return the folder of a model such as ``8B-4``."""
        return self.work / "models" / name

    def rows(self, count: int, longest: int, *, ragged: bool = True) -> dict[str, Any]:
        """Return a dataset's recipe."""
        if self.tiny:
            longest = max(96, longest // 8)
        shortest = max(80, longest // 8) if ragged else longest
        folder = self.work / "rows" / f"{count}-{shortest}-{longest}"
        return {"folder": str(folder), "count": count, "lengths": [shortest, longest]}


def run_job(bench: Bench, name: str, job: dict[str, Any]) -> Any:
    """Run a job in a child process and return its result; None where it failed or did not fit.

    Args:
        bench: The bench; what failed is noted in it.
        name: What it is called in the report.
        job: See :mod:`tests.bench.gpu_child`.
    """
    if bench.left < _LEAST_SECONDS:
        bench.skipped.append(f"{name}: no time was left")
        return None
    bench.jobs += 1
    file = bench.work / f"job-{bench.jobs}.json"
    file.write_text(json.dumps({"device": bench.device, **job}), "utf-8")
    began = time.monotonic()
    print(f"{name} … ({bench.left:.0f} s left)", file=sys.stderr, flush=True)
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.bench.gpu_child", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=_environment(bench),
        cwd=bench.work,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=max(1.0, bench.left))
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        bench.skipped.append(f"{name}: it did not end within the budget")
        return None
    (bench.work / f"job-{bench.jobs}.log").write_text(output, "utf-8")
    lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if child.returncode or not lines:
        tail = " / ".join(line.strip() for line in output.splitlines()[-4:] if line.strip())
        bench.skipped.append(f"{name}: failed: {tail[-600:]}")
        print(output[-4000:], file=sys.stderr)
        return None
    result = json.loads(lines[-1].removeprefix("RESULT "))
    print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return result


def _environment(bench: Bench) -> dict[str, str]:
    paths = [str(bench.site), str(ROOT), os.environ.get("PYTHONPATH", "")]
    cache = bench.work / "cache"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HOME": str(cache / "hub"),
        "XDG_DATA_HOME": str(cache / "data"),
        "XDG_STATE_HOME": str(cache / "state"),
        "XDG_CONFIG_HOME": str(cache / "config"),
        "TOKENIZERS_PARALLELISM": "false",
        "UNSLOTH_DISABLE_STATISTICS": "1",
        "GOMP_SPINCOUNT": "1000",
    }


def make_models(bench: Bench, parts: list[str]) -> bool:
    """Make models and rows, in one child; say whether that worked."""
    shapes = {"1B": "tiny", "8B": "tiny-untied"} if bench.tiny else {"1B": "1B", "8B": "8B"}
    models = []
    if {"turns", "fit"} & set(parts):
        models.append({"folder": str(bench.model("1B-16")), "shape": shapes["1B"], "bits": 16})
    if "bitsandbytes" not in [need.name for need in gpu_needs.missing(("4 bits",))]:
        models.append({"folder": str(bench.model("8B-4")), "shape": shapes["8B"], "bits": 4})
    rows = [turn_rows(bench), cap_rows(bench)]
    rows += [setting_rows(bench, setting) for setting in _SETTINGS]
    made = run_job(bench, "models", {"kind": "make", "models": models, "rows": rows})
    bench.found["models"] = made and made["models"]
    return made is not None


def turn_rows(bench: Bench) -> dict[str, Any]:
    """Return the rows of the comparison: ragged, as notes are."""
    return bench.rows(4 * (6 if bench.tiny else 14), 1024)


def cap_rows(bench: Bench) -> dict[str, Any]:
    """Return the rows of the run under a cap: each as long as the preset allows."""
    return bench.rows(16 if bench.tiny else 48, 1024, ragged=False)


def setting_rows(bench: Bench, setting: tuple[str, str, int, int, int, str, bool]) -> Any:
    """Return the rows of a setting: two steps of full length."""
    return bench.rows(2 * setting[2], setting[3], ragged=False)


def _job(bench: Bench, kind: str, base: str, rows: dict[str, Any], **spec: Any) -> dict[str, Any]:
    whole = {**_SPEC, **spec, "load_in_4bit": base.endswith("-4")}
    bench.jobs += 1
    return {
        "kind": kind,
        "device": bench.device,
        "base": str(bench.model(base)),
        "bits": int(base.rpartition("-")[2]),
        "dataset": rows["folder"],
        "folder": str(bench.work / "runs" / f"{bench.jobs}"),
        "spec": whole,
    }


def take_turns(bench: Bench, base: str) -> None:
    """Run finetui's backends and bare scripts of both, in turns, on one base."""
    if not bench.model(base).is_dir():
        bench.skipped.append(f"{base}: bitsandbytes is not installed")
        return
    unsloth = not gpu_needs.missing(("unsloth",))
    kinds = [("finetui/trl", "finetui", "trl"), ("bare trl", "bare", "trl")]
    if unsloth:
        kinds += [("finetui/unsloth", "finetui", "unsloth"), ("bare unsloth", "bare", "unsloth")]
    else:
        bench.skipped.append(f"unsloth on {base}: not installed, and no wheel of it was given")
    for name, kind, backend in kinds:
        job = _job(bench, kind, base, turn_rows(bench), backend=backend)
        result = run_job(bench, f"{name} on {base}", job)
        if result is not None:
            bench.found.setdefault("turns", []).append({"name": name, "base": base, **result})


def try_settings(bench: Bench) -> None:
    """Measure six settings, in one child, and put what was predicted beside it."""
    jobs = []
    for setting in _SETTINGS:
        name, base, size, length, rank, layers, checkpointing = setting
        if not bench.model(base).is_dir():
            bench.skipped.append(f"{name}: bitsandbytes is not installed")
            continue
        spec = {
            "batch_size": size,
            "max_length": length,
            "r": rank,
            "alpha": 2 * rank,
            "gradient_checkpointing": checkpointing,
            "target_modules": ["all-linear"] if layers == "all-linear" else _SPEC["target_modules"],
        }
        job = _job(bench, "finetui", base, setting_rows(bench, setting), **spec)
        jobs.append({**job, "name": name})
    result = run_job(bench, "six settings", {"kind": "several", "jobs": jobs})
    if result is not None:
        bench.found["fit"] = result


def run_under_cap(bench: Bench) -> None:
    """Train the 8B shape with no more memory than a GPU with 12 GB has."""
    if not bench.model("8B-4").is_dir():
        bench.skipped.append("12 GB cap: bitsandbytes is not installed")
        return
    job = _job(bench, "finetui", "8B-4", cap_rows(bench), **gpu_report.preset_for_12_gb())
    result = run_job(bench, "8B in 4 bits under 12 GB", {**job, "cap": _CAP_BYTES})
    if result is not None:
        bench.found["cap"] = {**result, "cap": _CAP_BYTES, "spec": job["spec"]}


def main(arguments: list[str] | None = None) -> int:
    """Run the proof, or say what it needs."""
    options = _options(arguments)
    gpu_needs.use(options.site)
    if options.needs:
        print(gpu_needs.table(options.wheels))
        return 0
    if options.requirements:
        print(gpu_needs.requirements(), end="")
        return 0
    if options.wheels is not None:
        installed = gpu_needs.install(options.wheels, options.site)
        print(f"installed: {', '.join(installed) or 'nothing'}", file=sys.stderr)
    essential = gpu_needs.missing(("engine", "trl"))
    if essential:
        print(gpu_needs.table(options.wheels))
        if options.wheels is not None:  # more wheels come with the next call
            return 0
        print("\ngive a folder with them: --wheels DIR", file=sys.stderr)
        return 2
    if options.install_only:
        return 0
    work = options.work or Path(tempfile.mkdtemp(prefix="finetui-gpu-"))
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work / "runs", ignore_errors=True)  # of an earlier call; models are kept
    bench = Bench(options.device, options.tiny, work.resolve(), options.site.resolve(),
                  time.monotonic() + options.budget)  # fmt: skip
    try:
        _run(bench, options.parts)
    finally:
        if options.work is None:
            shutil.rmtree(work, ignore_errors=True)
    options.out.mkdir(parents=True, exist_ok=True)
    document = {**bench.found, "skipped": bench.skipped, "device": bench.device}
    document["tiny"] = bench.tiny
    (options.out / "gpu.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    text = gpu_report.markdown(document)
    (options.out / "gpu.md").write_text(text, "utf-8")
    print(text)
    return 0 if {"turns", "fit", "cap"} & bench.found.keys() else 1


def _run(bench: Bench, parts: list[str]) -> None:
    began = time.monotonic()
    bench.found["machine"] = run_job(bench, "machine", {"kind": "facts"})
    # What matters most comes first: what does not fit into the time is left out.
    order: list[tuple[str, Callable[[], None]]] = [
        ("cap", lambda: run_under_cap(bench)),
        ("turns", lambda: take_turns(bench, "8B-4")),
        ("fit", lambda: try_settings(bench)),
    ]
    if not bench.tiny:
        order.append(("turns", lambda: take_turns(bench, "1B-16")))
    if make_models(bench, parts):
        for part, step in order:
            if part in parts:
                step()
    bench.found["seconds"] = round(time.monotonic() - began)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny shapes, to try the script")
    parser.add_argument("--needs", action="store_true", help="say what is needed, and end")
    parser.add_argument(
        "--requirements", action="store_true", help="print the needs for pip download, and end"
    )
    parser.add_argument("--wheels", type=Path, help="a folder of wheels to take what is missing")
    parser.add_argument("--install-only", action="store_true", help="install wheels, and end")
    parser.add_argument(
        "--site",
        type=Path,
        default=Path(tempfile.gettempdir()) / "finetui-gpu-site",
        help="where wheels are installed; kept for further calls",
    )
    parser.add_argument("--work", type=Path, help="where models are made, and kept; else a "
                        "temporary folder (8 GB)")  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("OUT", ".")), help="where results go"
    )
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS, help="seconds")
    parser.add_argument(
        "--parts", type=lambda text: text.split(","), default=list(_PARTS),
        help="some of cap,turns,fit: for several calls",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(_PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}: {', '.join(_PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
