"""The embedded base, imported once in a session of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bases.embedded import embedded_gguf
from engine.child import quiet, run_child

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def embedded_base_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the embedded model as a Hugging Face folder. Importing it takes 20 seconds."""
    # Several conftest files hand this fixture out; the folder is what they share.
    folder = tmp_path_factory.getbasetemp() / "embedded" / "hf"
    if not folder.is_dir():
        run_child(
            "engine.bases.import_gguf",
            [str(embedded_gguf()), str(folder)],
            quiet,
            environment={"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)},
        )
    return folder
