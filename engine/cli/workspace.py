"""Making a workspace, and listing settings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import tomli_w

from engine.cli.common import common_options, print_json, say
from engine.paths import (
    DATABASE_FILE,
    WORKSPACE_FILE,
    default_workspace,
    is_workspace,
    nearest_workspace,
    shell_path,
    shorten,
    user_settings_file,
)
from engine.settings import SettingInfo, describe, load
from engine.store.presence import begin_anew
from engine.workspace import find_workspace, init_workspace, open_workspace


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--shared", is_flag=True, help="Let the folder's group read and write it.")
@common_options
def init(directory: Path | None, shared: bool, workspace: Path | None, as_json: bool) -> None:
    """Make a workspace in DIRECTORY (default: here); one that is there stays as it is.

    It is yours alone: folders have the mode 700, files 600. With --shared the folder's group
    may read and write it, also where it is there already.
    """
    folder = (directory or workspace or Path.cwd()).expanduser().resolve()
    there = is_workspace(folder)
    database = folder / DATABASE_FILE
    empty = not database.is_file() or not database.stat().st_size
    aside = begin_anew(database)
    root = init_workspace(folder, shared=shared)
    with open_workspace(root, anew=True) as space:
        is_shared = space.shared
    if as_json:
        shares = {"shared": True} if is_shared else {}
        put = {"put_aside": aside} if aside else {}
        new = {"new_database": True} if there and empty else {}
        print_json({"workspace": str(root), "made": not there, **shares, **new, **put})
        return
    say(f"{'there is a workspace already' if there else 'workspace made'}: {shorten(root, 60)}")
    if there and empty:
        say("  it had no database; an empty one was made")
    if aside:
        say(f"  the log of the database that is gone was put aside as {aside}")
    if is_shared:
        say(f"  shared with the group {_group(root)}")
    say(f"  add a source with: finetui sources add PATH --workspace {shell_path(root)}")


def _group(root: Path) -> str:
    try:
        return root.group()
    except KeyError:  # a group that has a number alone
        return str(root.stat().st_gid)


@click.command()
@common_options
def settings(workspace: Path | None, as_json: bool) -> None:
    """List every setting, its value, its default, and what it is for."""
    folder = _folder(workspace)
    found = load(folder)
    infos = describe(found.settings)
    withheld = {item.name: item for item in found.withheld}
    files = [user_settings_file()] + ([folder / WORKSPACE_FILE] if folder else [])
    if as_json:
        print_json(
            {
                "files": [str(file) for file in files],
                "settings": [*map(asdict, infos)],
                "withheld": [{"name": one.name, "value": one.value} for one in found.withheld],
            }
        )
        return
    for info in infos:
        item = withheld.get(info.name)
        say(_line(info) if item is None else f"{info.name}: {item.value!r}, not trusted")
        say(f"    {info.help}")
    say()
    say("They are read from (the later file wins; FINETUI_SECTION__NAME=… wins over both):")
    if withheld and folder is not None:
        say(
            f"What is not trusted does not count; trust it with: finetui trust {shell_path(folder)}"
        )
    for file in files:
        say(f"  {shorten(file, 70)}{'' if file.is_file() else '  (not there)'}")


def _folder(workspace: Path | None) -> Path | None:
    """Return the workspace whose settings are meant; listing them makes none."""
    if workspace is not None:
        return find_workspace(workspace)
    usual = default_workspace()
    return nearest_workspace(Path.cwd()) or (usual if usual.is_dir() else None)


def _line(info: SettingInfo) -> str:
    line = f"{info.name} = {_toml(info.value)}"
    return line if info.value == info.default else f"{line}  (default {_toml(info.default)})"


def _toml(value: Any) -> str:
    """Return a value as it is written in a settings file."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()
