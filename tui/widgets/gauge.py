"""The machine under a run: processor, memory, disk, and each NVIDIA card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Resize

from tui.widgets.lines import Lines
from tui.widgets.words import bar, fit, one_line

GIB = 1024**3

_HOT_C = 85.0
_FULL = 0.92


@dataclass(frozen=True, slots=True)
class Card:
    """A card's figures as an event told them; None where it did not."""

    index: int
    name: str
    vram_used: float | None
    vram_total: float | None
    util: float | None
    temperature: float | None
    power: float | None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a ``gpu`` event says. Memory and disk are bytes; percentages are 0 to 100.

    ``process_cpu`` is 100 for each core that the job keeps busy.
    """

    cpu: float | None = None
    ram_used: float | None = None
    ram_total: float | None = None
    disk_free: float | None = None
    process_cpu: float | None = None
    process_rss: float | None = None
    cards: tuple[Card, ...] = ()


def machine_of(data: Mapping[str, object]) -> Machine:
    """Read the fields of a ``gpu`` event; what is absent or no number becomes None."""
    cards = data.get("gpus")
    return Machine(
        cpu=_number(data.get("cpu_percent")),
        ram_used=_number(data.get("ram_used")),
        ram_total=_number(data.get("ram_total")),
        disk_free=_number(data.get("disk_free")),
        process_cpu=_number(data.get("process_cpu_percent")),
        process_rss=_number(data.get("process_rss")),
        cards=tuple(
            _card(place, card)
            for place, card in enumerate(cards if isinstance(cards, list) else [])
            if isinstance(card, Mapping)
        ),
    )


def _card(place: int, data: Mapping[str, object]) -> Card:
    index = _number(data.get("index"))
    return Card(
        index=place if index is None else int(index),
        name=one_line(str(data.get("name") or "")),
        vram_used=_number(data.get("vram_used")),
        vram_total=_number(data.get("vram_total")),
        util=_number(data.get("util_percent")),
        temperature=_number(data.get("temperature_c")),
        power=_number(data.get("power_w")),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def gauge(
    label: str,
    done: float | None,
    total: float | None,
    words: str,
    width: int,
    *,
    fills: bool = True,
) -> Content:
    """Return ``VRAM ▕████▎   ▏  9.8 of 12.0 GiB`` in ``width`` cells, the figures right-aligned.

    Without a known share the bar is left out. Of what ``fills`` up the bar warns from 92 % on.
    """
    label = f"{label:<5}"
    room = width - len(label) - 2 - max(len(words) + 1, 16)
    if done is None or not total or room < 4:
        return Content.assemble((label, "$text-muted"), fit(words, max(width - len(label), 1)))
    style = "$warning" if fills and done / total >= _FULL else "$primary"
    return Content.assemble(
        (label, "$text-muted"),
        ("▕", "$text-muted"),
        (bar(done, total, room), style),
        ("▏", "$text-muted"),
        f"{words:>{max(len(words) + 1, 16)}}"[: width - len(label) - room - 2],
    )


def _of(used: float | None, total: float | None) -> str:
    if used is None:
        return "not known"
    if total is None:
        return f"{used / GIB:.1f} GiB"
    return f"{used / GIB:.1f} of {total / GIB:.1f} GiB"


def disk_words(free: float) -> str:
    """Return free room in decimal units, as disks are sold and ``df -H`` says it."""
    return f"{free / 1e12:.1f} TB" if free >= 1e12 else f"{free / 1e9:,.0f} GB"


def full_lines(machine: Machine, width: int) -> list[Content]:
    """Return a block a card and one for the machine, for a panel of its own."""
    lines: list[Content] = []
    for card in machine.cards:
        name = fit(card.name, min(len(card.name), width - 8)) if card.name else ""
        lines.append(Content.assemble((f"GPU {card.index}", "bold $text-primary"), f"  {name}"))
        lines.append(
            gauge(
                "VRAM", card.vram_used, card.vram_total, _of(card.vram_used, card.vram_total), width
            )
        )
        busy = "not known" if card.util is None else f"{card.util:.0f}%"
        lines.append(gauge("busy", card.util, 100.0, busy, width, fills=False))
        lines.append(_heat(card))
        lines.append(Content(""))
    if machine.cards:
        lines.append(Content.styled("Machine", "bold $text-primary"))
    cpu = "not known" if machine.cpu is None else f"{machine.cpu:.0f}%"
    lines.append(gauge("CPU", machine.cpu, 100.0, cpu, width, fills=False))
    ram = _of(machine.ram_used, machine.ram_total)
    lines.append(gauge("RAM", machine.ram_used, machine.ram_total, ram, width))
    if machine.disk_free is not None:
        lines.append(_pair("disk", f"{disk_words(machine.disk_free)} free", width))
    if machine.process_rss is not None:
        own = f"{machine.process_rss / GIB:.1f} GiB"
        if machine.process_cpu is not None:
            own = f"CPU {machine.process_cpu:.0f}% · {own}"
        lines.append(_pair("job", own, width))
    return lines


def compact_lines(machine: Machine, width: int) -> list[Content]:
    """Return a line a card and one for the machine, for a narrow terminal."""
    lines = [_compact_card(card, width) for card in machine.cards]
    parts: list[tuple[str, str]] = []
    if machine.cpu is not None:
        parts += [("CPU ", "$text-muted"), (f"{machine.cpu:.0f}%   ", "")]
    if machine.ram_used is not None:
        parts += [("RAM ", "$text-muted"), (f"{_of(machine.ram_used, machine.ram_total)}   ", "")]
    if machine.disk_free is not None:
        parts += [("disk ", "$text-muted"), (f"{disk_words(machine.disk_free)} free   ", "")]
    if machine.process_rss is not None:
        parts += [("job ", "$text-muted"), (f"{machine.process_rss / GIB:.1f} GiB", "")]
    if parts:
        lines.append(Content.assemble(*parts))
    return lines


def _compact_card(card: Card, width: int) -> Content:
    words = _of(card.vram_used, card.vram_total)
    heat = _heat(card)
    busy = "" if card.util is None else f"{card.util:3.0f}%  "
    room = max(width - 12 - len(words) - len(busy) - heat.cell_length, 0)
    shown: list[Content | tuple[str, str]] = [
        (f"GPU {card.index}  ", "bold $text-primary"),
        (busy, ""),
    ]
    if card.vram_used is not None and card.vram_total and room >= 4:
        style = "$warning" if card.vram_used / card.vram_total >= _FULL else "$primary"
        shown += [
            ("▕", "$text-muted"),
            (bar(card.vram_used, card.vram_total, min(room, 16)), style),
            ("▏", "$text-muted"),
        ]
    return Content.assemble(*shown, f" {words}  ", heat)


def _heat(card: Card) -> Content:
    parts: list[tuple[str, str]] = []
    if card.temperature is not None:
        hot = "$warning" if card.temperature >= _HOT_C else ""
        parts.append((f"{card.temperature:.0f} °C", hot))
    if card.power is not None:
        parts.append((f"{'  ' if parts else ''}{card.power:.0f} W", ""))
    return Content.assemble(*parts)


def _pair(label: str, words: str, width: int) -> Content:
    return Content.assemble((f"{label:<5}", "$text-muted"), f"{words:>{max(width - 5, 1)}}")


class MachinePanel(Lines):
    """Shows a run's machine; a line a card where the panel is low, a block where it is not."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._machine = Machine()
        self._notes: tuple[Content, ...] = ()
        self._compact = False

    @property
    def compact(self) -> bool:
        """Whether a line a card is shown instead of a block."""
        return self._compact

    @compact.setter
    def compact(self, value: bool) -> None:
        if value != self._compact:
            self._compact = value
            self._draw()

    def show_machine(self, machine: Machine, notes: Sequence[Content] = ()) -> None:
        """Show other figures; ``notes`` stand below them in the tall form."""
        self._machine = machine
        self._notes = tuple(notes)
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw again at the new size."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width or 40
        if self._compact:
            self.show(compact_lines(self._machine, width))
        elif self._machine == Machine():
            self.show([Content.styled("no figures yet", "$text-muted"), *self._notes])
        else:
            self.show([*full_lines(self._machine, width), *self._notes])
