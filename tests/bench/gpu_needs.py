"""What the proof on a GPU needs beside torch, transformers, peft and accelerate, and from where.

A machine without a network gets these as a folder of wheels. Where a call may carry little, they
come in several: what was installed by one call is there for the next.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 60_000_000
"""What one call may carry."""

_CONSTRAINTS = Path(__file__).resolve().parents[2] / "engine" / "setup" / "constraints.txt"


@dataclass(frozen=True, slots=True)
class Need:
    """A package: its name, the module it brings, the size of its wheel, and who needs it.

    ``size`` is that of the wheel of the pinned version for CPython 3.12 or later on Linux x86-64,
    in bytes. ``group`` is ``engine``, ``trl``, ``4 bits`` or ``unsloth``.
    """

    name: str
    module: str
    size: int
    group: str


NEEDS: tuple[Need, ...] = (
    Need("pydantic", "pydantic", 494_000, "engine"),
    Need("pydantic-core", "pydantic_core", 2_253_000, "engine"),
    Need("annotated-types", "annotated_types", 13_000, "engine"),
    Need("typing-inspection", "typing_inspection", 15_000, "engine"),
    Need("typing-extensions", "typing_extensions", 45_000, "engine"),
    Need("tomli-w", "tomli_w", 7_000, "engine"),
    Need("psutil", "psutil", 156_000, "engine"),
    Need("jinja2", "jinja2", 135_000, "engine"),
    Need("markupsafe", "markupsafe", 23_000, "engine"),
    Need("trl", "trl", 925_000, "trl"),
    Need("datasets", "datasets", 529_000, "trl"),
    Need("dill", "dill", 120_000, "trl"),
    Need("multiprocess", "multiprocess", 150_000, "trl"),
    Need("xxhash", "xxhash", 471_000, "trl"),
    Need("pyarrow", "pyarrow", 55_017_000, "trl"),
    Need("pandas", "pandas", 12_357_000, "trl"),
    Need("bitsandbytes", "bitsandbytes", 43_140_000, "4 bits"),
    Need("unsloth", "unsloth", 28_649_000, "unsloth"),
    Need("unsloth-zoo", "unsloth_zoo", 2_912_000, "unsloth"),
    Need("cut-cross-entropy", "cut_cross_entropy", 23_000, "unsloth"),
    Need("tyro", "tyro", 217_000, "unsloth"),
    Need("hf-transfer", "hf_transfer", 3_553_000, "unsloth"),
    Need("torchao", "torchao", 3_373_000, "unsloth"),
    Need("diffusers", "diffusers", 6_356_000, "unsloth"),
    Need("sentencepiece", "sentencepiece", 1_714_000, "unsloth"),
    Need("protobuf", "google.protobuf", 325_000, "unsloth"),
)


def missing(groups: tuple[str, ...] = ()) -> list[Need]:
    """Return what is not here, of all groups or of some. Imports none of it."""
    return [
        need for need in NEEDS if (not groups or need.group in groups) and not _is_here(need.module)
    ]


def use(site: Path) -> None:
    """Take packages from a folder too, before this environment's own."""
    if site.is_dir() and str(site) not in sys.path:
        sys.path.insert(0, str(site))
    importlib.invalidate_caches()


def install(wheels: Path, site: Path) -> list[str]:
    """Install what is missing from a folder of wheels into a folder of packages.

    Args:
        wheels: The folder; nothing is fetched from elsewhere.
        site: Where packages go; kept for further calls.

    Returns:
        The names of what was installed.

    Raises:
        SystemExit: pip failed; its words are printed.
    """
    found = wheels_of(wheels)
    wanted = [need for need in missing() if need.name in found]
    if wanted:
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", "--upgrade", "--target", str(site)),
            *(str(found[need.name]) for need in wanted),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"pip failed:\n{done.stdout}{done.stderr}")
    use(site)
    return [need.name for need in wanted]


def wheels_of(folder: Path) -> dict[str, Path]:
    """Return a folder's wheels by the name of their package, in the form that PEP 503 gives it."""
    return {
        re.sub(r"[-_.]+", "-", path.name.split("-")[0]).lower(): path
        for path in sorted(folder.glob("*.whl"))
    }


def calls(needs: list[Need], wheels: Path | None = None) -> list[list[tuple[Need, int]]]:
    """Divide packages into calls, each of at most 60 MB, in the order in which they are needed."""
    found = wheels_of(wheels) if wheels else {}
    divided: list[list[tuple[Need, int]]] = []
    for need in needs:
        size = found[need.name].stat().st_size if need.name in found else need.size
        for call in divided:
            if sum(other for _, other in call) + size <= MOST_BYTES:
                call.append((need, size))
                break
        else:
            divided.append([(need, size)])
    return divided


def table(wheels: Path | None = None) -> str:
    """Return as Markdown what is needed, what is here, and which call carries what."""
    pins, lines = versions(), ["| package | version | MB | for | here | call |", "|" + " --- |" * 6]
    carried = {
        need.name: number
        for number, call in enumerate(calls(missing(), wheels), 1)
        for need, _ in call
    }
    found = wheels_of(wheels) if wheels else {}
    for need in NEEDS:
        size = found[need.name].stat().st_size if need.name in found else need.size
        call = str(carried.get(need.name, ""))
        here = _version(need.name) or ("yes" if _is_here(need.module) else "no")
        if wheels and here == "no" and need.name not in found:
            call += " (no wheel)"
        lines.append(
            f"| {need.name} | {pins.get(need.name, 'any')} | {size / 1e6:.1f} | {need.group} "
            f"| {here} | {call} |"
        )
    total = sum(size for call in calls(missing(), wheels) for _, size in call)
    lines.append(
        f"\nmissing: {len(carried)} packages, {total / 1e6:.1f} MB, "
        f"in {len(calls(missing(), wheels))} calls of at most {MOST_BYTES / 1e6:.0f} MB"
    )
    return "\n".join(lines)


def requirements() -> str:
    """Return what is missing as a requirements file, to be fetched on a machine with a network."""
    pins = versions()
    return "".join(
        f"{need.name}=={pins[need.name]}\n" if need.name in pins else f"{need.name}\n"
        for need in NEEDS
    )


def versions() -> dict[str, str]:
    """Return the versions that finetui was tested with."""
    lines = _CONSTRAINTS.read_text("utf-8").splitlines()
    pairs = (line.split("#")[0].strip().split("==") for line in lines if "==" in line)
    return {name: version for name, version in pairs if not name.startswith("#")}


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
