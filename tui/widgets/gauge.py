"""The machine under a run: processor, memory, disk, and each NVIDIA GPU."""

from __future__ import annotations

from textual.content import Content
from textual.events import Resize

from tui.widgets.lines import Lines
from tui.widgets.machine import Card, Machine, Part, Said
from tui.widgets.words import bar, fit

GIB = 1024**3

NOT_SUPPORTED = "not supported"
"""What stands for a figure that a GPU or its driver does not have."""

_HOT_C = 85.0
_FULL = 0.92


_SLOWING = ("slowdown", "brake")
"""What stands in a throttle reason that is no normal limit of a busy GPU."""


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
        return NOT_SUPPORTED
    if total is None:
        return f"{used / GIB:.1f} GiB"
    return f"{used / GIB:.1f} of {total / GIB:.1f} GiB"


def disk_words(free: float) -> str:
    """Return free room in decimal units, as disks are sold and ``df -H`` says it."""
    return f"{free / 1e12:.1f} TB" if free >= 1e12 else f"{free / 1e9:,.0f} GB"


def full_lines(machine: Machine, width: int) -> list[Content]:
    """Return a block a GPU and one for the machine, for a panel of its own."""
    lines: list[Content] = []
    for card in machine.cards:
        name = fit(card.name, min(len(card.name), width - 8)) if card.name else ""
        lines.append(Content.assemble((f"GPU {card.index}", "bold $text-primary"), f"  {name}"))
        lines += _gone(card) or _card_lines(card, machine.said_of(card), width)
        lines.append(Content(""))
    if machine.cards:
        lines.append(Content.styled("Machine", "bold $text-primary"))
    cpu = "not known" if machine.cpu is None else f"{machine.cpu:.0f}%"
    lines.append(gauge("CPU", machine.cpu, 100.0, cpu, width, fills=False))
    ram = "not known" if machine.ram_used is None else _of(machine.ram_used, machine.ram_total)
    lines.append(gauge("RAM", machine.ram_used, machine.ram_total, ram, width))
    if machine.disk_free is not None:
        lines.append(_pair("disk", f"{disk_words(machine.disk_free)} free", width))
    if machine.process_rss is not None:
        own = f"{machine.process_rss / GIB:.1f} GiB"
        if machine.process_cpu is not None:
            own = f"CPU {machine.process_cpu:.0f}% · {own}"
        lines.append(_pair("job", own, width))
    if not machine.cards and machine.said.total is not None:
        lines.append(_pair("said", _said_words(machine.said), width))
    return lines


def _gone(card: Card) -> list[Content]:
    """Return what is said of a GPU that has no figures, or nothing."""
    if card.state == "lost":
        return [Content.styled("✗ lost: it fell off the bus", "$text-error")]
    if card.state:
        return [Content.styled("! NVIDIA's library does not answer", "$text-warning")]
    return []


def _card_lines(card: Card, said: Said, width: int) -> list[Content]:
    used = _of(card.vram_used, card.vram_total)
    lines = [gauge("VRAM", card.vram_used, card.vram_total, used, width)]
    if said.total is not None:
        lines.append(_pair("said", _said_words(said), width))
    for part in card.parts:
        words = _of(part.vram_used, part.vram_total)
        lines.append(gauge(f" MIG{part.number}", part.vram_used, part.vram_total, words, width))
    if card.split:
        lines.append(_pair("busy", "split by MIG: not told", width))
    else:
        busy = NOT_SUPPORTED if card.util is None else f"{card.util:.0f}%"
        lines.append(gauge("busy", card.util, 100.0, busy, width, fills=False))
    lines.append(_heat(card))
    return lines + [_slow(word) for word in card.throttle]


def _said_words(said: Said) -> str:
    probe = "" if said.measured is None else f" · probe {said.measured / GIB:.1f}"
    return f"{(said.total or 0.0) / GIB:.1f} GiB{probe}"


def said_lines(said: Said, width: int) -> list[Content]:
    """Return the parts of what was predicted of memory, as many to a line as fit."""
    lines: list[Content] = []
    for name, size in said.parts:
        if size < 0.05 * GIB and size < 0.02 * (said.total or 0.0):
            continue  # it would say 0.0
        label = name.replace("_", " ")
        part = Content.assemble((f"{label} ", "$text-muted"), f"{size / GIB:.1f}")
        if lines and lines[-1].cell_length + 2 + part.cell_length <= width:
            lines[-1] += "  " + part
        else:
            lines.append(part)
    return lines


