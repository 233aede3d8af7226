"""Isolation for every test, and what many tests share."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from engine.workspace import Workspace, init_workspace, open_workspace
from tests.support.shared import made_once

if TYPE_CHECKING:
    from tests.support.go_templates import GoTemplates

REPOSITORY = Path(__file__).resolve().parent.parent

# A busy machine is no fault of the code: nothing here fails for being slow. Property tests
# that choose their own number of examples scale it by `tests.support.properties.tries`.
settings.register_profile("few", deadline=None, max_examples=30)
settings.register_profile("many", deadline=None, max_examples=100)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers are as many as cores: the threads of a test's libraries, and of the children
    # that it starts, would spin on the core that another test works on.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Children inherit signals that are ignored, as they are under nohup or in a script's
# background; tests close terminals and interrupt programs.
for _number, _handler in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch of ``make test-all``."""
    parser.addoption(
        "--all",
        action="store_true",
        help="Also run the nightly tests, and try more examples in property tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples property tests try."""
    settings.load_profile("many" if config.getoption("--all") else "few")


_MODELS = {
    *("bases", "e2e", "evaluate", "export", "gateway"),
    *("serve", "similarity", "tokens", "train"),
}
_MODEL_FILES = ("dataset/test_formats_libraries.py", "runs/test_elsewhere_and_home.py")
_MODEL_FIXTURES = {"embedded_cache", "finished_export", "tiny_model_dir", "trainings"}


def loads_models(item: pytest.Item) -> bool:
    """Say whether a test brings torch into its process."""
    path = item.path.relative_to(REPOSITORY / "tests")
    return (
        path.parts[0] in _MODELS
        or path.as_posix() in _MODEL_FILES
        or not _MODEL_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the nightly tests unless all are asked for; put those that load models last.

    With torch and its kin a process is a gigabyte, and to copy it, as readers of files are copied
    (:mod:`engine.apart`), takes 60 milliseconds in place of one.
    """
    if not config.getoption("--all"):
        nightly = [item for item in items if item.get_closest_marker("nightly")]
        if nightly:
            config.hook.pytest_deselected(items=nightly)
            items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    items.sort(key=loads_models)


@pytest.fixture
def quick_gates(isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let exports do without the gates that compute for long; tests/export/gates is about them."""
    monkeypatch.setenv("FINETUI_GATES__OFF", '["fidelity", "stops", "recall"]')


@pytest.fixture(autouse=True)
def isolated_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test, and the children it starts, a home folder of their own."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("FINETUI_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for variable, folder in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_STATE_HOME", ".local/state"),
    ):
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.delenv("NO_COLOR", raising=False)
    # Children run `python -m engine…` from anywhere; a checkout is not installed.
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return home


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    """Give the umask back that a front end called in this process has set."""
    mask = os.umask(0o077)
    os.umask(mask)
    yield
    os.umask(mask)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host not in {"127.0.0.1", "::1", "localhost"}:
                raise PermissionError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Return an open, empty workspace, made for its user alone as the front ends make it."""
    mask = os.umask(0o077)
    try:
        opened = open_workspace(init_workspace(tmp_path / "workspace"))
    finally:
        os.umask(mask)
    with opened:
        yield opened


@pytest.fixture(scope="session")
def demo_data() -> Path:
    """Return the folder of the bundled demo sources."""
    return REPOSITORY / "engine" / "demo" / "data"


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a real two-layer Llama with a tokenizer and a ChatML template, as a model folder."""
    from tests.support.tiny_model import make_tiny_model

    def make(folder: Path) -> None:
        make_tiny_model(folder / "model")

    return made_once(tmp_path_factory, "tiny", make) / "model"


@pytest.fixture(scope="session")
def embedded_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder in which the embedded base was added; it is only read."""
    from tests.support.embedded import add_embedded

    return made_once(tmp_path_factory, "embedded", add_embedded)


@pytest.fixture(scope="session")
def embedded_base_dir(embedded_cache: Path) -> Path:
    """Return the embedded model as a Hugging Face folder; it is only read."""
    from tests.support.embedded import embedded_dir

    return embedded_dir(embedded_cache)


@pytest.fixture(scope="session")
def finished_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace whose one run, on a tiny model, was exported at f16.

    Made once, since merging and converting take some seconds each; tests only read it.
    """
    from tests.support.tiny_export import make_exported_workspace

    return made_once(tmp_path_factory, "exported", make_exported_workspace) / "workspace"


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> GoTemplates:
    """Return the program that fills Go templates; Go's own cache outlives the tests."""
    from tests.support.go_templates import GoTemplates, build

    cache = request.config.cache
    kept = cache.mkdir("go-build") if cache else tmp_path_factory.mktemp("go-build")
    made = made_once(tmp_path_factory, "gotemplate", lambda folder: build(folder, kept))
    return GoTemplates(made / "gotemplate")


@pytest.fixture(scope="session")
def trainings(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    embedded_base_dir: Path,
) -> Path:
    """Return a folder of the same runs by both trainers in 32, 8 and 4 bits; it is only read.

    The embedded base is trained in 4 bits, and with ``--all`` in the others too. See
    :func:`tests.support.trainings.make_trainings`.
    """
    from tests.support.trainings import KINDS, make_trainings

    kinds = KINDS if request.config.getoption("--all") else ("nf4",)

    def make(folder: Path) -> None:
        make_trainings(folder, embedded_base_dir, kinds)

    return made_once(tmp_path_factory, "trainings", make)
