"""Whether a training run has, or is about to have, the device that a model is on."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from engine.runs import is_alive
from engine.runs.seats import PROCESSOR, seated, this_device
from engine.runs.tickets import waiting
from engine.serve.engines.base import EngineName

Taker = Callable[[bool], str]
"""Says which run has the device, by its id, or nothing; its argument is whether that is a GPU."""

_DRIVER = b"/libcuda.so"
_LINKED = b"libcuda"  # the driver, or CUDA's runtime: libcuda.so.1, libcudart.so.12
_PACKAGES: dict[EngineName, str] = {"native": "xllamacpp", "llama-cpp-python": "llama_cpp"}
"""The engines whose builds differ, and the packages that hold them."""


def nobody(on_gpu: bool) -> str:
    """Say that no run has the device."""
    return ""


def taker(runs_dir: Path, lend: str) -> Taker:
    """Return what says which run has the device.

    A run of any workspace that computes there counts, and one of this workspace that waits in
    the queue and will.

    Args:
        runs_dir: The workspace's runs.
        lend: "auto" lends a GPU, "always" the processor too, "never" neither.
    """
    if lend == "never":
        return nobody
    device = this_device()

    def look(on_gpu: bool) -> str:
        if lend != "always" and not (on_gpu and device != PROCESSOR):
            return ""
        for run in seated(device):
            return run.name
        # A queue whose waiting process is gone takes nothing before somebody starts it again.
        return next((run.name for run, _ in waiting(runs_dir) if is_alive(run)), "")

    return look


def uses_gpu(pid: int) -> bool:
    """Say whether a process, or one that it started, has loaded NVIDIA's driver for computing.

    Builds of an engine without CUDA never do, whatever the machine has; where a system tells
    nothing of a process's libraries, the answer is no.
    """
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return any(_has_driver(one.pid) for one in family)
    return False


def for_gpus(engine: EngineName) -> bool:
    """Say whether an engine, as it is installed, may compute on an NVIDIA GPU.

    llama.cpp is built with CUDA or without, and what is built with it names a library of it. Where
    that can't be told, the answer is yes.
    """
    package = _PACKAGES.get(engine)
    with suppress(ImportError, ValueError, OSError):
        if package and (found := find_spec(package)) and found.submodule_search_locations:
            return any(built_for_gpus(Path(one)) for one in found.submodule_search_locations)
    return True


def built_for_gpus(folder: Path) -> bool:
    """Say whether a library in a package's folder is linked to CUDA."""
    return any(_names_cuda(path) for path in _libraries(folder))


def _libraries(folder: Path) -> Iterator[Path]:
    for place in (folder, folder.with_name(f"{folder.name}.libs")):
        yield from (path for path in place.rglob("*.so*") if path.is_file())


def _names_cuda(path: Path) -> bool:
    # An empty file can't be mapped.
    with (
        path.open("rb") as file,
        suppress(ValueError),
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return content.find(_LINKED) >= 0
    return False


def _has_driver(pid: int) -> bool:
    try:
        return _DRIVER in Path(f"/proc/{pid}/maps").read_bytes()
    except OSError:
        return False
