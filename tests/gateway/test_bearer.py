"""The lines to copy hold the token that requests need, as a shell finds out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.cli.serve import _print_ways
from engine.gateway.bearer import VARIABLE, find_token, shell_key
from engine.gateway.state import ServerState

OF_FILE, OF_VARIABLE = "of-the-file-0123456789", "of-the-variable-0123456789"


@pytest.mark.parametrize("variable", ["", OF_VARIABLE])
@pytest.mark.parametrize("file", [None, "its token"])
def test_a_shell_gets_the_token_that_the_server_wants(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    file: str | None,
) -> None:
    monkeypatch.setenv(VARIABLE, variable)
    path = None if file is None else tmp_path / file
    if path is not None:
        path.write_text(OF_FILE + "\n")
        path.chmod(0o600)
    token, made = find_token(path)
    if made:  # it is shown once, as itself
        return
    _print_ways(ServerState(url="http://127.0.0.1:1", model="m"), path, "")
    [line] = [one for one in capsys.readouterr().out.splitlines() if "OPENAI_API_KEY=" in one]
    assert token not in line
    assert shell_key(path) in line
    found = subprocess.run(
        ["sh", "-c", f'{line}; printf %s "$OPENAI_API_KEY"'], capture_output=True, check=True
    )
    assert found.stdout.decode() == token
