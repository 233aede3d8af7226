"""NVIDIA's library as a recording of ``nvidia-smi -q -x`` says it answered.

It stands where ``pynvml`` has ``libnvidia-ml.so`` loaded, so that the real binding makes the calls,
fills its structures, and raises its own errors. What a field of the recording says becomes the
answer of the call that nvidia-smi asks for it: a number, "N/A" (not supported), "GPU is lost",
"GPU requires reset" or "Unknown Error".
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pynvml

HERE = Path(__file__).parent / "recordings"
"""Recordings written by hand in nvidia-smi's format."""

TELEGRAF = Path("nvidia-smi-xml/plugins/inputs/nvidia_smi/testdata")
"""Where real recordings lie in the folder of shared data beside the checkout, if there is one."""

_WORDS = {
    "N/A": pynvml.NVML_ERROR_NOT_SUPPORTED,
    "GPU is lost": pynvml.NVML_ERROR_GPU_IS_LOST,
    "GPU requires reset": pynvml.NVML_ERROR_RESET_REQUIRED,
    "Unknown Error": pynvml.NVML_ERROR_UNKNOWN,
}

_REASONS = (
    "gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "sync_boost",
    "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown",
    "display_clocks_setting",
)  # fmt: skip
"""Elements of a recording in the order of the bits of nvmlClocksEventReasons in nvml.h."""

_PARTS = 100
"""Handles of a GPU's MIG devices begin at a hundred times its own."""


def real_recordings() -> list[Path]:
    """Return the recordings beside the checkout; empty where there are none."""
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / TELEGRAF
    return sorted(folder.glob("*.xml"))


