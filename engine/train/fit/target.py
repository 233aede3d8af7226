"""What a run would compute on: a GPU that is here, one known by name or size, or the processor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.memory import memory
from engine.telemetry import Gpu

MIB = 1024**2
_UNITS = {
    "": 10**9, "g": 10**9, "gb": 10**9, "gib": 1024**3, "gi": 1024**3,
    "m": 10**6, "mb": 10**6, "mib": MIB, "mi": MIB, "tb": 10**12,
}  # fmt: skip
# Memory as nvidia-smi reports it, in MiB: less than the name on the box says, since the driver
# and error correction keep a part. A GPU whose report is not known has its nominal GiB.
_GPUS: dict[str, int] = {
    "rtx 5090": 32607, "rtx 5080": 16303, "rtx 5070 ti": 16303, "rtx 5070": 12227,
    "rtx 5060 ti": 16311, "rtx 5060": 8151, "rtx 5050": 8151,
    "rtx 4090": 24564, "rtx 4080 super": 16376, "rtx 4080": 16376,
    "rtx 4070 ti super": 16376, "rtx 4070 ti": 12282, "rtx 4070 super": 12282, "rtx 4070": 12282,
    "rtx 4060 ti": 8188, "rtx 4060": 8188,
    "rtx 3090 ti": 24564, "rtx 3090": 24576, "rtx 3080 ti": 12288, "rtx 3080": 10240,
    "rtx 3070 ti": 8192, "rtx 3070": 8192, "rtx 3060 ti": 8192, "rtx 3060": 12288,
    "rtx 3050": 8192,
    "rtx 2080 ti": 11264, "rtx 2080 super": 8192, "rtx 2080": 8192,
    "rtx 2070 super": 8192, "rtx 2070": 8192, "rtx 2060 super": 8192, "rtx 2060": 6144,
    "gtx 1080 ti": 11264, "gtx 1080": 8192, "gtx 1660 ti": 6144, "gtx 1660 super": 6144,
    "gtx 1660": 6144,
    # Of two sizes the smaller.
    "rtx 5090 laptop": 24576, "rtx 5080 laptop": 16384, "rtx 5070 ti laptop": 12288,
    "rtx 5070 laptop": 8192, "rtx 5060 laptop": 8192, "rtx 5050 laptop": 8192,
    "rtx 4090 laptop": 16384, "rtx 4080 laptop": 12288, "rtx 4070 laptop": 8192,
    "rtx 4060 laptop": 8192, "rtx 4050 laptop": 6144,
    "rtx 3080 ti laptop": 16384, "rtx 3080 laptop": 8192, "rtx 3070 ti laptop": 8192,
    "rtx 3070 laptop": 8192, "rtx 3060 laptop": 6144, "rtx 3050 ti laptop": 4096,
    "rtx 3050 laptop": 4096,
    "rtx a6000": 49140, "rtx a5000": 24564, "rtx a4000": 16376, "rtx 6000 ada": 49140,
    "t4": 15360, "v100": 16384, "p100": 16384, "l4": 23034, "l40s": 46068, "l40": 46068,
    "a10": 23028, "a40": 46068, "a100": 40960, "a100 80gb": 81920,
    "h100": 81559, "h100 nvl": 95830, "h200": 143771, "b200": 183359,
}  # fmt: skip
_IDLE_WORDS = {"gpu", "desktop", "generation", "pcie", "sxm", "sxm2", "sxm4", "sxm5", "edition",
               "founders"}  # fmt: skip
"""Words beside a GPU's name that say nothing of its memory."""
_WITHOUT_BF16 = ("gtx", "rtx 20", "t4", "v100", "p100")
"""Before Ampere (compute capability 8.0) there is no bf16."""

_NAMES_FROM = 1000
CPU_WORDS = ("cpu", "processor", "ram")


@dataclass(frozen=True, slots=True)
class Target:
    """What a run would compute on.

    Attributes:
        name: What it is called.
        cuda: Whether it is a GPU.
        total: Its memory in bytes: a GPU's, or the machine's.
        free: What of that is free now; None where it is not here.
        sixteen: Which 16-bit format it computes in; a processor computes in 32 bits.
    """

    name: str
    cuda: bool
    total: int
    free: int | None = None
    sixteen: Literal["bf16", "fp16"] = "bf16"

    @property
    def limit(self) -> int:
        """What a run may take: all of a GPU, or what of the machine's memory is free."""
        return self.total if self.cuda or self.free is None else self.free


