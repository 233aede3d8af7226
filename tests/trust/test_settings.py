"""What a workspace's settings say is used only as far as its person trusts it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from engine.errors import WorkspaceUntrusted
from engine.paths import state_dir, user_settings_file
from engine.schema import _hints, acting, names
from engine.settings import Settings, acting_items, describe, load, load_settings, read_toml
from engine.trust import agree, covers, forget, listed, source_item, trust

PLAIN = {
    "check.rules.flag": "compared with the kinds of flags",
    "check.rules.language": "compared with codes of languages",
    "check.languages": "compared with codes of languages",
    "check.phone_regions": "given to a library of phone numbers as a code",
    "dataset.system_prompt": "written into rows",
    "training.preset": "looked up among finetui's own presets",
    "display.theme": "looked up among the themes",
    "serve.idle": "read as a time",
    "keys": "looked up among finetui's own actions",
}
"""Fields of free text that nothing is run, loaded or reached by, and why."""


def texts(kind: type, prefix: str = "") -> list[str]:
    """Return the fields that hold text which is not chosen from a list."""
    found = []
    for name, hint in _hints(kind).items():
        bare = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
        inner = get_args(bare)[0] if get_origin(bare) is tuple else bare
        if isinstance(inner, type) and hasattr(inner, "__dataclass_fields__"):
            found += texts(inner, f"{prefix}{name}.")
        elif inner is str or get_origin(inner) is dict:
            found.append(prefix + name)
    return found


def test_every_field_of_free_text_is_marked_or_known_to_be_harmless() -> None:
    """A new command, path or address can't be forgotten: it stands in neither list."""
    marked = acting(Settings)
    switches = {"serve.remote_admin"}  # no text, and opens a server wider all the same
    assert {*marked, *PLAIN} == {*texts(Settings), *switches}
    assert not set(marked) & set(PLAIN)
    assert set(marked) == {
        "curation.editor", "check.embedding_model", "training.base", "training.notify_command",
        "export.models_dir", "serve.host", "serve.token_file", "serve.folders",
        "serve.remote_admin", "serve.hosts", "serve.origins",
    }  # fmt: skip
    assert all(name.count(".") == 1 and name in names(Settings) for name in marked)


def workspace_of(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "finetui.toml").write_text(text, "utf-8")
    return folder


FOREIGN = """
[curation]
target = 7
editor = "sh -c 'touch pwned' $(id); #"
[check]
embedding_model = "./model"
[training]
base = "../base"
[chat]
context = 512
"""


def test_a_command_of_ones_own_never_comes_from_a_workspace(tmp_path: Path) -> None:
    space = workspace_of(
        tmp_path / "foreign",
        '[training]\nnotify = "command"\nnotify_command = "touch pwned"\npreset = "tiny"\n',
    )
    # There is nothing to ask about, and agreeing to the workspace changes nothing.
    assert acting_items(read_toml(space / "finetui.toml")) == []
    trust(space, acting_items(read_toml(space / "finetui.toml")))
    found = load(space, environment={})
    assert found.withheld == ()
    assert (found.settings.training.notify_command, found.settings.training.preset) == ("", "tiny")
    user_settings_file().parent.mkdir(parents=True, exist_ok=True)
    user_settings_file().write_text('[training]\nnotify_command = "true"\n', "utf-8")
    assert load(space, environment={}).settings.training.notify_command == "true"


def test_a_workspace_opens_no_server_wider(tmp_path: Path) -> None:
    wider = (
        'host = "0.0.0.0"\nremote_admin = true\nfolders = ["/"]\nhosts = ["evil.example"]\n'
        'origins = ["https://evil.example"]\ntoken_file = "known-token"\n'
    )
    space = workspace_of(tmp_path / "foreign", f"[serve]\nport = 9000\n{wider}")
    # No agreement makes it count.
    trust(space, acting_items(read_toml(space / "finetui.toml")))
    found = load(space, environment={})
    assert found.withheld == ()
    assert found.settings.serve == replace(Settings().serve, port=9000)
    user_settings_file().parent.mkdir(parents=True, exist_ok=True)
    user_settings_file().write_text(f"[serve]\n{wider}", "utf-8")
    serve = load(space, environment={}).settings.serve
    assert (serve.host, serve.remote_admin, serve.folders) == ("0.0.0.0", True, ("/",))


