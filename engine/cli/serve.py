"""The verbs ``serve`` and ``reload``: a model behind an address that other programs ask."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say
from engine.cli.waiting import patiently
from engine.errors import ServerActive, ServerMissing, UsageError
from engine.gateway import start as gateway
from engine.gateway.bearer import VARIABLE, shell_key
from engine.gateway.control import reload as ask_to_reload
from engine.gateway.resolve import first_wanted
from engine.gateway.spec import ServeSpec, Wanted
from engine.gateway.state import ServerState
from engine.gateway.words import curl_line, environment_lines, seconds_of
from engine.paths import shell_path, shorten
from engine.runs import kill, wait_until_gone
from engine.serve.engines.base import ENGINES
from engine.workspace import Workspace

_POLL_S = 0.3
_COUNTS_EVERY_S = 2.0
_STOP_S = 90.0
"""Longer than a server takes to answer what it has begun, and to end its engines."""
_SETTLED = ("serving", "idle", "lent", "failed")


@click.command()
@click.argument("model", required=False, metavar="[RUN|GGUF|FOLDER]")
@click.option("--quant", default="", help="The run's quantisation (default: its newest export).")
@click.option("--host", default=None, help="The address to listen on (default: serve.host).")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="The port; 0 takes a free one."
)
@click.option("--engine", type=click.Choice(ENGINES), default=None, help="What computes answers.")
@click.option("--context", type=click.IntRange(min=128), default=None, help="Tokens a request.")
@click.option(
    "--slots", type=click.IntRange(1, 256), default=None, help="Requests computed at once."
)
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Threads; 0 for all cores.")
@click.option("--idle", default=None, help="Unload the model when unused so long, such as 10m.")
@click.option(
    "--lend", is_flag=True, help="Unload it while a run trains on its device, a processor too."
)
@click.option(
    "--instruct", is_flag=True, help="Ask ### Instruction prompts in the model's own template."
)
@click.option("--open", "is_open", is_flag=True, help="Ask for no token; on this machine only.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    default=None,
    help=f"A file that holds the token (default: {VARIABLE}, else one is made).",
)
@click.option(
    "--allow-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="A further folder that reloads may load from; again for more.",
)
@click.option("--remote-admin", is_flag=True, help="Let other machines change the model too.")
@click.option("--allow-host", multiple=True, help="A further name in a request's Host.")
@click.option("--allow-origin", multiple=True, help="A web page's origin that may ask.")
@click.option("--detach", is_flag=True, help="Leave it running, and end this command.")
@click.option("--status", "only", flag_value="status", help="Say what the server does.")
@click.option("--stop", "only", flag_value="stop", help="Answer what was begun, and end it.")
@common_options
def serve(
    model: str | None,
    quant: str,
    only: str | None,
    detach: bool,
    token_file: Path | None,
    workspace: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Serve a model to other programs, as OpenAI's API.

    Without a name the newest run that has an export is served. The server outlives this command's
    terminal; Ctrl-C here ends it.
    """
    with opened(workspace) as here:
        if only == "status":
            _print_status(gateway.status(here), as_json=as_json)
            return
        if only == "stop":
            _stop(here, quiet=as_json)
            if as_json:
                print_json({"stopped": True})
            return
        spec = _spec(here, model or "", quant, options)
        chosen = token_file or _own_file(here)
        token, made = gateway.token_of(spec, chosen)
        patiently("chat", lambda: gateway.serve(here, spec, token))
    # Its database is closed from here on: this may go on for weeks.
    try:
        found = _await(here)
    except KeyboardInterrupt:
        _stop(here, quiet=True)
        raise
    if as_json:
        print_json({**_as_dict(found), **({"token": token} if made else {})})
    else:
        _print_ways(found.state, chosen, token if made else "")
    if not detach:
        _follow(here, found.state, quiet=as_json)


