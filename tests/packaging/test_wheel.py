"""The wheel holds everything, and works where the checkout is not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel once."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            *(sys.executable, "-m", "build", "--wheel", "--no-isolation"),
            *("--outdir", str(out), str(REPOSITORY)),
        ],
        check=True,
        capture_output=True,
    )
    (found,) = out.glob("finetui-*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--disable-pip-version-check", "--target", str(target), str(wheel)),
        ],
        check=True,
        capture_output=True,
    )
    return target


def installed(site: Path, arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the installed package first on its path, away from the checkout."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


FOLDERS = (
    ("styles", "*.tcss"),
    ("engine/demo/data", "**/*"),
    ("engine/extract/languages", "*.toml"),
)


def test_wheel_holds_styles_demo_data_and_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in FOLDERS:
        for path in (REPOSITORY / folder).glob(pattern):
            if path.is_file():
                assert str(path.relative_to(REPOSITORY)) in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "docs/", "tools/")) for name in names)


def test_installed_command_runs_away_from_the_checkout(site: Path, tmp_path: Path) -> None:
    version = installed(site, ["-m", "tui", "--version"], tmp_path)
    assert version.returncode == 0, version.stderr
    made = installed(site, ["-m", "tui", "init", str(tmp_path / "mine")], tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "mine" / "finetui.toml").is_file()


def test_installed_app_mounts_with_its_stylesheets(site: Path, tmp_path: Path) -> None:
    script = tmp_path / "mount.py"
    script.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "import tui.app, styles\n"
        "from engine.workspace import init_workspace, open_workspace\n"
        "site = Path(sys.argv[1]).resolve()\n"
        "assert site in Path(tui.app.__file__).resolve().parents\n"
        "assert site in Path(styles.__file__).resolve().parents\n"
        "async def main():\n"
        "    with open_workspace(init_workspace(Path('w'))) as workspace:\n"
        "        app = tui.app.FinetuiApp(workspace)\n"
        "        async with app.run_test(size=(100, 30)) as pilot:\n"
        "            while app.stage is None:\n"
        "                await pilot.pause()\n"
        "            assert app.stylesheet.source\n"
        "            print('mounted', type(app.screen).__name__)\n"
        "asyncio.run(main())\n"
    )
    mounted = installed(site, [str(script), str(site)], tmp_path)
    assert mounted.returncode == 0, mounted.stderr
    assert "mounted SourcesScreen" in mounted.stdout
