"""NVIDIA cards, read through NVML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card as it is now. A field is None where the driver doesn't tell.

    ``vram_used`` and ``vram_total`` are bytes, ``util_percent`` is 0 to 100,
    ``power_w`` watts. ``uuid`` names the card across reboots.
    """

    index: int
    name: str
    vram_used: int | None = None
    vram_total: int | None = None
    util_percent: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    uuid: str = ""


class NvidiaCards:
    """The machine's NVIDIA cards, with handles kept between readings.

    The library is loaded at the first reading. Where it or the driver is absent
    every reading is empty, and it is not tried again.
    """

    def __init__(self) -> None:
        self._nvml: ModuleType | None = None
        self._handles: list[tuple[Any, str, str]] | None = None

    def read(self) -> tuple[Gpu, ...]:
        """Return every card as it is now; empty where there is none."""
        if self._handles is None:
            self._handles = self._open()
        return tuple(
            self._card(index, handle, name, uuid)
            for index, (handle, name, uuid) in enumerate(self._handles)
        )

    def close(self) -> None:
        """Let go of the library."""
        if self._nvml is not None:
            _told(self._nvml.nvmlShutdown)
        self._nvml = None
        self._handles = []

    def _open(self) -> list[tuple[Any, str, str]]:
        try:
            import pynvml  # 60 ms, and absent where nvidia-ml-py is not installed

            pynvml.nvmlInit()
        except Exception:
            # No package, no library, no driver, no permission: all mean "no cards to show".
            return []
        self._nvml = pynvml
        handles = []
        for index in range(_told(pynvml.nvmlDeviceGetCount) or 0):
            handle = _told(pynvml.nvmlDeviceGetHandleByIndex, index)
            if handle is not None:
                name = _text(_told(pynvml.nvmlDeviceGetName, handle)) or f"GPU {index}"
                handles.append((handle, name, _text(_told(pynvml.nvmlDeviceGetUUID, handle))))
        return handles

    def _card(self, index: int, handle: Any, name: str, uuid: str) -> Gpu:
        nvml = self._nvml
        assert nvml is not None
        memory = _told(nvml.nvmlDeviceGetMemoryInfo, handle)
        # A card that is split by MIG has no utilisation of its own.
        rates = _told(nvml.nvmlDeviceGetUtilizationRates, handle)
        temperature = _told(nvml.nvmlDeviceGetTemperature, handle, 0)  # 0: the chip's own sensor
        milliwatts = _told(nvml.nvmlDeviceGetPowerUsage, handle)
        return Gpu(
            index=index,
            name=name,
            vram_used=None if memory is None else int(memory.used),
            vram_total=None if memory is None else int(memory.total),
            util_percent=None if rates is None else float(rates.gpu),
            temperature_c=None if temperature is None else float(temperature),
            power_w=None if milliwatts is None else milliwatts / 1000,
            uuid=uuid,
        )


def _told(ask: Callable[..., T], *arguments: Any) -> T | None:
    """Return NVML's answer, or None: which fields a card has differs by card and driver."""
    try:
        return ask(*arguments)
    except Exception:
        return None


def _text(value: str | bytes | None) -> str:
    if isinstance(value, bytes):  # older drivers' bindings answer in bytes
        return value.decode("utf-8", "replace")
    return value or ""
