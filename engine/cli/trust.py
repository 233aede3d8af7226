"""Trusting a workspace that somebody else made."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import click

from engine.cli.common import common_options, print_json, say, table
from engine.errors import UsageError
from engine.extract.adding import named_by
from engine.paths import nearest_workspace, shell_path, shorten
from engine.settings import system_prompt_of
from engine.trust import Acting, Trusted, covers, forget, listed
from engine.trust import trust as agree_to
from engine.workspace import find_workspace, open_workspace


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--list", "listing", is_flag=True, help="List the workspaces that are trusted.")
@click.option("--remove", is_flag=True, help="Trust the workspace no longer.")
@click.option("--show", is_flag=True, help="Say what would be trusted, and change nothing.")
@common_options
def trust(
    directory: Path | None,
    listing: bool,
    remove: bool,
    show: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Let a workspace name commands, folders of models and addresses that are used.

    DIRECTORY is the workspace's folder (default: the nearest). It is trusted with what it
    names now; what it names differently later is asked about again.
    """
    if listing + remove + show > 1:
        raise UsageError("--list, --remove and --show exclude each other")
    if listing:
        _list(listed(), as_json)
        return
    if remove:
        _remove(directory or workspace or nearest_workspace(Path.cwd()), as_json)
        return
    root = _folder(directory or workspace)
    # Only looked at: nothing of the workspace's settings is used before it is trusted.
    with open_workspace(root, leave_out=True) as space:
        items = named_by(root, space.store)
    prompt = system_prompt_of(root)
    if not show:
        agree_to(root, items)
    agreed = covers(root, items) if show else True
    _print(root, items, as_json, trusted=agreed, system_prompt=prompt)


def _folder(named: Path | None) -> Path:
    found = named or nearest_workspace(Path.cwd())
    if found is None:
        raise UsageError("there is no workspace here", hint="name one: finetui trust DIR")
    return find_workspace(found)


def _remove(named: Path | None, as_json: bool) -> None:
    if named is None:
        raise UsageError("there is no workspace here", hint="name one: finetui trust --remove DIR")
    root = named.expanduser().resolve()
    removed = forget(root)
    if as_json:
        print_json({"workspace": str(root), "removed": removed})
    elif removed:
        say(f"no longer trusted: {shorten(root, 60)}")
    else:
        say(f"it was not trusted: {shorten(root, 60)}")


def _print(
    root: Path, items: list[Acting], as_json: bool, *, trusted: bool, system_prompt: str
) -> None:
    if as_json:
        found = [{"name": one.name, "value": one.value, "how": one.how} for one in items]
        print_json(
            {
                "workspace": str(root),
                "trusted": trusted,
                "items": found,
                "system_prompt": system_prompt,
            }
        )
        return
    say(f"{'trusted' if trusted else 'not trusted'}: {shorten(root, 60)}")
    for one in items:
        say(f"  {one.name} = {_quoted(one.value)}  ({one.meaning})")
    if not items:
        say("  it names no command, no folder of a model, no address and no link that leads out")
    if system_prompt:
        say(f"  a freeze puts its dataset.system_prompt into rows: {_quoted(system_prompt)}")
    if not trusted:
        say(f"  trust it with: finetui trust {shell_path(root)}")


def _quoted(value: str) -> str:
    # A byte that is not UTF-8 is shown as everywhere: as a byte.
    return re.sub(r"\\udc([89a-f][0-9a-f])", r"\\x\1", repr(value))


def _list(found: list[Trusted], as_json: bool) -> None:
    if as_json:
        print_json([{"workspace": one.path, "at": one.at, "names": one.names} for one in found])
        return
    if not found:
        say("no workspace is trusted; trust one with: finetui trust DIR")
        return
    rows = [
        (
            f"{datetime.fromtimestamp(one.at):%Y-%m-%d %H:%M}",
            shorten(one.path, 60),
            ", ".join(one.names) or "-",
        )
        for one in found
    ]
    table(("since", "workspace", "with"), rows)
