"""Asking a workspace's running server for another model, as its owner: no token is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import FinetuiError, ServeError, ServerMissing, ServerUnreachable
from engine.gateway.spec import Wanted
from engine.paths import shorten
from engine.workspace import Workspace

_CONNECT_S = 10.0
_PATH = "/admin/reload-model"


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A change of models that succeeded.

    Attributes:
        model: The name of the model that answers now.
        before: The one before it; empty for none.
        seconds: How long the change took.
        waited: Whether requests had to wait, since both did not fit in memory at once.
        answer: What it answered to its first question.
    """

    model: str
    before: str
    seconds: float
    waited: bool
    answer: str


def reload(workspace: Workspace, wanted: Wanted) -> Reloaded:
    """Put another model behind the running server's address, and wait until it answers.

    Blocks for as long as that takes; call it in a thread where an event loop runs.

    Raises:
        ServerMissing: No server of this workspace runs.
        ServerUnreachable: One runs, and its private socket is gone.
        ReloadBusy: Models are being changed already.
        ModelOutside: The path lies outside the folders that may be loaded from.
        FinetuiError: The new model can't be loaded, with its own code; the one before goes on.
    """
    from engine.gateway.start import status

    found = status(workspace)
    if not found.running or found.state is None or not found.state.socket:
        raise _missing()
    asked = {name: getattr(wanted, name) for name in ("run", "path", "quant")}
    try:
        body = _ask(Path(found.state.socket), {name: text for name, text in asked.items() if text})
    except ServerUnreachable as error:
        if not status(workspace).running:  # it has ended just now
            raise _missing() from error
        raise
    return Reloaded(
        model=str(body.get("model", "")),
        before=str(body.get("before", "")),
        seconds=float(body.get("seconds", 0.0)),
        waited=bool(body.get("waited", False)),
        answer=str(body.get("answer", "")),
    )


def _ask(path: Path, asked: dict[str, str]) -> dict[str, Any]:
    """Ask the owner's socket, and return its answer.

    Raises:
        ServerUnreachable: Nobody listens there.
        FinetuiError: The server refuses, or fails.
    """
    import httpx  # 0.2 s, which whoever never reloads does not pay

    from engine.gateway.address import is_private

    if not is_private(path):  # the file that names it may come from anybody
        raise _unreachable(path)
    transport = httpx.HTTPTransport(uds=str(path))
    timeout = httpx.Timeout(None, connect=_CONNECT_S)
    try:
        with httpx.Client(transport=transport, timeout=timeout, trust_env=False) as client:
            answer = client.post(f"http://localhost{_PATH}", json=asked)
            body = answer.json()
    except httpx.ConnectError as error:
        raise _unreachable(path) from error
    except (httpx.HTTPError, ValueError) as error:
        raise ServeError(
            f"the server broke off: {type(error).__name__}",
            hint="see what it says: finetui serve --status",
        ) from error
    if answer.status_code == 200 and isinstance(body, dict):
        return body
    said = body.get("error") if isinstance(body, dict) else None
    said = said if isinstance(said, dict) else {}
    raise error_of(
        str(said.get("code", "")),
        str(said.get("message") or f"the server answered with status {answer.status_code}"),
        str(said.get("hint", "")),
    )


def error_of(code: str, message: str, hint: str) -> FinetuiError:
    """Return a failure by its code, as the class that it was in the server."""
    return (_by_code(FinetuiError, code) or ServeError)(message, hint=hint)


def _by_code(kind: type[FinetuiError], code: str) -> type[FinetuiError] | None:
    if kind.code == code:
        return kind
    found = (_by_code(below, code) for below in kind.__subclasses__())
    return next((one for one in found if one is not None), None)


def _missing() -> ServerMissing:
    return ServerMissing(
        "no server of this workspace runs", hint="start one with: finetui serve RUN"
    )


def _unreachable(path: Path) -> ServerUnreachable:
    return ServerUnreachable(
        "a server of this workspace runs, and does not listen on its private socket here: "
        f"{shorten(path, 80)}",
        hint="ask it by its address, with its token: POST /admin/reload-model; or end it with: "
        "finetui serve --stop, and start it again",
    )
