"""What the screens know of a workspace's server, without a screen."""

from __future__ import annotations

import socket
from dataclasses import fields, replace
from pathlib import Path

import pytest

from engine.cli.serve import _spec, serve
from engine.gateway.spec import Wanted, server_dir
from engine.runs import wait_until_gone
from engine.settings import ServeSettings
from engine.workspace import Workspace, open_workspace
from tests.support.trusting import trusted
from tests.tui.exports import make_exported_run, make_finished_export
from tests.tui.scripted import RUN
from tests.tui.server_job import running_job, says
from tui.bridge.serving import Seen, ServerDesk, Token, Wish
from tui.bridge.serving_title import ServerWatch
from tui.messages import Server, ServerMoved


def moved(watch: ServerWatch) -> Server | None:
    """Return what the title line is told, which has to be news."""
    message = watch.look()
    assert isinstance(message, ServerMoved)
    return message.server


def test_the_title_is_told_what_changed_and_nothing_else(workspace: Workspace) -> None:
    watch = ServerWatch(workspace.root)
    assert watch.look() is None
    with running_job(workspace, active=1, waiting=2):
        assert moved(watch) == Server("brief:q4_k_m", "serving", 3, "http://127.0.0.1:8090")
        assert watch.look() is None
        says(workspace.root, phase="idle", requests=9999)
        assert moved(watch) == Server("brief:q4_k_m", "idle", 0, "http://127.0.0.1:8090")
        says(workspace.root, phase="starting", model="", next="other:f16")
        server = moved(watch)
        assert server is not None
        assert (server.model, server.phase) == ("other:f16", "starting")
    message = watch.look()
    assert isinstance(message, ServerMoved)
    assert (message.server, message.died) == (None, False)
    assert watch.look() is None


def test_a_server_that_died_is_told_from_one_that_was_stopped(workspace: Workspace) -> None:
    watch = ServerWatch(workspace.root)
    with running_job(workspace) as process:
        assert moved(watch) is not None
        process.kill()
        assert wait_until_gone(server_dir(workspace.root))
        message = watch.look()
        assert isinstance(message, ServerMoved)
        assert (message.server, message.died) == (None, True)


@pytest.mark.parametrize(
    ("model", "says_it"), [(f"{RUN}:q8_0", "3f2a:q8_0"), (RUN, "3f2a"), ("brief:f16", "brief:f16")]
)
def test_a_run_without_a_name_is_called_by_its_last_letters(
    workspace: Workspace, model: str, says_it: str
) -> None:
    with running_job(workspace, model=model):
        server = moved(ServerWatch(workspace.root))
        assert server is not None
        assert server.model == says_it


def test_a_damaged_state_is_no_server(workspace: Workspace) -> None:
    with running_job(workspace):
        (workspace.root / "server" / "state.json").write_bytes(b"{")
        assert ServerWatch(workspace.root).look() is None
        assert ServerDesk(workspace).look() == Seen(
            running=True, process=ServerDesk(workspace).look().process
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"active": "many"}, {"requests": None}, {"tokens_per_s": float("nan")}, {"url": 7},
        {"started": float("inf")}, {"started": 10**400}, {"said": ["x"]}, {"open": 1},
    ],
)  # fmt: skip
def test_a_state_that_somebody_made_up_is_not_believed(
    workspace: Workspace, changes: dict[str, object]
) -> None:
    says(workspace.root, **changes)
    assert ServerDesk(workspace).look() == Seen()
    assert ServerWatch(workspace.root).look() is None


def test_the_newest_export_comes_first(workspace: Workspace) -> None:
    desk = ServerDesk(workspace)
    assert desk.models() == []
    make_finished_export(workspace, "20250614-090000-77b2", "f16")
    make_finished_export(workspace, RUN, "q4_k_m")
    assert [(model.run_id, model.quant) for model in desk.models()] == [
        (RUN, "q4_k_m"), ("20250614-090000-77b2", "f16")
    ]  # fmt: skip