@click.command()
@click.argument("model", required=False, metavar="[RUN|GGUF|FOLDER]")
@click.option("--quant", default="", help="The run's quantisation (default: its newest export).")
@common_options
def reload(model: str | None, quant: str, workspace: Path | None, as_json: bool) -> None:
    """Give the running server another model, without dropping a request.

    With --quant alone it gets another export of the run that it serves.
    """
    if not (model or quant):
        raise UsageError(
            "no model is named",
            hint="as in finetui reload last, or finetui reload --quant q8_0 for the same run",
        )
    with opened(workspace) as here:
        wanted = first_wanted(here, model, quant) if model else Wanted(quant=quant)
        done = ask_to_reload(here, wanted)
    if as_json:
        print_json(asdict(done))
        return
    say(f"{_line(done.model)} answers now, after {done.seconds:.1f} s")
    if done.before:
        waited = "; requests waited meanwhile" if done.waited else ""
        say(f"before it: {_line(done.before)}{waited}")
    none = "nothing but spaces" if done.answer else "none, it ended at once"
    say(f"its first words: {_line(done.answer) or none}")


def _line(text: str) -> str:
    return " ".join(text.split())


def _spec(here: Workspace, model: str, quant: str, options: dict[str, Any]) -> ServeSpec:
    """Return how the server is started: by options, else by settings."""
    settings = here.settings.serve

    def chosen(name: str) -> Any:
        return getattr(settings, name) if options[name] is None else options[name]

    wanted = first_wanted(here, model, quant)
    engine = options["engine"] or (None if settings.engine == "auto" else settings.engine)
    folders = (*options["allow_dir"], *(Path(one).expanduser() for one in settings.folders))
    return ServeSpec(
        workspace=here.root,
        model=wanted,
        host=chosen("host"),
        port=chosen("port"),
        engine=engine,
        context=chosen("context"),
        slots=chosen("slots"),
        threads=options["threads"],
        idle_s=seconds_of(chosen("idle")),
        open=options["is_open"],
        folders=tuple(folder.absolute() for folder in folders),
        remote_admin=options["remote_admin"] or settings.remote_admin,
        hosts=(*options["allow_host"], *settings.hosts),
        origins=(*options["allow_origin"], *settings.origins),
        instruct=options["instruct"] or settings.instruct,
        lend="always" if options["lend"] else settings.lend,
    )


def _own_file(here: Workspace) -> Path | None:
    named = here.settings.serve.token_file
    return Path(named) if named else None


def _await(here: Workspace) -> gateway.Status:
    """Wait until the server serves.

    Raises:
        FinetuiError: It ended instead.
    """
    while True:
        found = gateway.status(here)
        if not found.running:
            raise gateway.failure_of(found)
        if found.state is not None and found.state.url and found.state.phase in _SETTLED:
            return found
        time.sleep(_POLL_S / 3)


def _print_ways(state: ServerState | None, file: Path | None, token: str) -> None:
    """Print how programs reach the server; a token that was made is shown here and never again."""
    assert state is not None
    say(f"{state.model} answers at {state.url} ({state.engine})")
    if state.said:
        say(f"note: {state.said}")
    key = token or shell_key(file)
    if token:
        say(f"token, shown once: {token}")
    say()
    for line in environment_lines(state.url, "" if state.open else key):
        say(line)
    say(curl_line(state.url, open=state.open))
    say()


