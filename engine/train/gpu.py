"""Why a GPU that is there does not train, and what to do about it.

``python -m engine.train.gpu`` is the child that imports torch, which takes seconds, and prints
what it says. :func:`explain` is pure, so every cause can be tested on a machine without a GPU.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.child import Cancelled, run_child, run_step
from engine.errors import FinetuiError
from engine.telemetry import GpuFacts, gpu_facts

CHILD = "engine.train.gpu"
PATIENCE_S = 90.0
"""How long torch may take to be imported and to look for GPUs."""

DRIVER_FOR_CUDA = {11: 450, 12: 525, 13: 580}
"""The oldest driver for each major version of CUDA: "Minor Version Compatibility", table 1,
https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"""

_WITH_GPUS = "start the container with --gpus all (docker, podman), or ask for nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class TorchFacts:
    """What the installed torch says.

    Attributes:
        version: Its version; empty where it is not installed.
        cuda: The version of CUDA that it was built for; empty for a build without CUDA.
        available: Whether it can use a GPU.
        devices: How many it can use.
        architectures: What its kernels were compiled for, such as ``sm_86`` or ``compute_90``.
        error: What it says where it can't use one.
    """

    version: str = ""
    cuda: str = ""
    available: bool = False
    devices: int = 0
    architectures: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class GpuProblem:
    """Why torch can't use a GPU that is there.

    Attributes:
        code: A stable name of the cause.
        message: The cause, as an end of a sentence.
        fix: What to do.
        seen: Whether NVML sees the GPU; otherwise only other signs of it were found.
    """

    code: str
    message: str
    fix: str
    seen: bool = True


def explain(machine: GpuFacts, torch: TorchFacts) -> GpuProblem | None:
    """Return why torch can't use a GPU that is there; None where it can, or where there is none.

    Args:
        machine: What NVML and the system say.
        torch: What torch says.
    """
    if not machine.names:
        return None if torch.available else _unseen(machine)
    if not torch.version:
        return None  # another finding says that it is missing
    name = machine.names[0]
    if not torch.cuda:
        return GpuProblem(
            "torch-without-cuda",
            f"NVML sees {name}, but torch {torch.version} is a build for the CPU alone",
            "install a CUDA build of torch, then: make gpu",
        )
    if hidden := _hidden(machine):
        return hidden
    if (needed := _driver_needed(torch.cuda)) > (_major(machine.driver) or needed):
        return GpuProblem(
            "driver-too-old",
            f"NVML sees {name}, but its driver {machine.driver} is too old for torch "
            f"{torch.version}, which is built for CUDA {torch.cuda}",
            f"install driver {needed} or newer, or a torch that is built for an older CUDA",
        )
    if unsupported := _without_kernels(machine, torch):
        return unsupported
    if torch.available:
        return None
    if not machine.nodes:
        return GpuProblem(
            "no-device-node",
            f"NVML sees {name}, but /dev has no node of it" + _in_container(machine),
            _WITH_GPUS if machine.container else "nvidia-modprobe -u -c=0",
        )
    said = f": {torch.error}" if torch.error else ""
    return GpuProblem(
        "torch-sees-none",
        f"NVML sees {name}, but torch {torch.version} can't use it{said}",
        "see what python -c 'import torch; torch.cuda.init()' says",
    )


def _unseen(machine: GpuFacts) -> GpuProblem | None:
    """Return what keeps NVML from seeing a GPU of which there are signs."""
    if not (machine.driver_loaded or machine.on_bus):
        return None
    if machine.container:
        return GpuProblem(
            "container-without-gpu",
            "the machine has an NVIDIA GPU, but this container was started without it",
            _WITH_GPUS,
            seen=False,
        )
    if machine.driver_loaded:
        return GpuProblem(
            "nvml-fails",
            f"NVIDIA's driver is loaded, but NVML can't be asked: {machine.nvml_error or 'no GPU'}",
            "restart the machine if the driver was updated; see what nvidia-smi says",
            seen=False,
        )
    return GpuProblem(
        "driver-missing",
        "an NVIDIA GPU is in the machine, but its driver is not loaded",
        "install NVIDIA's driver and restart",
        seen=False,
    )


def _hidden(machine: GpuFacts) -> GpuProblem | None:
    """Return the problem where CUDA_VISIBLE_DEVICES leaves no GPU.

    CUDA takes the entries up to the first that names none.
    """
    if machine.visible is None:
        return None
    first = machine.visible.split(",")[0].strip()
    if first.isdecimal():
        names_one = int(first) < len(machine.names)
    else:
        names_one = first.startswith("MIG-") or bool(
            first.startswith("GPU-") and any(uuid.startswith(first) for uuid in machine.uuids)
        )
    if names_one:
        return None
    return GpuProblem(
        "hidden",
        f"NVML sees {machine.names[0]}, but CUDA_VISIBLE_DEVICES={machine.visible!r} hides it",
        "unset CUDA_VISIBLE_DEVICES",
    )


def _without_kernels(machine: GpuFacts, torch: TorchFacts) -> GpuProblem | None:
    """Return the problem where torch has no code for the GPU.

    Compiled code (``sm_XY``) runs on GPUs of the same major version and the same or a higher
    minor one; intermediate code (``compute_XY``) on any that is not older (CUDA C++ Programming
    Guide, "Compute Capability").
    """
    capability = machine.capabilities[0] if machine.capabilities else (0, 0)
    if capability == (0, 0) or not torch.architectures:
        return None
    for architecture in torch.architectures:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", architecture)
        if match is None:
            return None  # a form of a later torch: nothing is known
        built = int(match[2]), int(match[3])
        runs = built <= capability and (match[1] == "compute" or built[0] == capability[0])
        if runs:
            return None
    version = f"{capability[0]}.{capability[1]}"
    return GpuProblem(
        "architecture",
        f"{machine.names[0]} has compute capability {version}, and torch {torch.version} is "
        f"compiled for {', '.join(torch.architectures)}",
        "install a torch whose CUDA build supports this GPU",
    )


def _driver_needed(cuda: str) -> int:
    return DRIVER_FOR_CUDA.get(_major(cuda), 0)


def _major(version: str) -> int:
    digits = version.partition(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _in_container(machine: GpuFacts) -> str:
    return " in this container" if machine.container else ""


# -- asking torch ------------------------------------------------------------------------


def torch_build() -> TorchFacts:
    """Return the version and CUDA of the installed torch, without importing it.

    They are read from torch's version file, since importing torch takes seconds.
    """
    values = _version_file("torch")
    if values is None:
        return TorchFacts()
    return TorchFacts(version=values.get("__version__", "unknown"), cuda=values.get("cuda", ""))


def _version_file(package: str) -> dict[str, str] | None:
    """Return the texts that a package's ``version.py`` sets; None where it is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    try:
        text = (Path(found.origin).parent / "version.py").read_text("utf-8")
    except OSError:
        return {}
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        value = value.strip().strip("'\"")
        values.setdefault(name.split(":")[0].strip(), "" if value == "None" else value)
    return values