def test_what_acts_raises_as_it_is_read_and_the_rest_holds(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    found = load_settings(space, environment={})
    assert (found.curation.target, found.chat.context) == (7, 512)
    for section, key in (
        (found.curation, "editor"),
        (found.check, "embedding_model"),
        (found.training, "base"),
    ):
        with pytest.raises(WorkspaceUntrusted) as refused:
            getattr(section, key)
        assert refused.value.hint.endswith(f"finetui trust {space}")
        assert "pwned" not in refused.value.message


def test_trust_covers_what_was_shown_and_nothing_later(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    trust(space, acting_items(read_toml(space / "finetui.toml")))
    assert load(space, environment={}).withheld == ()
    assert load_settings(space, environment={}).check.embedding_model == "./model"
    workspace_of(space, FOREIGN.replace("./model", "./other"))
    found = load(space, environment={})
    assert [item.name for item in found.withheld] == ["check.embedding_model"]
    assert found.settings.training.base == "../base"
    # Back to what was agreed to.
    workspace_of(space, FOREIGN.replace("target = 7", "target = 8"))
    assert load(space, environment={}).withheld == ()
    assert [one.path for one in listed()] == [str(space)]
    assert forget(space)
    assert not forget(space)
    assert len(load(space, environment={}).withheld) == 3
    assert listed() == []


def test_another_folder_of_the_same_path_is_not_trusted(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    trust(space, acting_items(read_toml(space / "finetui.toml")))
    space.rename(tmp_path / "kept")  # so that the file system can't give its number again
    workspace_of(space, FOREIGN)
    assert len(load(space, environment={}).withheld) == 3
    # And one that was moved is not where it was looked at.
    assert len(load(tmp_path / "kept", environment={}).withheld) == 3


def test_a_link_to_a_workspace_is_that_workspace(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    trust(space, acting_items(read_toml(space / "finetui.toml")))
    (tmp_path / "link").symlink_to(space)
    assert load(tmp_path / "link", environment={}).withheld == ()


def test_other_places_say_it_without_trust(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    user_settings_file().parent.mkdir(parents=True)
    user_settings_file().write_text('[curation]\neditor = "nano"\n[training]\nbase = "../base"\n')
    variables = {"FINETUI_CHECK__EMBEDDING_MODEL": "/own/model"}
    found = load(space, environment=variables)
    # The user's own file names the same base; the variable wins over the workspace.
    assert [item.name for item in found.withheld] == ["curation.editor"]
    assert found.settings.check.embedding_model == "/own/model"
    assert found.settings.training.base == "../base"
    overrides = {"curation": {"editor": "ed"}}
    assert load(space, environment=variables, overrides=overrides).withheld == ()


def test_left_out_the_users_own_values_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    user_settings_file().parent.mkdir(parents=True)
    user_settings_file().write_text('[curation]\neditor = "nano"\n')
    found = load(space, environment={}, leave_out=True)
    assert len(found.withheld) == 3
    assert found.settings.curation.editor == "nano"
    assert found.settings.training.base == Settings().training.base
    monkeypatch.setenv("FINETUI_UNTRUSTED", "ignore")
    assert load_settings(space).curation.editor == "nano"
    monkeypatch.setenv("FINETUI_UNTRUSTED", "1")
    with pytest.raises(WorkspaceUntrusted):
        _ = load_settings(space).curation.editor


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ('[curation]\neditor = ""', False),
        ('[curation]\neditor = "vim"', True),
        ('[training]\nbase = "qwen2.5-0.5b"', False),
        ('[training]\nbase = "owner/model"', False),
        ('[training]\nbase = "owner/folder"', True),
        ('[training]\nbase = "folder"', True),
        ('[training]\nbase = " folder "', True),
        ('[training]\nbase = "./x"', True),
        ('[training]\nbase = "../x"', True),
        ('[training]\nbase = "owner/../../x"', True),
        ('[training]\nbase = "~/x"', True),
        ('[training]\nbase = "/x"', True),
        ("[check]\nautomatic = false", False),
    ],
)
def test_names_of_models_need_no_trust_and_folders_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, asks: bool
) -> None:
    space = workspace_of(tmp_path / "foreign", line)
    (space / "folder").mkdir()
    (space / "owner" / "folder").mkdir(parents=True)
    monkeypatch.chdir(space)
    assert bool(load(space, environment={}).withheld) is asks


def test_listing_settings_needs_no_trust(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    values: dict[str, Any] = {
        info.name: info.value for info in describe(load_settings(space, environment={}))
    }
    assert values["curation.target"] == 7
    assert values["curation.editor"] is None


def test_agreements_are_the_users_own_files(tmp_path: Path) -> None:
    space = workspace_of(tmp_path / "foreign", FOREIGN)
    old = os.umask(0o022)
    try:
        trust(space, acting_items(read_toml(space / "finetui.toml")))
    finally:
        os.umask(old)
    (record,) = (state_dir() / "trust").iterdir()
    assert record.stat().st_mode & 0o777 == 0o600
    assert record.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in space.iterdir()) == ["finetui.toml"]
    # What was agreed to stands there as hashes: an editor's command may hold a key.
    assert "pwned" not in record.read_text()
    record.write_text("[" * 100_000)
    assert len(load(space, environment={}).withheld) == 3


def test_an_address_is_agreed_to_for_its_workspace_alone(tmp_path: Path) -> None:
    one, other = (workspace_of(tmp_path / name, "") for name in ("one", "other"))
    item = source_item("https://app.example/memories")
    agree(one, item)
    assert covers(one, [item])
    assert not covers(other, [item])
    assert not covers(one, [source_item("https://app.example/")])
    assert listed() == []  # naming one address trusts no workspace as a whole