def test_each_engine_says_whether_it_can_serve_a_model(workspace: Workspace, models: Path) -> None:
    make_exported_run(workspace, models)
    trusted(workspace.root)
    desk = ServerDesk(workspace)
    (model,) = desk.models()
    found = {engine.name: engine for engine in desk.engines(model)}
    assert next(iter(found)) == desk.best_engine(model) == "native"
    assert found["native"].problem == ""
    # The run's folder has no adapter, which an engine of folders would need.
    assert "adapter" in found["transformers"].problem
    assert found["transformers"].about == "can't serve this"


def test_what_installs_a_missing_engine_is_said(
    workspace: Workspace, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_exported_run(workspace, models)
    trusted(workspace.root)
    monkeypatch.setattr("engine.serve.engines.native.Native.installed", False)
    desk = ServerDesk(workspace)
    native, *_ = desk.engines(desk.models()[0])
    assert "not installed" in native.problem
    assert "pip install" in native.fix
    assert desk.best_engine(desk.models()[0]) == "llama-cpp-python"


def test_the_key_is_the_token_only_for_the_server_that_it_was_made_for(
    workspace: Workspace,
) -> None:
    desk = ServerDesk(workspace)
    desk.remember(Token("the-token", made=True, process="1/2/3"))
    mine = Seen(running=True, process="1/2/3")
    assert desk.key(mine) == "the-token"
    for other in (Seen(running=True, process="4/5/6"), Seen(process="1/2/3")):
        assert desk.token_of(other) == ""
        assert desk.key(other) == "$FINETUI_SERVE_TOKEN"
    desk.remember(Token("of-the-persons-own", made=False, process="1/2/3"))
    assert desk.key(mine) == "$FINETUI_SERVE_TOKEN"


def test_a_token_is_in_no_representation() -> None:
    assert "the-token" not in repr(Token("the-token", made=True, process="1"))


def test_where_the_token_comes_from_is_said(
    workspace: Workspace, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "made now and shown once" in ServerDesk(workspace).token_note()
    own = isolated_home / ".config" / "finetui" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[serve]\ntoken_file = "/home/ana/my token"\n', "utf-8")
    with open_workspace(workspace.root) as opened:
        desk = ServerDesk(opened)
        assert "/home/ana/my token" in desk.token_note()
        assert desk.key(Seen(running=True)) == "$(cat '/home/ana/my token')"
        monkeypatch.setenv("FINETUI_SERVE_TOKEN", "x" * 20)
        assert "FINETUI_SERVE_TOKEN" in desk.token_note()
        assert desk.key(Seen(running=True)) == "$FINETUI_SERVE_TOKEN"


def test_the_panel_starts_the_server_that_the_verb_starts(
    workspace: Workspace, isolated_home: Path
) -> None:
    own = isolated_home / ".config" / "finetui" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text(
        '[serve]\nhost = "127.0.0.2"\nport = 8099\nengine = "native"\ncontext = 777\nslots = 3\n'
        'idle = "10m"\nlend = "never"\ninstruct = true\nfolders = ["~/models"]\n'
        'remote_admin = true\nhosts = ["box"]\norigins = ["http://box"]\n',
        "utf-8",
    )
    make_finished_export(workspace, RUN, "q4_k_m")
    options = serve.make_context("serve", []).params
    with open_workspace(workspace.root) as opened:
        desk = ServerDesk(opened)
        wish = Wish(desk.models()[0], engine="native", port=desk.port)
        assert desk.spec(wish) == _spec(opened, RUN, "q4_k_m", options)
        settings = opened.settings.serve
        # What these load is the run's folder, which has no quantisation.
        assert desk.spec(replace(wish, engine="vllm")).model == Wanted(run=RUN)
    # Every setting differs from its default, so that none is left out on both sides.
    for field in fields(ServeSettings):
        if field.name != "token_file":
            assert getattr(settings, field.name) != field.default, field.name


def test_the_port_that_is_offered_instead_is_free(workspace: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        offered = ServerDesk(workspace).free_port(port - 1)
    assert offered != port
    if offered:  # none may be near
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", offered))
