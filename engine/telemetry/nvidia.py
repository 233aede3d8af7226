"""NVIDIA GPUs, read through NVML.

A GPU's reading never fails as a whole: a field that it does not support is None, and one that
fell off the bus is said to be lost while the others go on being read. The meaning of calls, units
and error codes is that of NVIDIA's NVML API reference (nvml.h).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Literal

GpuState = Literal["", "lost", "unread"]
"""Empty where a GPU answers; "lost" off the bus; "unread" while NVML itself fails."""

# nvmlReturn_t of nvml.h.
_UNINITIALIZED, _DRIVER_NOT_LOADED = 1, 9
_LOST = (15, 16)  # GPU_IS_LOST, and RESET_REQUIRED, which ends all work on it as well
_VERSION_MISMATCH = 18
_FAILING = (_UNINITIALIZED, _DRIVER_NOT_LOADED, _VERSION_MISMATCH)

_REOPEN_AFTER = 15
"""Readings between two attempts to open an NVML that failed: half a minute of heartbeats."""

_SENSOR_OF_THE_CHIP = 0
_SM_CLOCK = 1

THROTTLE_REASONS: Mapping[int, str] = {
    0x002: "clocks set by a user",
    0x004: "power cap",
    0x008: "hardware slowdown",
    0x010: "synchronised clocks",
    0x020: "thermal slowdown",
    0x040: "thermal slowdown by hardware",
    0x080: "external power brake",
    0x100: "display clocks",
    0x200: "board limit",
    0x400: "reliability limit",
}
"""What lowers a GPU's clocks, by the bits of nvmlClocksEventReasons. Idling, bit 1, is left out."""