def vision_problem() -> GpuProblem | None:
    """Return why the installed torchvision keeps transformers from being imported, if it does.

    One that is built for CUDA can't be loaded beside a torch for the CPU, and transformers
    imports whichever is there.
    """
    vision, torch = _version_file("torchvision"), torch_build()
    if vision is None or not torch.version or torch.cuda:
        return None
    version = vision.get("__version__", "")
    if not version.partition("+")[2].startswith("cu"):
        return None
    return GpuProblem(
        "torchvision-build",
        f"torchvision {version} is built for CUDA and torch {torch.version} for the CPU, so "
        "transformers can't be imported",
        "pip uninstall torchvision: finetui needs none",
        seen=False,
    )


def known_problem() -> GpuProblem | None:
    """Return why a GPU that NVML sees can't train, as far as that is known without torch.

    Its build, the driver's version and the environment tell; a problem that torch alone
    knows is found when the run begins, and by ``finetui doctor``.
    """
    problem = explain(gpu_facts(), replace(torch_build(), available=True))
    return problem if problem is not None and problem.seen else None


def ask_torch(patience_s: float = PATIENCE_S) -> TorchFacts:
    """Return what torch says, asked in a child process.

    Args:
        patience_s: Seconds that it may take.
    """
    end = time.monotonic() + patience_s
    build = torch_build()

    def late() -> bool:
        return time.monotonic() > end

    def quiet(done: int, total: int) -> None:
        del done, total

    try:
        answer: Mapping[str, Any] = run_child(CHILD, [], quiet, cancelled=late)
    except Cancelled:
        error = f"it did not answer within {patience_s:.0f} s"
        return TorchFacts(version=build.version, cuda=build.cuda, error=error)
    except FinetuiError as error:
        last = error.message.strip().splitlines()[-1]
        return TorchFacts(version=build.version, cuda=build.cuda, error=last)
    return TorchFacts(**{**answer, "architectures": tuple(answer["architectures"])})


def torch_facts() -> TorchFacts:
    """Return what torch says, in a process that may import it."""
    import torch

    error = ""
    available = bool(torch.cuda.is_available())
    if torch.version.cuda and not available:
        try:
            torch.cuda.init()  # type: ignore[no-untyped-call]
        except Exception as failure:  # the reason stands in the message alone
            error = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
    return TorchFacts(
        version=str(torch.__version__),
        cuda=torch.version.cuda or "",
        available=available,
        devices=torch.cuda.device_count() if available else 0,
        architectures=tuple(torch.cuda.get_arch_list()),
        error=error,
    )


def main(arguments: Sequence[str]) -> dict[str, Any]:
    """Return what torch says as JSON holds it, in the child."""
    del arguments
    return asdict(torch_facts())


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