def _follow(here: Workspace, state: ServerState | None, *, quiet: bool) -> None:
    """Print what the server does until it ends; Ctrl-C ends it, and so does SIGTERM.

    Raises:
        FinetuiError: It failed.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not quiet:
        say("Ctrl-C ends the server; without this terminal it goes on")
    try:
        for line in _news(here, state):
            if not quiet:
                say(line)
    except KeyboardInterrupt:
        _stop(here, quiet=quiet)
        return
    found = gateway.status(here)
    if found.error:
        raise gateway.failure_of(found)


def _news(here: Workspace, last: ServerState | None) -> Iterator[str]:
    """Yield a line for each change of the server, until it ends."""
    counted = time.monotonic()
    last = last or ServerState()
    while (found := gateway.status(here)).running:
        now = found.state or last
        if (now.phase, now.model, now.next) != (last.phase, last.model, last.next):
            yield _phase_line(now)
        if now.said and now.said != last.said:
            yield f"  {now.said}"
        counts_due = time.monotonic() - counted >= _COUNTS_EVERY_S
        if now.requests != last.requests and counts_due:
            counted = time.monotonic()
            yield _counts_line(now)
        elif now.requests != last.requests:
            now = _with_counts_of(now, last)
        last = now
        time.sleep(_POLL_S)
    yield "the server has ended"


def _with_counts_of(now: ServerState, last: ServerState) -> ServerState:
    """Return a state whose requests are yet to be said."""
    from dataclasses import replace

    return replace(now, requests=last.requests)


def _phase_line(state: ServerState) -> str:
    what = {
        "starting": "loading",
        "serving": "serving",
        "switching": "loading",
        "restarting": "starting again",
        "idle": "unloaded until the next request:",
        "lent": "unloaded while a run has the device:",
        "failed": "failed:",
        "ended": "ended:",
    }.get(state.phase, state.phase)
    return f"{what} {state.next or state.model}"


def _counts_line(state: ServerState) -> str:
    failed = f" · {state.failed:,} failed" if state.failed else ""
    waiting = f" · {state.waiting:,} waiting" if state.waiting else ""
    return (
        f"{state.requests:,} requests{failed} · {state.active:,} under way{waiting} · "
        f"{state.tokens_per_s:.1f} tokens/s"
    )


def _print_status(found: gateway.Status, *, as_json: bool) -> None:
    """Print what the server does.

    Raises:
        ServerMissing: None runs.
    """
    if not found.running:
        said = f"; the last one ended: {found.error}" if found.error else ""
        raise ServerMissing(
            f"no server of this workspace runs{said}",
            hint=found.hint or "start one with: finetui serve RUN",
        )
    if as_json:
        print_json(_as_dict(found))
        return
    state = found.state or ServerState()
    say(f"{_phase_line(state)} at {state.url or 'no address yet'} ({state.engine or 'no engine'})")
    say(_counts_line(state))
    say(
        f"{state.memory / 1e6:,.0f} MB · {state.swaps} reloads · {state.restarts} restarts · "
        f"{state.prompt_tokens:,} tokens read, {state.tokens:,} written"
    )
    if state.said:
        say(f"note: {state.said}")
    say(f"folder: {shorten(found.directory, 80)}")


def _as_dict(found: gateway.Status) -> dict[str, Any]:
    state = found.state.as_dict() if found.state else {}
    return {"directory": str(found.directory), "running": found.running, **state}


def _stop(here: Workspace, *, quiet: bool, patience_s: float = _STOP_S) -> None:
    """End the server, and wait until it is gone; a second Ctrl-C ends it at once.

    Raises:
        ServerMissing: None runs.
        ServerActive: It has not ended in time.
    """
    found = gateway.status(here)
    if not (found.running and gateway.stop(here)):
        raise ServerMissing(
            "no server of this workspace runs", hint="start one with: finetui serve RUN"
        )
    if not quiet and found.state is not None and found.state.active:
        say(f"answering {found.state.active:,} requests first; Ctrl-C cuts them off")
    try:
        gone = wait_until_gone(found.directory, patience_s)
    except KeyboardInterrupt:
        kill(found.directory)
        gone = wait_until_gone(found.directory)
    if not gone:
        raise ServerActive(
            f"the server was asked to end and has not within {patience_s:.0f} s",
            hint="Ctrl-C while this waits ends it at once; where that does nothing, "
            f"another process holds {shell_path(found.directory)}",
        )
    if not quiet:
        say("the server has ended")
