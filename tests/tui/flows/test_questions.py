"""A model words a note's question, by key: an endpoint on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.workspace import Workspace
from tests.tui.support import SMALL, opened_app, press_all, text_of, wait_until
from tui.screens.curate import CurateScreen
from tui.screens.modals.question import QuestionDialog

QUESTION = "What did saying no to the offsite cost you that week?"


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Return the address of a model that always asks the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send({"data": [{"id": "asker"}]})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            message = {"role": "assistant", "content": QUESTION}
            self._send({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

        def _send(self, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_model_words_the_question_and_undo_takes_it_back(
    filled: Workspace, endpoint: str
) -> None:
    before = next(filled.store.cards())
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        await press_all(pilot, "home q")
        await wait_until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        dialog = app.screen
        assert isinstance(dialog, QuestionDialog)
        await pilot.press("right")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "no address" in dialog.status_line.text)
        dialog.address.value = endpoint
        dialog.model.value = "asker"
        await pilot.press("enter")
        await wait_until(pilot, lambda: QUESTION in screen.status_line.text)
        await wait_until(pilot, lambda: QUESTION in screen.card.text)
        card = filled.store.card(before.example.id)
        assert card.question_by == "asker"
        assert card.turns[1] == before.turns[1]
        # What was decided or edited keeps its question; the model is remembered.
        await pilot.press("q")
        await wait_until(pilot, lambda: "keeps its question" in screen.status_line.text)
        await pilot.press("u")
        assert filled.store.card(before.example.id).turns == before.turns
        # What was taken back is asked for again: nothing of it is in effect.
        await pilot.press("q")
        assert isinstance(app.screen, QuestionDialog)
        assert endpoint in text_of(app.screen)
        await pilot.press("enter")
        await wait_until(pilot, lambda: QUESTION in screen.card.text)
        assert filled.store.card(before.example.id).question_by == "asker"


async def test_an_example_whose_decision_was_undone_can_be_asked(
    filled: Workspace, endpoint: str
) -> None:
    filled.store.set_meta("questions:endpoint", f"endpoint\n{endpoint}\nasker")
    async with opened_app(filled, SMALL, stage="curate") as (app, pilot):
        screen = app.stage
        assert isinstance(screen, CurateScreen)
        await press_all(pilot, "a home q")
        assert "keeps its question" in screen.status_line.text
        await press_all(pilot, "u q")
        assert isinstance(app.screen, QuestionDialog)
        await pilot.press("enter")
        await wait_until(pilot, lambda: QUESTION in screen.card.text)
