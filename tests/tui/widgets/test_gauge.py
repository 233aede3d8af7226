"""The machine's figures: right where they are known, honest where they are not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from engine.telemetry import Gpu, NvidiaCards
from tests.telemetry.recorded import HERE, real_recordings, recorded
from tui.widgets.gauge import GIB, MachinePanel, compact_lines, full_lines, said_lines
from tui.widgets.machine import machine_of

TWO_CARDS = {
    "cpu_percent": 12.0,
    "ram_used": 6.1 * GIB,
    "ram_total": 24.0 * GIB,
    "disk_free": 210e9,
    "process_cpu_percent": 198.0,
    "process_rss": 1.25 * GIB,
    "gpus": [
        {
            "index": 0, "name": "NVIDIA GeForce RTX 5070", "vram_used": 9.8 * GIB,
            "vram_total": 12.0 * GIB, "util_percent": 97.0, "temperature_c": 68.0, "power_w": 212.4,
        },
        {
            "index": 1, "name": "NVIDIA RTX A2000", "vram_used": 11.6 * GIB,
            "vram_total": 12.0 * GIB, "util_percent": None, "temperature_c": 91.0, "power_w": None,
        },
    ],
}  # fmt: skip


def full(data: dict[str, object], width: int = 40) -> list[str]:
    return [line.plain for line in full_lines(machine_of(data), width)]


def test_each_card_has_its_block() -> None:
    lines = full(TWO_CARDS)
    assert "GPU 0  NVIDIA GeForce RTX 5070" in lines[0]
    assert lines[1].startswith("VRAM ▕████")
    assert lines[1].endswith("9.8 of 12.0 GiB")
    assert lines[2].endswith("97%")
    assert lines[3] == "68 °C  212 W"
    assert "GPU 1  NVIDIA RTX A2000" in lines[5]
    assert lines[7].split() == ["busy", "not", "supported"]
    assert lines[8] == "91 °C"


def test_without_cards_the_machine_alone_is_shown() -> None:
    lines = full({**TWO_CARDS, "gpus": []})
    assert not any("GPU" in line for line in lines)
    assert lines[0].startswith("CPU")
    assert lines[1].endswith("6.1 of 24.0 GiB")
    assert lines[2].split() == ["disk", "210", "GB", "free"]
    assert lines[3].split() == ["job", "CPU", "198%", "·", "1.2", "GiB"]


def test_a_full_card_and_a_hot_one_warn() -> None:
    lines = full_lines(machine_of(TWO_CARDS), 40)
    warned = [line.plain for line in lines if any("$warning" in str(s.style) for s in line.spans)]
    assert any("11.6 of 12.0" in line for line in warned)
    assert "91 °C" in warned
    assert not any("9.8 of 12.0" in line for line in warned)


def test_a_narrow_terminal_gets_a_line_a_card() -> None:
    lines = [line.plain for line in compact_lines(machine_of(TWO_CARDS), 76)]
    assert len(lines) == 3
    assert "97%" in lines[0]
    assert "9.8 of 12.0 GiB" in lines[0]
    assert "68 °C" in lines[0]
    assert "CPU 12%" in lines[2]
    assert all(cell_len(line) <= 76 for line in lines)


def test_lines_keep_to_every_width() -> None:
    for width in range(24, 60):
        assert all(cell_len(line) <= width for line in full(TWO_CARDS, width))


def test_fields_of_another_form_are_not_known() -> None:
    machine = machine_of({"cpu_percent": "many", "gpus": "none", "ram_used": True})
    assert machine.cpu is None
    assert machine.ram_used is None
    assert machine.cards == ()


def test_a_name_with_escapes_is_inert() -> None:
    machine = machine_of({"gpus": [{"index": 0, "name": "\x1b[31mred"}]})
    assert "\x1b" not in full_lines(machine, 40)[0].plain


# -- GPUs as recordings of nvidia-smi say they were -----------------------------------------


def read(patch: Callable[..., None], text: str) -> tuple[Gpu, ...]:
    with recorded(text, patch=patch):
        return NvidiaCards().read()


def event_of(gpus: tuple[Gpu, ...]) -> dict[str, object]:
    """Return the fields of a ``gpu`` event as they come from a run's log."""
    written = json.dumps({"gpus": [asdict(gpu) for gpu in gpus]})
    found: dict[str, object] = json.loads(written)
    return found


