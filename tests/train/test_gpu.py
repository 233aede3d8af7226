"""Why a GPU that is there does not train: each cause, from facts as real machines state them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.cli.runs import describe
from engine.doctor import examine, home_findings, not_writable, trainer
from engine.runs import Event
from engine.telemetry import Gpu, GpuFacts, gpu_facts
from engine.train import make_spec
from engine.train.devices import Device, fallback
from engine.train.gpu import CHILD, TorchFacts, ask_torch, explain, torch_build
from engine.workspace import Workspace
from tests.support.privileges import without_privileges
from tui.bridge.run_tail import event_line

GOOD = GpuFacts(
    names=("NVIDIA GeForce RTX 3060",),
    capabilities=((8, 6),),
    uuids=("GPU-7f3c9d1e-3b56-4d55-9e6b-2f6a1b7c8d90",),
    driver="580.65.06",
    driver_loaded=True,
    on_bus=True,
    nodes=True,
)
# What `torch.cuda.get_arch_list()` gives for the wheels of torch 2.13 for CUDA 13.0.
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
TORCH = TorchFacts("2.13.0+cu130", "13.0", True, 1, ARCHITECTURES)
BLIND = replace(TORCH, available=False, devices=0, error="CUDA unknown error")
NONE = GpuFacts(nvml_error="NVML Shared Library Not Found")


@pytest.mark.parametrize(
    ("machine", "torch", "code", "words", "fix"),
    [
        (GOOD, TORCH, "", "", ""),
        (NONE, BLIND, "", "", ""),
        (GOOD, TorchFacts(), "", "", ""),
        (GOOD, TorchFacts("2.13.0+cpu"), "torch-without-cuda", "for the CPU alone", "make gpu"),
        # CUDA 13 needs driver 580, CUDA 12 needs 525 (NVIDIA's table of minor versions).
        (replace(GOOD, driver="575.57"), BLIND, "driver-too-old", "575.57 is too old", "580"),
        (
            replace(GOOD, driver="470.256.02"), replace(BLIND, cuda="12.8"),
            "driver-too-old", "built for CUDA 12.8", "525",
        ),
        (replace(GOOD, driver="535.104.05"), replace(TORCH, cuda="12.8"), "", "", ""),
        (replace(GOOD, driver=""), BLIND, "torch-sees-none", "CUDA unknown error", "cuda.init"),
        (replace(GOOD, visible=""), BLIND, "hidden", "CUDA_VISIBLE_DEVICES=''", "unset"),
        (replace(GOOD, visible="-1"), BLIND, "hidden", "'-1'", "unset"),
        (replace(GOOD, visible="1,0"), BLIND, "hidden", "'1,0'", "unset"),
        (replace(GOOD, visible="GPU-00000000"), BLIND, "hidden", "hides it", "unset"),
        (replace(GOOD, visible="GPU-7f3c"), TORCH, "", "", ""),
        (replace(GOOD, visible="0"), TORCH, "", "", ""),
        # Pascal and a GPU to come: torch says "available", and the first kernel fails.
        (replace(GOOD, capabilities=((6, 1),)), TORCH, "architecture", "capability 6.1", "torch"),
        (replace(GOOD, capabilities=((13, 0),)), TORCH, "architecture", "sm_120", "torch"),
        (replace(GOOD, capabilities=((8, 9),)), TORCH, "", "", ""),  # sm_86 runs on 8.9
        (
            replace(GOOD, capabilities=((13, 0),)),
            replace(TORCH, architectures=(*ARCHITECTURES, "compute_120")), "", "", "",
        ),
        (replace(GOOD, capabilities=((0, 0),)), TORCH, "", "", ""),
        (replace(GOOD, nodes=False), BLIND, "no-device-node", "/dev has no node", "modprobe"),
        (
            replace(GOOD, nodes=False, container=True), BLIND,
            "no-device-node", "in this container", "--gpus all",
        ),
        (
            replace(NONE, on_bus=True, container=True), BLIND,
            "container-without-gpu", "started without it", "--gpus all",
        ),
        (
            replace(NONE, driver_loaded=True, nvml_error="Driver/library version mismatch"), BLIND,
            "nvml-fails", "version mismatch", "restart",
        ),
        (replace(NONE, on_bus=True), BLIND, "driver-missing", "not loaded", "install NVIDIA"),
    ],
)  # fmt: skip
def test_each_cause_is_named_with_its_fix(
    machine: GpuFacts, torch: TorchFacts, code: str, words: str, fix: str
) -> None:
    problem = explain(machine, torch)
    assert (problem.code if problem else "") == code
    if problem is not None:
        assert words in problem.message
        assert fix in problem.fix
        assert problem.seen == bool(machine.names)


def test_a_run_says_why_it_trains_on_the_cpu() -> None:
    spec = make_spec("base", "notes", "small-cpu")
    on_cpu, on_gpu = Device("processor, 2 threads"), Device("RTX 3060", card="7f3c")
    assert fallback(spec, on_gpu, GOOD, TORCH) is None
    found = fallback(spec, on_cpu, replace(GOOD, driver="535.104.05"), BLIND)
    assert found is not None
    assert "training on the CPU" in found.message
    assert "535.104.05 is too old" in found.message
    assert "580" in found.hint
    # A GPU that can't be used is said also where trl was asked for by name.
    named = make_spec("base", "notes", "small-cpu", backend="trl")
    assert fallback(named, on_cpu, replace(GOOD, visible=""), BLIND) is not None
    nothing = fallback(spec, on_cpu, NONE, BLIND)
    assert nothing is not None
    assert "no NVIDIA GPU was found" in nothing.message
    assert fallback(named, on_cpu, NONE, BLIND) is None


def test_the_warning_and_its_fix_are_in_the_log_of_verb_and_screen() -> None:
    data = {"message": "training on the CPU", "code": "cpu-fallback", "hint": "unset X"}
    event = Event(seq=3, t=0.0, type="warning", data=data)
    assert describe(event) == "warning: training on the CPU (fix: unset X)"
    assert event_line(event).endswith("! training on the CPU (fix: unset X)")


def test_torch_is_asked_in_a_child_and_its_build_read_without_it() -> None:
    code = (
        "from engine.train.gpu import torch_build; import sys; b = torch_build();"
        "print(b.version, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    import importlib.metadata

    version, loaded = done.stdout.split()
    assert version.partition("+")[0] == importlib.metadata.version("torch").partition("+")[0]
    assert loaded == "False"
    asked = subprocess.run(
        [sys.executable, "-m", CHILD], capture_output=True, text=True, check=True
    )
    said = json.loads(asked.stdout)["result"]
    assert said["version"] == version
    assert said["cuda"] == torch_build().cuda


def test_a_torch_that_does_not_answer_is_not_waited_for() -> None:
    assert "did not answer" in ask_torch(patience_s=0).error


def test_the_machine_is_looked_at_without_harm() -> None:
    seen = gpu_facts()
    assert bool(seen.nvml_error) or isinstance(seen.names, tuple)
    assert len(seen.names) == len(seen.capabilities) == len(seen.uuids)


def test_the_trainer_is_what_a_run_would_take() -> None:
    gpu = Gpu(0, "RTX 3060")
    problem = explain(replace(GOOD, visible=""), BLIND)
    assert trainer((gpu,), problem)[1].endswith("RTX 3060 can't be used")
    assert "RTX 3060" in trainer((gpu,), None)[1]
    assert "no NVIDIA GPU" in trainer(())[1]


def test_a_home_that_cannot_be_written_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (there,) = home_findings()
    assert there.grade == "ok"
    monkeypatch.setenv("HOME", "/proc/none")
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME")
    (found,) = [one for one in examine(workspace.root) if one.name == "home"]
    assert found.grade == "missing"
    assert "/proc can't be written" in found.value
    assert "needed for settings, the default workspace, base models, logs" in found.value
    assert main(["doctor", "--workspace", str(workspace.root)]) == 1
    assert "fix: export HOME=DIR" in capsys.readouterr().out


def test_a_folder_without_permission_cannot_be_written(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    with without_privileges(closed):
        assert not_writable(closed / "a" / "b") == f"{closed} can't be written: permission denied"
    assert not_writable(closed / "a") == ""


def test_a_torchvision_for_cuda_beside_a_torch_for_the_cpu_is_named(
    tmp_path: Path,
) -> None:
    """As the wheels write them: torchvision 0.28.0 from PyPI, torch 2.13.0 for the CPU."""
    for package, text in (
        ("torch", "__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\n"),
        ("torchvision", "__version__ = '0.28.0+cu130'\ngit_version = '8fb8771'\n"),
    ):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "version.py").write_text(text)
    code = "from engine.train.gpu import vision_problem as p; print(p().message, '|', p().fix)"
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "0.28.0+cu130" in told
    assert "2.13.0+cpu" in told
    assert "pip uninstall torchvision" in told
