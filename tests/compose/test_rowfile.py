from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.compose.rowfile import RowFile
from engine.errors import ComposeError


def test_rows_are_appended_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    with RowFile(path) as file:
        assert file.rows == []
        file.append([{"n": 1}, {"n": 2, "ț": "é\n"}])
        file.append([])
    with RowFile(path) as file:
        assert file.rows == [{"n": 1}, {"n": 2, "ț": "é\n"}]
        file.append([{"n": 3}])
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {"n": 1}, {"n": 2, "ț": "é\n"}, {"n": 3},
    ]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 200))
def test_a_row_that_was_cut_off_is_taken_away_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"number": number, "text": "ăâî" * 5} for number in range(4)]
    whole = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    kept = whole[: max(0, len(whole) - cut)]
    path.write_bytes(kept)
    with RowFile(path) as file:
        assert file.rows == rows[: kept.count(b"\n")]
        file.append([{"after": True}])
    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [*rows[: kept.count(b"\n")], {"after": True}]


def test_lines_of_a_person_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('# mine\n{"n": 1}\n[2]\n\n', "utf-8")
    with RowFile(path) as file:
        assert file.rows == [{"n": 1}]
        file.append([{"n": 2}])
    assert path.read_text("utf-8") == '# mine\n{"n": 1}\n[2]\n\n{"n": 2}\n'


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    code = (
        "import sys; from pathlib import Path; from engine.compose.rowfile import RowFile\n"
        "with RowFile(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(ComposeError, match="another process"):
            RowFile(path)
        holder.communicate()
    with RowFile(path) as file:
        assert file.rows == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match="can't be written"):
        RowFile(tmp_path)