class Refused(Exception):
    """A call that the library answers with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class RecordedLibrary:
    """Answers calls of the C library from recordings, one after the other.

    Args:
        documents: Texts of ``nvidia-smi -q -x``; the first holds until :meth:`go_on`.

    Attributes:
        fails_with: The error code of every call, while the library as a whole fails.
        older: Whether it is of a driver that knows the throttle reasons by their older name.
    """

    def __init__(self, documents: Sequence[str], *, older: bool = False) -> None:
        self._documents = [ElementTree.fromstring(text) for text in documents]
        self._at = 0
        self.fails_with = 0
        self.older = older
        self.opened = 0

    def go_on(self) -> None:
        """Let the next recording hold."""
        self._at += 1

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvml"):
            raise AttributeError(name)
        new = name in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksEventReasons")
        answer = getattr(type(self), _snake(name), None)
        if answer is None or (new and self.older):
            raise AttributeError(name)

        def call(*arguments: Any) -> int:
            if self.fails_with:
                return self.fails_with
            try:
                answer(self, *arguments)
            except Refused as refused:
                return refused.code
            return int(pynvml.NVML_SUCCESS)

        return call

    # -- the recording ------------------------------------------------------------------

    @property
    def _gpus(self) -> list[ElementTree.Element]:
        return self._documents[self._at].findall("gpu")

    def _of(self, handle: Any) -> ElementTree.Element:
        number = ctypes.cast(handle, ctypes.c_void_p).value or 0
        if number < _PARTS:
            return self._gpus[number - 1]
        return self._gpus[number // _PARTS - 1].findall("mig_devices/mig_device")[number % _PARTS]

    def _said(self, handle: Any, *paths: str) -> str:
        """Return what the recording says in the first of some elements that it has."""
        gpu = self._of(handle)
        text = next((found for path in paths if (found := gpu.findtext(path))), "N/A").strip()
        if text in _WORDS:
            raise Refused(_WORDS[text])
        return text

    def _number(self, handle: Any, *paths: str) -> float:
        return float(self._said(handle, *paths).split()[0])

    # -- the calls ----------------------------------------------------------------------

    def _init_with_flags(self, flags: int) -> None:
        self.opened += 1

    def _shutdown(self) -> None:
        self.opened -= 1

    def _device_get_count_v2(self, count: Any) -> None:
        count._obj.value = len(self._gpus)

    def _device_get_handle_by_index_v2(self, index: Any, device: Any) -> None:
        _put_handle(device, index.value + 1)
        self._said(device._obj, "uuid")  # one that is lost has no handle

    def _device_get_name(self, handle: Any, buffer: Any, size: Any) -> None:
        buffer.value = self._said(handle, "product_name").encode()

    def _device_get_uuid(self, handle: Any, buffer: Any, size: Any) -> None:
        buffer.value = self._said(handle, "uuid").encode()

    def _device_get_memory_info(self, handle: Any, memory: Any) -> None:
        # Version 1 of the structure counts reserved memory as used (nvmlMemory_t in nvml.h).
        total = self._number(handle, "fb_memory_usage/total")
        free = self._number(handle, "fb_memory_usage/free")
        memory._obj.total, memory._obj.free = int(total) << 20, int(free) << 20
        memory._obj.used = int(total - free) << 20

    def _device_get_utilization_rates(self, handle: Any, rates: Any) -> None:
        rates._obj.gpu = int(self._number(handle, "utilization/gpu_util"))

    def _device_get_temperature_v(self, handle: Any, temperature: Any) -> None:
        temperature._obj.temperature = int(self._number(handle, "temperature/gpu_temp"))

    def _device_get_temperature(self, handle: Any, sensor: Any, degrees: Any) -> None:
        degrees._obj.value = int(self._number(handle, "temperature/gpu_temp"))

    def _device_get_power_usage(self, handle: Any, milliwatts: Any) -> None:
        watts = self._number(
            handle,
            "gpu_power_readings/average_power_draw", "gpu_power_readings/power_draw",
            "power_readings/power_draw",
        )  # fmt: skip
        milliwatts._obj.value = round(watts * 1000)

    def _device_get_enforced_power_limit(self, handle: Any, milliwatts: Any) -> None:
        watts = self._number(
            handle,
            "gpu_power_readings/current_power_limit", "power_readings/enforced_power_limit",
        )  # fmt: skip
        milliwatts._obj.value = round(watts * 1000)

    def _device_get_clock_info(self, handle: Any, kind: Any, clock: Any) -> None:
        clock._obj.value = int(self._number(handle, "clocks/sm_clock"))

    def _device_get_current_clocks_event_reasons(self, handle: Any, reasons: Any) -> None:
        gpu = self._of(handle)
        found = gpu.find("clocks_event_reasons") or gpu.find("clocks_throttle_reasons")
        if found is None:
            raise Refused(pynvml.NVML_ERROR_NOT_SUPPORTED)
        for element in found:
            if (element.text or "").strip() in _WORDS:
                raise Refused(_WORDS[(element.text or "").strip()])
            name = element.tag.partition("_reason_")[2]
            if element.text == "Active":
                reasons._obj.value |= 1 << _REASONS.index(name)

    _device_get_current_clocks_throttle_reasons = _device_get_current_clocks_event_reasons

    def _device_get_mig_mode(self, handle: Any, current: Any, pending: Any) -> None:
        current._obj.value = self._said(handle, "mig_mode/current_mig") == "Enabled"
        pending._obj.value = self._said(handle, "mig_mode/pending_mig") == "Enabled"

    def _device_get_max_mig_device_count(self, handle: Any, count: Any) -> None:
        count._obj.value = 7  # of each GPU that has MIG so far

    def _device_get_mig_device_handle_by_index(self, handle: Any, index: Any, part: Any) -> None:
        if index.value >= len(self._of(handle).findall("mig_devices/mig_device")):
            raise Refused(pynvml.NVML_ERROR_NOT_FOUND)
        number = ctypes.cast(handle, ctypes.c_void_p).value or 0
        _put_handle(part, number * _PARTS + index.value)


def _snake(name: str) -> str:
    """Return the name of the method that answers a call: nvmlDeviceGetUUID, _device_get_uuid."""
    plain = name.removeprefix("nvml").replace("UUID", "Uuid")
    return "_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()


def _put_handle(device: Any, number: int) -> None:
    ctypes.cast(device, ctypes.POINTER(ctypes.c_void_p))[0] = number


@contextmanager
def recorded(
    *documents: str, older: bool = False, patch: Callable[..., None]
) -> Iterator[RecordedLibrary]:
    """Let pynvml call recordings in place of NVIDIA's library.

    Args:
        documents: Texts of ``nvidia-smi -q -x``.
        older: See :class:`RecordedLibrary`.
        patch: ``monkeypatch.setattr``.
    """
    library = RecordedLibrary(documents, older=older)
    patch(pynvml, "nvmlLib", library)
    patch(pynvml, "_nvmlLib_refcount", 0)
    patch(pynvml, "_nvmlGetFunctionPointer_cache", {})
    yield library
