"""What the HTTP face needs of whatever holds the engines."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from engine.gateway.control import Reloaded
from engine.gateway.spec import Wanted
from engine.gateway.state import ServerState
from engine.serve.engines.base import Engine, Served


class Models(Protocol):
    """The engine that answers now, and the change of it."""

    @property
    def state(self) -> ServerState:
        """What the server says of itself."""
        ...

    @property
    def model(self) -> Served | None:
        """What answers now, or will again when asked; None before the first model has loaded."""
        ...

    def lease(self) -> AbstractAsyncContextManager[Engine]:
        """Give an engine for one request, and keep it alive until the request is done.

        Waits while models are changed, an engine comes back, or one is loaded that was idle. An
        engine that is leased is not ended by a change of models before its requests are done;
        it may die by itself all the same, which shows as a broken connection and ``alive``.

        Raises:
            EngineAway: There is none, and waiting any longer makes no sense.
        """
        ...

    def count(self, *, failed: bool, prompt_tokens: int, tokens: int) -> None:
        """Count an answered request."""
        ...

    def wrote(self, tokens: int) -> None:
        """Count tokens as they are written, for the rate; they are not counted again at the end."""
        ...

    async def reload(self, wanted: Wanted) -> Reloaded:
        """Put another model behind the address, and return when it answers.

        Raises:
            ReloadBusy: Models are being changed already.
            ModelOutside: The path lies outside the folders that may be loaded from.
            FinetuiError: The new model can't be loaded; the one before goes on.
        """
        ...
