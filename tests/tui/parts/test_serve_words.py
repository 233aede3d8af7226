"""What the Serve panel says: lines that a shell understands, foreign words that steer nothing."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.gateway.control import Reloaded
from engine.gateway.state import ServerState
from tests.tui.server_job import SERVING, URL
from tui.bridge.serving import Model, Seen
from tui.parts import serve_words as words

STATE = ServerState(**SERVING)  # type: ignore[arg-type]
TOKEN = "s3cret-of_this.server"


def changed(**changes: object) -> Seen:
    return Seen(running=True, state=ServerState(**{**SERVING, **changes}), minutes=12)  # type: ignore[arg-type]


def shown(seen: Seen, exports: int | None = 1) -> str:
    blocks = words.state_blocks(seen, exports)
    right = [block.right.plain for block in blocks if block.right is not None]
    return "\n".join([*(block.content.plain for block in blocks), *right])


def in_a_shell(script: str, **environment: str) -> list[str]:
    """Run lines in a shell and return what they printed, by zero bytes."""
    done = subprocess.run(
        ["/bin/sh", "-euc", script], capture_output=True, env=environment, check=True
    )
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize(
    ("key", "arrives"), [(TOKEN, TOKEN), ("$FINETUI_SERVE_TOKEN", "of-ones-own")]
)
def test_the_copied_lines_set_address_and_key_in_a_shell(key: str, arrives: str) -> None:
    script = words.export_lines(STATE, key)
    script += '\nprintf "%s\\0" "$OPENAI_BASE_URL" "$OPENAI_API_KEY"'
    found = in_a_shell(script, FINETUI_SERVE_TOKEN="of-ones-own")
    assert found == [f"{URL}/v1", arrives]


def test_a_server_that_asks_for_no_token_gets_a_key_that_clients_accept() -> None:
    state = ServerState(**{**SERVING, "open": True})  # type: ignore[arg-type]
    assert "OPENAI_API_KEY=none" in words.export_lines(state, TOKEN)
    assert "Authorization" not in words.curl_line(state)


def test_the_curl_line_is_one_command_with_the_key_of_the_shell() -> None:
    line = words.curl_line(STATE)
    assert "\n" not in line
    # The shell's own words for it, with curl replaced by what prints its arguments.
    script = f'curl() {{ printf "%s\\0" "$@"; }}; {line}'
    address, *rest = in_a_shell(script, OPENAI_API_KEY="from-the-shell")
    assert address == f"{URL}/v1/chat/completions"
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    assert "Authorization: Bearer from-the-shell" in rest
    assert "Content-Type: application/json" in rest
    assert json.loads(options["-d"])["messages"] == [{"role": "user", "content": "Hello"}]


def test_an_address_that_somebody_wrote_into_the_file_runs_nothing(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:1; touch {tmp_path}/ran; $(touch {tmp_path}/ran) '"
    state = ServerState(**{**SERVING, "url": url})  # type: ignore[arg-type]
    script = words.export_lines(state, "k") + '\nprintf "%s\\0" "$OPENAI_BASE_URL"'
    assert in_a_shell(script) == [f"{url}/v1"]
    script = f'curl() {{ printf "%s\\0" "$1"; }}; {words.curl_line(state)}'
    assert in_a_shell(script, OPENAI_API_KEY="k") == [f"{url}/v1/chat/completions"]
    assert not (tmp_path / "ran").exists()


def use(seen: Seen, key: str, *, made: bool) -> str:
    return "\n".join(block.content.plain for block in words.use_blocks(seen, key, made=made))


def test_the_pane_names_the_key_and_hides_the_token() -> None:
    pane = use(changed(), TOKEN, made=True)
    assert f"export OPENAI_BASE_URL={URL}/v1" in pane
    assert TOKEN not in pane
    pane = use(changed(), "$FINETUI_SERVE_TOKEN", made=False)
    assert "export OPENAI_API_KEY=$FINETUI_SERVE_TOKEN" in pane
    assert "started with" in pane


def test_the_token_is_shown_whole_and_said_to_be_kept_nowhere() -> None:
    first, second = words.token_lines(TOKEN)
    assert "kept nowhere" in first.plain
    assert second.plain == TOKEN


@pytest.mark.parametrize(
    ("phase", "sign", "says"),
    [
        ("starting", "…", "starting"),
        ("serving", "●", "serving"),
        ("switching", "…", "changing models"),
        ("restarting", "!", "started again"),
        ("idle", "○", "next request"),
        ("lent", "○", "training run"),
    ],
)
def test_each_phase_has_a_sign_and_words(phase: str, sign: str, says: str) -> None:
    line = words.phase_line(changed(phase=phase)).plain
    assert line.startswith(f"{sign} ")
    assert says in line


def test_a_server_that_was_asked_to_end_says_so_whatever_its_phase() -> None:
    assert words.phase_line(replace(changed(), stopping=True)).plain.startswith("… answering")


def test_all_figures_have_their_units() -> None:
    seen = changed(
        active=3,
        waiting=2,
        failed=4,
        tokens_per_s=41.24,
        swaps=1,
        restarts=2,
        said="loaded it",
        next="other:f16",
    )
    text = shown(seen)
    for part in (
        "brief:q4_k_m", "other:f16", "native", f"{URL} · token",
        "3 active · 2 waiting · 1,204 answered · ✗ 4 failed",
        "41.2 tokens/s · 45,678 written · 81,200 read", "412 MB",
        "1 reload · 2 restarts of the engine", "loaded it", "up 12 min",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("minutes", "says"),
    [(0, "under a minute"), (1, "1 min"), (59, "59 min"), (125, "2 h 5 min"), (4320, "3 days")],
)
def test_uptime_is_in_minutes(minutes: int, says: str) -> None:
    assert words.up_words(minutes) == says


def test_what_the_server_says_steers_nothing() -> None:
    hostile = "\x1b[31m[bold]x[/]\x07\u202e"
    text = shown(changed(said=hostile, model=hostile, engine=hostile, url=hostile, next=hostile))
    pane = use(changed(url=hostile), "$FINETUI_SERVE_TOKEN", made=False)
    for dangerous in ("\x1b", "\x07", "\u202e"):
        assert dangerous not in text + pane


def test_a_server_elsewhere_is_said_to_be_there() -> None:
    seen = Seen(running=True, host="lab-2", state=STATE, minutes=3)
    assert "serving on lab-2" in shown(seen)
    assert f"{URL} on lab-2" in shown(seen)


def test_no_server_teaches_what_makes_one() -> None:
    assert "s starts one" in shown(Seen(), 2)
    without = shown(Seen(), 0)
    assert "s starts one" not in without
    assert "4 goes to Train, where e exports a run" in without


def test_why_a_server_ended_is_said_with_what_to_do() -> None:
    seen = Seen(state=STATE, error="the process ended: killed by a signal", hint="start it again")
    text = shown(seen)
    assert "✗ not running" in text
    assert "killed by a signal" in text
    assert "Fix: start it again" in text
    assert "it served brief:q4_k_m" in text


def test_stopping_a_busy_server_is_asked_with_its_requests() -> None:
    assert words.stop_question(changed(active=1, waiting=2))[0] == (
        "Stop the server with 1 request being answered and 2 requests waiting?"
    )


@pytest.mark.parametrize(("waited", "says"), [(True, "waited"), (False, "no request had to")])
def test_a_reload_says_how_long_it_took(waited: bool, says: str) -> None:
    done = Reloaded("other:f16", "brief:q4_k_m", 3.21, waited, "Yes.")
    message, hint = words.reloaded_words(done)
    assert message == "other:f16 answers now, after 3.2 s"
    assert says in hint


def test_nothing_is_said_to_go_on_where_no_server_runs() -> None:
    seen = changed()
    assert words.goes_on_words(seen).endswith(" goes on")
    assert words.goes_on_words(replace(seen, running=False)) == ""


def test_the_model_that_answers_is_marked_among_the_others() -> None:
    models = [
        Model(str(SERVING["run"]), "brief", quant, "tiny", 8_000_000, 1000.0)
        for quant in ("f16", "q4_k_m")
    ]
    rows = words.model_rows(models, 1000.0 + 7200, changed())
    assert [row[0][0].strip() for row in rows] == ["", "●"]
    assert "2 hours ago" in rows[0][-1][0]
