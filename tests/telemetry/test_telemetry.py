from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from engine.telemetry import NvidiaCards, Sampler, process_snapshot, snapshot


def test_a_snapshot_has_the_machine(tmp_path: Path) -> None:
    now = snapshot(tmp_path / "not" / "there")
    assert now.ram_total is not None
    assert now.ram_used is not None
    assert 0 < now.ram_used < now.ram_total
    assert now.disk_free is not None
    assert now.cpu_percent is not None
    assert isinstance(now.gpus, tuple)


def test_a_sampler_may_be_closed_and_says_nothing_of_cards_then(tmp_path: Path) -> None:
    sampler = Sampler(tmp_path)
    sampler.close()
    assert sampler.sample().gpus == ()


def test_a_process_and_one_that_is_gone() -> None:
    own = process_snapshot(os.getpid())
    assert own is not None
    assert own.rss > 1 << 20
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert process_snapshot(gone.pid) is None
    assert process_snapshot(-1) is None


class NVMLError(Exception):
    pass


def _driver(**answers: Any) -> ModuleType:
    """Return a stand-in for NVIDIA's library that answers as a driver would."""

    def refuses(*_: Any) -> Any:
        raise NVMLError("Not Supported")

    module = ModuleType("pynvml")
    for name in (
        "nvmlInit",
        "nvmlShutdown",
        "nvmlDeviceGetCount",
        "nvmlDeviceGetHandleByIndex",
        "nvmlDeviceGetName",
        "nvmlDeviceGetUUID",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetUtilizationRates",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetPowerUsage",
    ):
        answer = answers.get(name)
        setattr(module, name, refuses if answer is None else answer)
    return module


_CARD = {
    "nvmlInit": lambda: None,
    "nvmlShutdown": lambda: None,
    "nvmlDeviceGetCount": lambda: 1,
    "nvmlDeviceGetHandleByIndex": lambda index: f"handle {index}",
    "nvmlDeviceGetName": lambda handle: b"RTX 5070",
    "nvmlDeviceGetUUID": lambda handle: "GPU-1",
    "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=9, total=12),
    "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=97),
    "nvmlDeviceGetTemperature": lambda handle, sensor: 68,
    "nvmlDeviceGetPowerUsage": lambda handle: 212_500,
}


def test_a_card_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", _driver(**_CARD))
    (card,) = NvidiaCards().read()
    assert (card.index, card.name, card.uuid) == (0, "RTX 5070", "GPU-1")
    assert (card.vram_used, card.vram_total, card.util_percent) == (9, 12, 97.0)
    assert (card.temperature_c, card.power_w) == (68.0, 212.5)


@pytest.mark.parametrize("missing", [name for name in _CARD if name.startswith("nvmlDevice")])
def test_a_field_that_the_driver_refuses_is_none(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    answers = {name: answer for name, answer in _CARD.items() if name != missing}
    monkeypatch.setitem(sys.modules, "pynvml", _driver(**answers))
    cards = NvidiaCards()
    read = cards.read()
    if missing in ("nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"):
        assert read == ()
    else:
        assert len(read) == 1
        assert read[0].name == ("GPU 0" if missing == "nvmlDeviceGetName" else "RTX 5070")
    cards.close()


@pytest.mark.parametrize("module", [None, _driver()])
def test_without_library_or_driver_there_are_no_cards(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", module)
    cards = NvidiaCards()
    assert cards.read() == ()
    assert cards.read() == ()
    cards.close()
