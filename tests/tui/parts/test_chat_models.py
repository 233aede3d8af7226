"""Which pair is loaded, in a host app; that real models load is tested with the screen."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from engine.errors import FinetuiError
from engine.evaluate.pair import Pair
from engine.workspace import Workspace
from tests.tui.exports import QUESTIONS, make_finished_export
from tests.tui.scripted import RUN, ScriptedPair
from tests.tui.support import text_of, wait_until
from tui.bridge.chat_pair import PairHolder
from tui.messages import PartFailed
from tui.parts.chat_models import Models


class Host(App[None]):
    """Keeps what the part tells."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.holder = PairHolder()
        self.loads: list[Models.Loaded] = []
        self.failures: list[BaseException] = []

    def compose(self) -> ComposeResult:
        yield Models(self._workspace, self.holder)

    def on_models_loaded(self, event: Models.Loaded) -> None:
        self.loads.append(event)

    def on_part_failed(self, event: PartFailed) -> None:
        self.failures.append(event.error)


async def test_without_exports_it_says_so(workspace: Workspace) -> None:
    app = Host(workspace)
    async with app.run_test(size=(40, 3)) as pilot:
        models = app.query_one(Models)
        assert models.exports is None
        models.look()
        await wait_until(pilot, lambda: models.exports == 0)
        assert models.choice is None
        assert not models.loaded


async def test_it_loads_the_newest_pair_with_its_prompts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_finished_export(workspace, RUN, "q4_k_m")
    monkeypatch.setattr(Pair, "open", lambda *_: ScriptedPair())
    app = Host(workspace)
    async with app.run_test(size=(40, 3)) as pilot:
        models = app.query_one(Models)
        models.look()
        await wait_until(pilot, lambda: bool(app.loads))
        assert models.loaded
        assert text_of(models) == "run 3f2a at q4_k_m"
        assert [prompt.text for prompt in app.loads[0].prompts] == list(QUESTIONS)
        # Looking again loads nothing again.
        models.look()
        await pilot.pause()
        await wait_until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        assert len(app.loads) == 1
        app.holder.drop()
        assert not models.loaded


async def test_what_is_no_model_is_a_named_error(workspace: Workspace) -> None:
    make_finished_export(workspace, RUN, "f16")
    app = Host(workspace)
    async with app.run_test(size=(40, 3)) as pilot:
        models = app.query_one(Models)
        models.look()
        await wait_until(pilot, lambda: bool(app.failures))
        assert isinstance(models.failure, FinetuiError)
        assert not models.is_loading
        assert not models.loaded
