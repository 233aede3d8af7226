"""Installing for real: pip, a virtual environment, and wheels made here."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import time
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pip
import pytest

Part = tuple[str, list[str], list[str]]
NOTHING: Mapping[str, str] = MappingProxyType({})

REPOSITORY = Path(__file__).resolve().parents[2]

# What the environment runs: the installer, on parts and pins of the test's own.
RUN = """
import json, sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from engine.setup import job, launch, parts, pins, state
told = json.loads(sys.argv[1])
pins.CONSTRAINTS = Path(told["constraints"])
made = tuple(parts.Part(name, name, name, tuple(packages), tuple(alone))
             for name, packages, alone in told["parts"])
from engine.setup import Place, install_here
print(json.dumps(install_here(parts=made, keep=told["keep"], echo=lambda line: None)))
"""


def make_wheel(folder: Path, name: str, version: str, needs: str = "", slow: bool = False) -> str:
    """Write a wheel and return its SHA-256."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if slow:
        files |= {f"{name}_data/{number}.txt": "x" * 5_000 for number in range(6_000)}
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
        digests = {
            file: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
            for file, text in files.items()
        }
        record = "".join(f"{file},sha256={digests[file].decode()},\n" for file in files)
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Environment:
    """A virtual environment with pip, and a folder of wheels that is all that pip knows."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "venv"
        self.python = self.root / "bin" / "python"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.constraints = folder / "constraints.txt"
        self.settings = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CACHE_DIR": str(folder / "cache"),
        }

    def start(
        self, *parts: Part, keep: bool = False, more: Mapping[str, str] = NOTHING
    ) -> subprocess.Popen[str]:
        told = {"constraints": str(self.constraints), "parts": parts, "keep": keep}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        return subprocess.Popen(
            [self.python, "-c", RUN.format(repository=str(REPOSITORY)), json.dumps(told)],
            stdout=subprocess.PIPE,
            text=True,
            env={**clean, "PYTHONPATH": "", **self.settings, **more},
        )

    def install(
        self, *parts: Part, keep: bool = False, more: Mapping[str, str] = NOTHING
    ) -> dict[str, str]:
        """Install parts, and return why of those that failed."""
        child = self.start(*parts, keep=keep, more=more)
        said, _ = child.communicate(timeout=300)
        assert child.returncode == 0
        failures: dict[str, str] = json.loads(said.splitlines()[-1])
        return failures

    def versions(self) -> dict[str, str]:
        listed = subprocess.run(
            [self.python, "-m", "pip", "list", "--format=json"],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONPATH": ""},
        )
        return {one["name"]: one["version"] for one in json.loads(listed.stdout)}


@pytest.fixture
def made(tmp_path: Path) -> Environment:
    made = Environment(tmp_path)
    venv.create(made.root, symlinks=True)
    # pip of the environment that the tests run in, since installing one takes seconds.
    (site,) = made.root.glob("lib/*/site-packages")
    (site / "pip").symlink_to(Path(pip.__file__).parent)
    return made


def test_the_second_part_changes_nothing_of_the_first(made: Environment) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(made.wheels, "shared", version)
    make_wheel(made.wheels, "light", "1.0", needs="shared")
    make_wheel(made.wheels, "heavy", "1.0", needs="shared>=1.0")
    alone = make_wheel(made.wheels, "model", "0.1", needs="nowhere_to_be_found")
    made.constraints.write_text(
        f"heavy==1.0\nlight==1.0\nmodel==0.1  # sha256:{alone}\nshared==1.0\n"
    )
    first: Part = ("first", ["light"], [])
    assert made.install(first) == {}
    before = made.versions()
    assert before["shared"] == "1.0"
    assert made.install(first, ("second", ["heavy"], ["model"])) == {}
    after = made.versions()
    assert {name: after[name] for name in before} == before
    assert after["heavy"] == "1.0"
    assert after["model"] == "0.1"


def test_what_a_person_installed_is_kept_where_that_is_wanted(made: Environment) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(made.wheels, "shared", version)
    make_wheel(made.wheels, "heavy", "1.0", needs="shared>=1.0")
    made.constraints.write_text("shared==1.0\nheavy==1.0\n")
    by_hand = [str(made.python), "-m", "pip", "install", "-q", "shared==2.0"]
    subprocess.run(by_hand, check=True, env={**os.environ, **made.settings, "PYTHONPATH": ""})
    assert made.install(("part", ["shared", "heavy"], []), keep=True) == {}
    assert made.versions()["shared"] == "2.0"
    # In an environment of finetui's own, the pins rule.
    assert made.install(("part", ["shared", "heavy"], [])) == {}
    assert made.versions()["shared"] == "1.0"


def test_a_file_with_another_hash_is_refused(made: Environment) -> None:
    make_wheel(made.wheels, "model", "0.1")
    made.constraints.write_text(f"model==0.1  # sha256:{'0' * 64}\n")
    failures = made.install(("part", [], ["model"]))
    assert "model" not in made.versions()
    assert "model" in failures["part"] or "hash" in failures["part"].lower()
    right = hashlib.sha256((made.wheels / "model-0.1-py3-none-any.whl").read_bytes()).hexdigest()
    made.constraints.write_text(f"model==0.1  # sha256:{right}\n")
    assert made.install(("part", [], ["model"])) == {}
    assert made.versions()["model"] == "0.1"


def test_a_part_that_fails_does_not_stop_the_others(made: Environment) -> None:
    make_wheel(made.wheels, "light", "1.0")
    made.constraints.write_text("light==1.0\nlost==1.0\n")
    failures = made.install(("lost", ["lost"], []), ("light", ["light"], []))
    assert list(failures) == ["lost"]
    assert "lost" in failures["lost"]
    assert made.versions()["light"] == "1.0"


def test_without_a_network_it_says_so(made: Environment) -> None:
    made.constraints.write_text("light==1.0\n")
    nobody = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    nobody |= {"PIP_RETRIES": "1", "PIP_FIND_LINKS": ""}
    failures = made.install(("light", ["light"], []), ("other", ["other"], []), more=nobody)
    why = "pip can't reach its package index"
    assert failures == {"light": why, "other": why}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_interrupted_installation_goes_on(made: Environment, number: signal.Signals) -> None:
    make_wheel(made.wheels, "large", "1.0", slow=True)
    made.constraints.write_text("large==1.0\n")
    part: Part = ("part", ["large"], [])
    child = made.start(part)
    deadline = time.monotonic() + 120
    while not list(made.root.glob("lib/*/site-packages/large_data/*")):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(number)
    child.communicate(timeout=120)
    # pip may outlive it for a moment: the lock is held until that has ended as well.
    assert made.install(part) == {}
    (site,) = made.root.glob("lib/*/site-packages")
    assert len(list((site / "large_data").iterdir())) == 6_000
    done = subprocess.run([made.python, "-c", "import large; print(large.version)"], text=True,
                          capture_output=True, check=True)  # fmt: skip
    assert done.stdout == "1.0\n"