@dataclass(frozen=True, slots=True)
class MigInstance:
    """A part of a GPU that MIG splits. Memory is bytes; ``number`` is its index on the GPU."""

    number: int
    name: str = ""
    uuid: str = ""
    vram_used: int | None = None
    vram_total: int | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as it is now. A field is None where the driver doesn't tell.

    ``vram_used`` (reserved memory counted in) and ``vram_total`` are bytes, ``util_percent`` is
    0 to 100, ``power_w`` and ``power_limit_w`` watts, ``clock_mhz`` the streaming multiprocessors'
    clock. ``throttle`` says in words what lowers the clocks; empty where nothing does. ``mig`` says
    whether it is split by MIG, and ``instances`` are then its parts; it has no utilisation of its
    own then. ``uuid`` names the GPU across reboots.
    """

    index: int
    name: str
    vram_used: int | None = None
    vram_total: int | None = None
    util_percent: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    uuid: str = ""
    power_limit_w: float | None = None
    clock_mhz: int | None = None
    throttle: tuple[str, ...] | None = None
    mig: bool = False
    instances: tuple[MigInstance, ...] = ()
    state: GpuState = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """A GPU that was found: what NVML knows it by (None: it was lost from the start), and names."""

    handle: Any
    name: str
    uuid: str


class NvidiaCards:
    """The machine's NVIDIA GPUs, with handles kept between readings.

    The library is loaded at the first reading. Where it or the driver is absent
    every reading is empty, and it is not tried again. One that fails later, as when the driver
    is replaced under it, is opened again from time to time.
    """

    def __init__(self) -> None:
        self._nvml: ModuleType | None = None
        self._known: list[_Known] | None = None
        self._wait = 0

    def read(self) -> tuple[Gpu, ...]:
        """Return every GPU as it is now; empty where there is none."""
        if self._known is None:
            self._known = self._open()
        if self._wait:
            self._wait -= 1
            if not self._wait and not self._reopen():
                self._wait = _REOPEN_AFTER
            if self._wait:
                return tuple(
                    replace(_named(index, known), state="unread")
                    for index, known in enumerate(self._known)
                )
        found = tuple(self._gpu(index, known) for index, known in enumerate(self._known))
        if any(gpu.state == "unread" for gpu in found):
            self._wait = _REOPEN_AFTER
        return found

    def close(self) -> None:
        """Let go of the library."""
        if self._nvml is not None:
            _Asking(self._nvml).ask("nvmlShutdown")
        self._nvml = None
        self._known = []

    def _open(self) -> list[_Known]:
        try:
            import pynvml  # 60 ms, and absent where nvidia-ml-py is not installed

            pynvml.nvmlInit()
        except Exception:
            # No package, no library, no driver, no permission: all mean "no GPUs to show".
            return []
        self._nvml = pynvml
        known = []
        for index in range(_Asking(pynvml).ask("nvmlDeviceGetCount") or 0):
            asking = _Asking(pynvml)
            handle = asking.ask("nvmlDeviceGetHandleByIndex", index)
            if handle is None and not asking.lost:
                continue
            name = uuid = ""
            if handle is not None:
                name = _text(asking.ask("nvmlDeviceGetName", handle))
                uuid = _text(asking.ask("nvmlDeviceGetUUID", handle))
            known.append(_Known(handle, name or f"GPU {index}", uuid))
        return known

    def _reopen(self) -> bool:
        """Open a library that failed again; its GPUs keep their places, by their uuids."""
        before, nvml = self._known or [], self._nvml
        if nvml is not None:
            _Asking(nvml).ask("nvmlShutdown")
        found = {known.uuid: known for known in self._open()}
        if not found:
            self._nvml = nvml
            return False
        self._known = [found.get(known.uuid, replace(known, handle=None)) for known in before]
        return True

    def _gpu(self, index: int, known: _Known) -> Gpu:
        assert self._nvml is not None
        gpu = _named(index, known)
        if known.handle is None:
            return replace(gpu, state="lost")
        asking = _Asking(self._nvml)
        gpu = _figures(asking, known.handle, gpu)
        if asking.lost:
            # What it said before it was gone is not true any more.
            return replace(_named(index, known), state="lost")
        return replace(_named(index, known), state="unread") if asking.failing else gpu


def _named(index: int, known: _Known) -> Gpu:
    return Gpu(index=index, name=known.name, uuid=known.uuid)


def _figures(asking: _Asking, handle: Any, gpu: Gpu) -> Gpu:
    used, total = _memory(asking, handle)
    mig = asking.ask("nvmlDeviceGetMigMode", handle)  # [now, after the next reset]
    split = bool(mig) and mig[0] == 1
    rates = asking.ask("nvmlDeviceGetUtilizationRates", handle)
    temperature = asking.first(
        ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"), handle, _SENSOR_OF_THE_CHIP
    )
    power = asking.ask("nvmlDeviceGetPowerUsage", handle)
    limit = asking.ask("nvmlDeviceGetEnforcedPowerLimit", handle)
    return replace(
        gpu,
        vram_used=used,
        vram_total=total,
        util_percent=None if rates is None else float(rates.gpu),
        temperature_c=None if temperature is None else float(temperature),
        power_w=None if power is None else power / 1000,
        power_limit_w=None if limit is None else limit / 1000,
        clock_mhz=asking.ask("nvmlDeviceGetClockInfo", handle, _SM_CLOCK),
        throttle=_throttle(asking, handle),
        mig=split,
        instances=_instances(asking, handle) if split else (),
    )


def _memory(asking: _Asking, handle: Any) -> tuple[int | None, int | None]:
    memory = asking.ask("nvmlDeviceGetMemoryInfo", handle)
    return (None, None) if memory is None else (int(memory.used), int(memory.total))


def _throttle(asking: _Asking, handle: Any) -> tuple[str, ...] | None:
    # Drivers before 535 know the call by its older name.
    bits = asking.first(
        ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"),
        handle,
    )
    if bits is None:
        return None
    return tuple(words for bit, words in THROTTLE_REASONS.items() if bits & bit)


def _instances(asking: _Asking, handle: Any) -> tuple[MigInstance, ...]:
    found = []
    for number in range(asking.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
        part = asking.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
        if part is None:
            continue  # there may be fewer than the GPU could have
        used, total = _memory(asking, part)
        name = _text(asking.ask("nvmlDeviceGetName", part))
        uuid = _text(asking.ask("nvmlDeviceGetUUID", part))
        found.append(MigInstance(number, name, uuid, used, total))
    return tuple(found)


class _Asking:
    """Asks one GPU, and remembers whether it, or the whole library, is gone."""

    def __init__(self, nvml: ModuleType) -> None:
        self._nvml = nvml
        self.lost = False
        self.failing = False

    def ask(self, name: str, *arguments: Any) -> Any:
        """Return NVML's answer, or None: which fields a GPU has differs by GPU and driver."""
        if self.lost or self.failing:
            return None
        try:
            return getattr(self._nvml, name)(*arguments)
        except Exception as error:  # NVMLError, or a call that this binding does not have
            code = getattr(error, "value", None)
            self.lost = code in _LOST
            self.failing = code in _FAILING
            return None

    def first(self, names: tuple[str, ...], *arguments: Any) -> Any:
        """Return the answer to the first call that has one."""
        for name in names:
            answer = self.ask(name, *arguments)
            if answer is not None:
                return answer
        return None


class GpuNews:
    """Compares readings, and says what a person should know of the GPUs."""

    def __init__(self) -> None:
        self._states: dict[int, GpuState] = {}

    def news(self, gpus: tuple[Gpu, ...]) -> list[tuple[str, str, str]]:
        """Return what is new since the last reading.

        Returns:
            A message, a code and a hint for each GPU that is lost, or that NVML stopped
            answering for, since the last call.
        """
        found = []
        for gpu in gpus:
            before, self._states[gpu.index] = self._states.get(gpu.index, ""), gpu.state
            if gpu.state == before:
                continue
            if gpu.state == "lost":
                found.append((
                    f"GPU {gpu.index} ({gpu.name}) is lost: it does not answer on the bus any more",
                    "gpu-lost",
                    "look for Xid 79 in dmesg; check its power and its seat, then reboot",
                ))  # fmt: skip
            elif gpu.state == "unread":
                found.append((
                    f"GPU {gpu.index} ({gpu.name}) can't be read: NVIDIA's management library "
                    "stopped answering",
                    "gpu-unread",
                    "nvidia-smi says why; after a driver update, reboot",
                ))  # fmt: skip
        return found


def _text(value: str | bytes | None) -> str:
    if isinstance(value, bytes):  # older drivers' bindings answer in bytes
        return value.decode("utf-8", "replace")
    return value or ""