def parse_target(text: str) -> Target:
    """Return what a person means: ``12GB``, ``12 GiB``, ``RTX 5070``, ``cpu``.

    GB are 10^9 bytes and GiB 2^30. A name has the memory that its driver reports.

    Raises:
        UsageError: It is neither.
    """
    words = " ".join(text.lower().replace("-", " ").replace("_", " ").split())
    if words in CPU_WORDS:
        return processor()
    size = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]*)", words)
    # A number without a unit is gigabytes, but for 3060 and its like, which are names.
    told = size and (size[2] or float(size[1]) < _NAMES_FROM) and not text.strip().startswith("-")
    if size and told and size[2] in _UNITS and float(size[1]) > 0:
        total = round(float(size[1]) * _UNITS[size[2]])
        return Target(f"GPU with {text.strip()}", cuda=True, total=total)
    found = _named(words)
    if found is None:
        raise UsageError(
            f"{text} is not a known GPU", hint="give its size, such as 12GB, or cpu for none"
        )
    name, mib = found
    return Target(_title(name, mib), cuda=True, total=mib * MIB, sixteen=_sixteen(name))


def _named(words: str) -> tuple[str, int] | None:
    """Return the known GPU that the words name, with its memory; a size in the words wins.

    None where a word is left that could mean another GPU, or several.
    """
    name, rest = _longest(words)
    if not name:
        return None
    stated = re.search(r" (\d+) ?(?:gb|gib) ", rest)
    left = set((rest.replace(stated[0], " ") if stated else rest).split())
    if left - _IDLE_WORDS:
        return None
    return name, int(stated[1]) * 1024 if stated else _GPUS[name]


def _longest(words: str) -> tuple[str, str]:
    """Return the longest known name in the words, and what is left; empty where there is none."""
    bare = re.sub(r"\b(nvidia|geforce|tesla)\b", " ", words)
    bare = re.sub(r"\b(rtx|gtx)(\d)", r"\1 \2", bare)
    bare = re.sub(r"(\d)(ti|super)\b", r"\1 \2", bare)
    bare = re.sub(r"\b(mobile|notebook|max q)\b", "laptop", bare)
    padded = f" {' '.join(bare.split())} "
    known = sorted(_GPUS, key=len, reverse=True)
    for name in known:
        for spelt in (name, _short(name)):
            if f" {spelt} " in padded:
                return name, padded.replace(f" {spelt} ", " ", 1)
    return "", padded


def _title(name: str, mib: int) -> str:
    """Return a GPU's name as its maker writes it, with its memory where it has another as well."""
    words = [
        word.title() if word in ("ti", "super", "laptop", "ada") else word.upper()
        for word in name.split()
    ]
    size = [] if mib == _GPUS[name] else [f"{mib // 1024} GB"]
    return " ".join([*words, *(["GPU"] if words[-1] == "Laptop" else []), *size])


def _short(name: str) -> str:
    """Return a name without its family, as people write it: 3060 for RTX 3060."""
    return name.removeprefix("rtx ").removeprefix("gtx ")


def _sixteen(name: str) -> Literal["bf16", "fp16"]:
    return "fp16" if name.startswith(_WITHOUT_BF16) else "bf16"


def of_gpu(gpu: Gpu) -> Target:
    """Return a GPU that is here, as NVML reports it.

    One whose memory NVML can't tell shares the machine's (Grace, Jetson).
    """
    total = gpu.vram_total or memory().total
    free = None if gpu.vram_used is None else max(0, total - gpu.vram_used)
    known, _ = _longest(gpu.name.lower().replace("-", " "))
    return Target(gpu.name, cuda=True, total=total, free=free, sixteen=_sixteen(known))


def processor() -> Target:
    """Return this machine's processor and memory."""
    here = memory()
    return Target("processor", cuda=False, total=here.total, free=here.available)
