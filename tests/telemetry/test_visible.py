"""Which GPU CUDA_VISIBLE_DEVICES means, by the rules of NVIDIA's programming guide."""

from __future__ import annotations

import pytest

from engine.runs.locks import gpu_lock, holder
from engine.telemetry import Gpu, MigInstance, visible_gpus

PARTS = (
    MigInstance(0, "1g.10gb", "MIG-11111111-aaaa", 1, 10),
    MigInstance(1, "2g.20gb", "MIG-22222222-bbbb", 2, 20),
)
MACHINE = (
    Gpu(0, "A", uuid="GPU-0a0a0a0a-0000"),
    Gpu(1, "B", uuid="GPU-0b0b0b0b-1111"),
    Gpu(2, "C", uuid="GPU-0c0c0c0c-2222", mig=True, instances=PARTS),
)


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        (None, ["GPU-0a0a0a0a-0000", "GPU-0b0b0b0b-1111", "MIG-11111111-aaaa"]),
        ("", []),
        ("1", ["GPU-0b0b0b0b-1111"]),
        ("1,0", ["GPU-0b0b0b0b-1111", "GPU-0a0a0a0a-0000"]),
        (" 1 , 0 ", ["GPU-0b0b0b0b-1111", "GPU-0a0a0a0a-0000"]),
        ("0,9,1", ["GPU-0a0a0a0a-0000"]),  # nothing after one that is not there
        ("-1", []),
        ("9", []),
        ("NoDevFiles", []),
        ("GPU-0b0b0b0b-1111", ["GPU-0b0b0b0b-1111"]),
        ("GPU-0b", ["GPU-0b0b0b0b-1111"]),  # the beginning suffices where it is of one alone
        ("GPU-0", []),
        ("2", ["MIG-11111111-aaaa"]),  # of a split GPU, CUDA takes the first part
        ("MIG-22222222-bbbb", ["MIG-22222222-bbbb"]),
        ("MIG-GPU-0c0c0c0c-2222/7/0", ["MIG-GPU-0c0c0c0c-2222/7/0"]),
    ],
)
def test_the_gpus_that_cuda_shows(visible: str | None, uuids: list[str]) -> None:
    assert [gpu.uuid for gpu in visible_gpus(MACHINE, visible)] == uuids


def test_a_part_has_its_own_memory() -> None:
    (part,) = visible_gpus(MACHINE, "MIG-22222222-bbbb")
    assert (part.name, part.vram_used, part.vram_total) == ("C 2g.20gb", 2, 20)


@pytest.mark.parametrize(
    ("nvml", "torch"),
    [
        ("GPU-0b0b0b0b-1111", "0b0b0b0b-1111"),
        ("MIG-22222222-bbbb", "22222222-bbbb"),
        ("MIG-GPU-0c0c0c0c-2222/7/0", "MIG-GPU-0c0c0c0c-2222/7/0"),
    ],
)
def test_a_gpu_is_locked_by_either_form_of_its_name(nvml: str, torch: str) -> None:
    """torch gives a uuid without the prefix that NVML writes before it."""
    with gpu_lock(torch, "run 1 on host, process 7", wait=lambda _: None):
        assert holder(nvml) == holder(torch) == "run 1 on host, process 7"
    assert holder(nvml) == ""
