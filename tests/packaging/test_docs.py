"""The README says what the code does: every verb, key and setting, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from engine.cli.main import VERBS, cli
from tools.reference import TABLES, keys, rewritten, settings, verbs

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text("utf-8")


def test_tables_are_those_of_the_code() -> None:
    for path in TABLES:
        assert rewritten(path) == path.read_text("utf-8"), "run: python -m tools.reference"


@pytest.mark.parametrize("table", [verbs, keys, settings])
def test_every_row_of_a_table_is_explained(table: object) -> None:
    assert callable(table)
    rows = [line for line in str(table()).splitlines() if line.startswith("| `")]
    assert rows
    assert all(not line.rstrip(" |").endswith("`") for line in rows)


def test_commands_in_the_text_exist() -> None:
    context = click.Context(cli)
    blocks = "".join(re.findall(r"^```bash\n(.*?)^```", README, re.M | re.S))
    found = re.findall(r"^finetui ([a-z]+)(?: ([a-z]+))?", blocks, re.M)
    assert found
    for verb, inner in found:
        assert verb in VERBS
        command = cli.get_command(context, verb)
        if isinstance(command, click.Group):
            assert inner in command.list_commands(context), f"{verb} {inner}"


def test_pictures_exist_and_are_made_by_the_command() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (REPOSITORY / picture).is_file(), picture


def test_make_targets_in_the_text_exist() -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", README):
        assert re.search(rf"^{target}:", makefile, re.M), target
