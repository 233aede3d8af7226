"""GPUs as recordings of nvidia-smi say they answered, through the real NVML binding."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pynvml
import pytest

from engine.runs import state
from engine.runs.child import Job
from engine.telemetry import Gpu, GpuNews, NvidiaCards
from tests.support.waiting import wait_until
from tests.telemetry.recorded import HERE, real_recordings, recorded

PLAIN = {
    "sw_power_cap": "power cap",
    "hw_slowdown": "hardware slowdown",
    "sw_thermal_slowdown": "thermal slowdown",
    "hw_thermal_slowdown": "thermal slowdown by hardware",
    "hw_power_brake_slowdown": "external power brake",
    "applications_clocks_setting": "clocks set by a user",
    "sync_boost": "synchronised clocks",
    "display_clocks_setting": "display clocks",
}


def text_of(name: str) -> str:
    return (HERE / f"{name}.xml").read_text("utf-8")


def number(text: str, element: str, *, within: str = "") -> float | None:
    """Read a number as a person would who searches the text for the element's name."""
    part = re.search(rf"<{within}>.*?</{within}>", text, re.DOTALL) if within else None
    if within and part is None:
        return None
    found = re.search(rf"<{element}>([\d.]+)", part.group() if part else text)
    return float(found.group(1)) if found else None


def expected(text: str) -> dict[str, object]:
    """Return what a recording of one GPU says, read without an XML parser."""
    # What stands in the parts of a split GPU is not the GPU's own.
    own = re.sub(r"<mig_devices>.*?</mig_devices>", "", text, flags=re.DOTALL)
    total = number(own, "total", within="fb_memory_usage")
    free = number(own, "free", within="fb_memory_usage")
    power = re.search(r"<(?:average_)?power_draw>([\d.]+) W", own)
    limit = re.search(r"<(?:enforced|current)_power_limit>([\d.]+) W", own)
    lines = re.findall(r"<clocks_(?:event|throttle)_reason_(\w+)>(\w[\w ]*)<", own)
    clock = number(own, "sm_clock", within="clocks")
    return {
        "vram_total": None if total is None else int(total) * 1024**2,
        "vram_used": None if total is None or free is None else int(total - free) * 1024**2,
        "util_percent": number(own, "gpu_util"),
        "temperature_c": number(own, "gpu_temp"),
        "power_w": float(power.group(1)) if power else None,
        "power_limit_w": float(limit.group(1)) if limit else None,
        "clock_mhz": None if clock is None else int(clock),
        "throttle": {PLAIN[name] for name, word in lines if word == "Active" and name in PLAIN}
        if any(word.endswith("ctive") for _, word in lines)
        else None,
        "mig": "<current_mig>Enabled" in own,
    }


def figures(gpu: Gpu) -> dict[str, object]:
    found = asdict(gpu)
    found["throttle"] = None if gpu.throttle is None else set(gpu.throttle)
    return {name: found[name] for name in expected("")}


def gpus_of(text: str) -> list[str]:
    return re.findall(r"<gpu id=.*?</gpu>", text, re.DOTALL)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(
    "path", [*sorted(HERE.glob("three-gpus*.xml")), *real_recordings()], ids=lambda path: path.stem
)
def test_a_recording_is_read_as_it_stands(
    monkeypatch: pytest.MonkeyPatch, path: Path, older: bool
) -> None:
    text = path.read_text("utf-8")
    with recorded(text, older=older, patch=monkeypatch.setattr):
        cards = NvidiaCards()
        found = cards.read()
        cards.close()
    assert [figures(gpu) for gpu in found] == [expected(part) for part in gpus_of(text)]
    for gpu, part in zip(found, gpus_of(text), strict=True):
        assert gpu.name in part
        assert f"<uuid>{gpu.uuid}</uuid>" in part
        assert gpu.state == ("lost" if "GPU is lost" in part else "")
        parts = "".join(re.findall(r"<mig_device>.*?</fb_", part, re.DOTALL))
        totals = re.findall(r"<total>(\d+) MiB", parts)
        assert [one.vram_total for one in gpu.instances] == [int(mib) << 20 for mib in totals]


def test_a_gpu_that_falls_off_the_bus_is_lost_and_the_others_are_read_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, lost = text_of("three-gpus-hot"), text_of("three-gpus-lost")
    news = GpuNews()
    with recorded(before, lost, before, patch=monkeypatch.setattr) as library:
        cards = NvidiaCards()
        first = cards.read()
        assert first[0].throttle == ("power cap", "thermal slowdown")
        assert news.news(first) == []
        library.go_on()
        second = cards.read()
        # Its name is known from before; its figures are none.
        assert (second[0].name, second[0].state) == ("NVIDIA GeForce RTX 5070", "lost")
        assert (second[0].vram_used, second[0].power_w, second[0].throttle) == (None, None, None)
        assert second[1:] == first[1:]
        ((message, code, hint),) = news.news(second)
        assert message.startswith("GPU 0 (NVIDIA GeForce RTX 5070) is lost")
        assert code == "gpu-lost"
        assert "Xid 79" in hint
        assert news.news(cards.read()) == []  # it is said once


def test_a_gpu_that_is_lost_from_the_start_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = text_of("three-gpus-lost").replace(
        "<uuid>GPU-4f1c2a70-5c1e-4b7b-9d52-0a1d6f3b5070</uuid>", "<uuid>GPU is lost</uuid>"
    )
    with recorded(lost, patch=monkeypatch.setattr):
        found = NvidiaCards().read()
    assert [(gpu.index, gpu.state) for gpu in found] == [(0, "lost"), (1, ""), (2, "")]
    assert found[0].name == "GPU 0"


@pytest.mark.parametrize(
    "code", [pynvml.NVML_ERROR_UNINITIALIZED, pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH]
)
def test_a_library_that_fails_is_opened_again_and_the_gpus_keep_their_places(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    news = GpuNews()
    with recorded(text_of("three-gpus"), patch=monkeypatch.setattr) as library:
        cards = NvidiaCards()
        before = cards.read()
        library.fails_with = code
        found = [cards.read() for _ in range(40)]
        assert {gpu.state for reading in found for gpu in reading} == {"unread"}
        assert [gpu.name for gpu in found[-1]] == [gpu.name for gpu in before]
        said = [one for reading in found for one in news.news(reading)]
        assert [name for _, name, _ in said] == ["gpu-unread"] * 3
        library.fails_with = 0
        later = [cards.read() for _ in range(20)]
        assert later[-1] == before
        assert news.news(later[-1]) == []
        cards.close()


def test_a_run_warns_of_a_lost_gpu_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.runs.child.HEARTBEAT_S", 0.01)
    recordings = (text_of("three-gpus"), text_of("three-gpus-lost"))
    with (
        recorded(*recordings, patch=monkeypatch.setattr) as library,
        Job(tmp_path, disk_reserve=False) as job,
    ):
        wait_until(lambda: state(tmp_path).last_gpu.get("gpus"), what="the GPUs' figures")
        library.go_on()
        wait_until(lambda: state(tmp_path).warnings, what="the warning")
        job.finish({})
    view = state(tmp_path)
    assert view.status == "finished"
    assert [word for word in view.warnings if "is lost" in word] == list(view.warnings)
    gpus = view.last_gpu["gpus"]
    assert isinstance(gpus, list)
    assert gpus[0]["state"] == "lost"
    assert gpus[1]["instances"][0]["vram_total"] == 19968 << 20