def _slow(word: str) -> Content:
    slowing = any(sign in word for sign in _SLOWING)
    return Content.styled(
        f"{'! ' if slowing else ''}{word}", "$warning" if slowing else "$text-muted"
    )


def compact_lines(machine: Machine, width: int) -> list[Content]:
    """Return a line a GPU and one for the machine, for a narrow terminal."""
    lines: list[Content] = []
    for card in machine.cards:
        lines.append(_compact_card(card, machine.said_of(card), width))
        lines += [_compact_part(part, width) for part in card.parts]
    parts: list[tuple[str, str]] = []
    if machine.cpu is not None:
        parts += [("CPU ", "$text-muted"), (f"{machine.cpu:.0f}%   ", "")]
    if machine.ram_used is not None:
        parts += [("RAM ", "$text-muted"), (f"{_of(machine.ram_used, machine.ram_total)}   ", "")]
    if machine.disk_free is not None:
        parts += [("disk ", "$text-muted"), (f"{disk_words(machine.disk_free)} free   ", "")]
    if machine.process_rss is not None:
        parts += [("job ", "$text-muted"), (f"{machine.process_rss / GIB:.1f} GiB", "")]
        if not machine.cards and machine.said.total is not None:
            parts.append((f" ({machine.said.total / GIB:.1f} said)", "$text-muted"))
    if parts:
        lines.append(Content.assemble(*parts))
    return lines


def _compact_card(card: Card, said: Said, width: int) -> Content:
    name: tuple[str, str] = (f"GPU {card.index}  ", "bold $text-primary")
    if gone := _gone(card):
        return Content.assemble(name, gone[0])
    words = _of(card.vram_used, card.vram_total)
    if said.total is not None:
        words += f" ({said.total / GIB:.1f} said)"
    heat = _heat(card)
    busy = "" if card.util is None else f"{card.util:3.0f}%  "
    if card.split:
        busy = "split by MIG  "
    slow = Content("  ").join([_slow(word) for word in card.throttle])
    used = 12 + len(words) + len(busy) + heat.cell_length + slow.cell_length
    room = max(width - used - 2, 0)
    shown: list[Content | tuple[str, str]] = [name, (busy, "")]
    if card.vram_used is not None and card.vram_total and room >= 4:
        style = "$warning" if card.vram_used / card.vram_total >= _FULL else "$primary"
        shown += [
            ("▕", "$text-muted"),
            (bar(card.vram_used, card.vram_total, min(room, 16)), style),
            ("▏", "$text-muted"),
        ]
    line = Content.assemble(*shown, f" {words}  ", heat, *(("  ", slow) if slow.plain else ()))
    return line.truncate(width)


def _compact_part(part: Part, width: int) -> Content:
    words = f"MIG {part.number}  {_of(part.vram_used, part.vram_total)}"
    return Content.assemble(("       ", ""), (words, "$text-muted")).truncate(width)


def _heat(card: Card) -> Content:
    parts: list[tuple[str, str]] = []
    if card.temperature is not None:
        hot = "$warning" if card.temperature >= _HOT_C else ""
        parts.append((f"{card.temperature:.0f} °C", hot))
    if card.power is not None:
        limit = "" if card.power_limit is None else f" of {card.power_limit:.0f}"
        parts.append((f"{'  ' if parts else ''}{card.power:.0f}{limit} W", ""))
    return Content.assemble(*parts)


def _pair(label: str, words: str, width: int) -> Content:
    return Content.assemble((f"{label:<5}", "$text-muted"), f"{words:>{max(width - 5, 1)}}")


class MachinePanel(Lines):
    """Shows a run's machine; a line a card where the panel is low, a block where it is not."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._machine = Machine()
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

    def show_machine(self, machine: Machine) -> None:
        """Show other figures; the parts of what was predicted stand below them in the tall form."""
        self._machine = machine
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Draw again at the new size."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width or 40
        if self._compact:
            self.show(compact_lines(self._machine, width))
        elif self._machine == Machine():
            self.show([Content.styled("no figures yet", "$text-muted")])
        else:
            said = said_lines(self._machine.said, width)
            above = [Content("")] if said else []
            self.show([*full_lines(self._machine, width), *above, *said])