@pytest.mark.parametrize("path", real_recordings(), ids=lambda path: path.stem)
def test_what_a_real_recording_says_stands_in_the_panel(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    text = path.read_text("utf-8")
    event = event_of(read(monkeypatch.setattr, text))
    own = re.sub(r"<mig_devices>.*?</mig_devices>", "", text, flags=re.DOTALL)
    total = re.search(r"<fb_memory_usage>\s*<total>(\d+) MiB", own)
    degrees = re.search(r"<gpu_temp>(\d+) C", own)
    watts = re.search(r"<(?:average_)?power_draw>([\d.]+) W", own)
    for lines in (full(event), [line.plain for line in compact_lines(machine_of(event), 76)]):
        shown = "\n".join(lines)
        assert total is not None
        assert f"of {int(total.group(1)) / 1024:.1f} GiB" in shown
        assert degrees is not None
        assert f"{degrees.group(1)} °C" in shown
        assert (" W" in shown) == (watts is not None)
        if watts is not None:
            assert f"{float(watts.group(1)):.0f} of" in shown
        assert all(cell_len(line) <= 76 for line in lines)


def hand(name: str) -> str:
    return (HERE / f"{name}.xml").read_text("utf-8")


def test_a_gpu_that_is_slowed_down_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_of(event_of(read(monkeypatch.setattr, hand("three-gpus-hot"))))
    lines = full_lines(machine, 40)
    shown = [line.plain for line in lines]
    assert "86 °C  250 of 250 W" in shown
    assert "power cap" in shown
    slow = lines[shown.index("! thermal slowdown")]
    assert any("$warning" in str(span.style) for span in slow.spans)
    assert "power cap  ! thermal slowdown" in compact_lines(machine, 120)[0].plain


def test_a_split_gpu_shows_its_parts_and_no_utilisation(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_of(event_of(read(monkeypatch.setattr, hand("three-gpus"))))
    shown = [line.plain for line in full_lines(machine, 40)]
    assert any(line.startswith(" MIG0") and line.endswith("8.1 of 19.5 GiB") for line in shown)
    assert any(line.startswith(" MIG1") and line.endswith("0.0 of 9.6 GiB") for line in shown)
    assert any("split by MIG: not told" in line for line in shown)
    narrow = [line.plain for line in compact_lines(machine, 76)]
    assert "split by MIG" in narrow[1]
    assert "MIG 0  8.1 of 19.5 GiB" in narrow[2]


def test_what_a_gpu_does_not_support_is_said_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = hand("three-gpus")
    for field in ("1998 MiB", "12 MiB", "1986 MiB"):
        text = text.replace(f">{field}<", ">N/A<")
    machine = machine_of(event_of(read(monkeypatch.setattr, text)))
    shown = [line.plain for line in full_lines(machine, 40)]
    at = next(index for index, line in enumerate(shown) if line.startswith("GPU 2"))
    assert shown[at + 1].split() == ["VRAM", "not", "supported"]
    assert shown[at + 3] == "33 °C"


def test_a_lost_gpu_is_lost_and_the_others_have_their_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = machine_of(event_of(read(monkeypatch.setattr, hand("three-gpus-lost"))))
    lines = full_lines(machine, 40)
    assert lines[1].plain == "✗ lost: it fell off the bus"
    assert any("$text-error" in str(span.style) for span in lines[1].spans)
    assert any("8.7 of 40.0 GiB" in line.plain for line in lines)
    assert "lost" in compact_lines(machine, 76)[0].plain


# -- memory against its prediction ----------------------------------------------------------

FIT = {
    "predicted": {
        "weights": 5.6 * GIB, "adapter": 0.1 * GIB, "gradients": 0.02 * GIB,
        "activations": 2.2 * GIB, "logits": 1.2 * GIB, "total": 9.6 * GIB,
    },
    "measured": {"total": 9.7 * GIB},
    "device": "cuda:0",
}  # fmt: skip


def test_memory_stands_beside_what_was_said_of_it() -> None:
    machine = machine_of(TWO_CARDS, FIT)
    shown = [line.plain for line in full_lines(machine, 40)]
    assert shown[2].split() == ["said", "9.6", "GiB", "·", "probe", "9.7"]
    assert sum("said" in line for line in shown) == 1  # of the GPU that it was said of
    assert "9.8 of 12.0 GiB (9.6 said)" in compact_lines(machine, 76)[0].plain
    parts = " ".join(line.plain for line in said_lines(machine.said, 36))
    assert " ".join(parts.split()) == "weights 5.6 adapter 0.1 activations 2.2 logits 1.2"


async def test_the_parts_of_memory_are_wrapped_for_the_width_that_the_panel_gets() -> None:
    """A run may be shown before its panel has a size."""

    class Host(App[None]):
        def compose(self) -> ComposeResult:
            panel = MachinePanel()
            panel.show_machine(machine_of(TWO_CARDS, FIT))
            yield panel

    for width, last in ((60, "weights 5.6"), (20, "logits 1.2")):
        async with Host().run_test(size=(width, 30)) as pilot:
            panel = pilot.app.query_one(MachinePanel)
            line = panel.lines[-1].plain
            assert line.startswith(last)
            assert ("logits 1.2" in line, cell_len(line) <= width) == (True, True)


def test_on_the_processor_it_is_the_jobs_own_memory() -> None:
    machine = machine_of({**TWO_CARDS, "gpus": []}, FIT)
    shown = [line.plain for line in full_lines(machine, 40)]
    assert shown[3].endswith("1.2 GiB")
    assert shown[4].split() == ["said", "9.6", "GiB", "·", "probe", "9.7"]
    assert "job 1.2 GiB (9.6 said)" in compact_lines(machine, 90)[0].plain


def test_what_a_job_held_before_its_base_is_part_of_what_is_said_of_it() -> None:
    machine = machine_of({**TWO_CARDS, "gpus": []}, {**FIT, "before": 0.5 * GIB})
    shown = [line.plain for line in full_lines(machine, 40)]
    assert shown[4].split() == ["said", "10.1", "GiB", "·", "probe", "10.2"]
    parts = " ".join(" ".join(line.plain for line in said_lines(machine.said, 60)).split())
    assert parts.endswith("logits 1.2 libraries 0.5")


@pytest.mark.parametrize("fit", [{}, {"predicted": None}, {"predicted": {"total": "much"}}])
def test_without_a_prediction_nothing_is_said(fit: dict[str, object]) -> None:
    assert not any("said" in line.plain for line in full_lines(machine_of(TWO_CARDS, fit), 40))
