"""The machine's figures: right where they are known, honest where they are not."""

from __future__ import annotations

from rich.cells import cell_len

from tui.widgets.gauge import GIB, compact_lines, full_lines, machine_of

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
    assert lines[7].split() == ["busy", "not", "known"]
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
