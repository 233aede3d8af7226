"""The embedded model writes. It is weak, so what is looked at is the form, not the sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.compose.backtranslate import Proposal, Unwritten, note_sources, propose, waiting
from engine.compose.writer import EMBEDDED, EmbeddedWriter
from engine.errors import PromptTooLong, WorkerDied
from engine.extract.scan import scan
from engine.models import Turn
from engine.workspace import Workspace
from tests.compose.test_backtranslate import VAULT

pytestmark = pytest.mark.slow


@pytest.mark.nightly
def test_the_embedded_model_writes_questions(workspace: Workspace) -> None:
    store = workspace.store
    scan(store, store.add_source("vault", str(Path(VAULT))))
    english = [
        example_id
        for example_id in waiting(store, note_sources(store))
        if " the " in store.card(example_id).turns[1].content
    ]
    with EmbeddedWriter() as writer:
        found = list(propose(store, writer, english[:3], tries=5))
        again = list(propose(store, writer, english[:1], tries=5))
        with pytest.raises(PromptTooLong):
            writer.write([Turn("user", "word " * 3000)], max_tokens=5, temperature=0, seed=0)
        writer._worker._process.kill()
        with pytest.raises(WorkerDied):
            writer.write([Turn("user", "Hi")], max_tokens=5, temperature=0, seed=0)
    assert len(found) == 3
    assert found[:1] == again
    for item in found:
        assert isinstance(item, Proposal | Unwritten)
        if isinstance(item, Proposal):
            assert item.question[-1] in "?."
            assert item.model == EMBEDDED
    assert any(isinstance(item, Proposal) for item in found)
