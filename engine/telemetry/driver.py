"""What NVIDIA's driver says of itself and its GPUs, and where a GPU shows without a driver."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NVIDIA_VENDOR = "0x10de"
_DISPLAY_CLASSES = ("0x0300", "0x0302")  # VGA and 3D controllers (PCI class codes)


@dataclass(frozen=True, slots=True)
class GpuFacts:
    """What is known of the machine's NVIDIA GPUs without torch.

    Attributes:
        names: The GPUs that NVML sees.
        capabilities: Their compute capabilities, such as (8, 6); (0, 0) where NVML doesn't say.
        uuids: Their uuids, as NVML writes them.
        driver: The driver's version, such as ``535.104.05``; empty where it doesn't say.
        nvml_error: Why NVML could not be asked; empty where it could.
        visible: The value of ``CUDA_VISIBLE_DEVICES``; None where it is not set.
        driver_loaded: Whether the kernel has loaded NVIDIA's driver.
        on_bus: Whether an NVIDIA GPU is on the PCI bus.
        nodes: Whether ``/dev`` has a node of a GPU.
        container: Whether this is a container.
    """

    names: tuple[str, ...] = ()
    capabilities: tuple[tuple[int, int], ...] = ()
    uuids: tuple[str, ...] = ()
    driver: str = ""
    nvml_error: str = ""
    visible: str | None = None
    driver_loaded: bool = False
    on_bus: bool = False
    nodes: bool = False
    container: bool = False


def gpu_facts(visible: str | None = None) -> GpuFacts:
    """Return what the machine says now.

    Args:
        visible: ``CUDA_VISIBLE_DEVICES`` as the person set it; None asks the environment.
    """
    names: list[str] = []
    capabilities: list[tuple[int, int]] = []
    uuids: list[str] = []
    driver = error = ""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception as failure:
        error = str(failure) or type(failure).__name__
    else:
        driver = _text(_ask(pynvml.nvmlSystemGetDriverVersion))
        for index in range(_ask(pynvml.nvmlDeviceGetCount) or 0):
            handle = _ask(pynvml.nvmlDeviceGetHandleByIndex, index)
            if handle is None:
                continue
            names.append(_text(_ask(pynvml.nvmlDeviceGetName, handle)) or f"GPU {index}")
            uuids.append(_text(_ask(pynvml.nvmlDeviceGetUUID, handle)))
            major, minor = _ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle) or (0, 0)
            capabilities.append((int(major), int(minor)))
        _ask(pynvml.nvmlShutdown)
    return GpuFacts(
        names=tuple(names),
        capabilities=tuple(capabilities),
        uuids=tuple(uuids),
        driver=driver,
        nvml_error=error,
        visible=os.environ.get("CUDA_VISIBLE_DEVICES") if visible is None else visible,
        driver_loaded=Path("/proc/driver/nvidia/version").exists(),
        on_bus=_on_bus(Path("/sys/bus/pci/devices")),
        nodes=any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists(),
        container=_in_container(),
    )


def _on_bus(devices: Path) -> bool:
    for device in devices.glob("*"):
        try:
            vendor = (device / "vendor").read_text("ascii").strip()
            kind = (device / "class").read_text("ascii").strip()
        except (OSError, ValueError):
            continue
        if vendor == _NVIDIA_VENDOR and kind.startswith(_DISPLAY_CLASSES):
            return True
    return False


def _in_container() -> bool:
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return True
    # podman, LXC and systemd-nspawn set the first, in small letters.
    return any(os.environ.get(name) for name in ("container", "KUBERNETES_SERVICE_HOST"))


def _ask(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception:  # what a driver answers differs by version
        return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if value else ""
