"""A machine's figures as a job's events tell them: what is absent or of another form is None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui.widgets.words import one_line


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a GPU that MIG splits."""

    number: int
    vram_used: float | None
    vram_total: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU's figures as an event told them; None where it did not.

    ``state`` is "lost" or "unread" where there are none; ``throttle`` says what lowers its clocks;
    ``parts`` are those that MIG splits it into.
    """

    index: int
    name: str
    vram_used: float | None
    vram_total: float | None
    util: float | None
    temperature: float | None
    power: float | None
    power_limit: float | None = None
    throttle: tuple[str, ...] = ()
    split: bool = False
    parts: tuple[Part, ...] = ()
    state: str = ""
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What was predicted of memory before a run, in bytes.

    ``total`` is all of it, ``parts`` are its parts by name, ``measured`` what a probe of one step
    took, ``device`` the GPU that it is of, as the event names it. On a CPU what the job held before
    is part of all three, as it is of the job's own memory.
    """

    total: float | None = None
    parts: tuple[tuple[str, float], ...] = ()
    measured: float | None = None
    device: str = ""


def said_of(fit: Mapping[str, object]) -> Said:
    """Read the fields of a ``fit`` event; what is absent or no number is left out."""
    predicted, measured = fit.get("predicted"), fit.get("measured")
    numbers = {
        str(name): number
        for name, value in (predicted.items() if isinstance(predicted, Mapping) else ())
        if (number := _number(value)) is not None
    }
    probe = measured.get("total") if isinstance(measured, Mapping) else measured
    total = numbers.pop("total", None) or sum(numbers.values()) or None
    before, took = _number(fit.get("before")) or 0.0, _number(probe)
    if before and total is not None:
        numbers["libraries"] = before
    device = fit.get("device")
    return Said(
        None if total is None else total + before,
        tuple(numbers.items()),
        None if took is None else took + before,
        device if isinstance(device, str) else "",
    )


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
    said: Said = Said()

    def said_of(self, card: Card) -> Said:
        """Return what was predicted for a GPU; nothing for one that the run is not on."""
        if self.said.total is None or len(self.cards) == 1:
            return self.said
        names = (card.uuid, card.name, f"cuda:{card.index}")
        known = [c for c in self.cards if self.said.device in (c.uuid, c.name, f"cuda:{c.index}")]
        if not known:
            return self.said if card is self.cards[0] else Said()
        return self.said if self.said.device in names else Said()


def machine_of(data: Mapping[str, object], fit: Mapping[str, object] | None = None) -> Machine:
    """Read the fields of a ``gpu`` event, and of a ``fit`` event what was predicted.

    What is absent or no number becomes None.
    """
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
        said=said_of(fit or {}),
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
        power_limit=_number(data.get("power_limit_w")),
        throttle=tuple(one_line(str(word)) for word in _list(data.get("throttle"))),
        split=data.get("mig") is True,
        parts=tuple(
            _part(place, part)
            for place, part in enumerate(_list(data.get("instances")))
            if isinstance(part, Mapping)
        ),
        state=str(data.get("state") or ""),
        uuid=str(data.get("uuid") or ""),
    )


def _part(place: int, data: Mapping[str, object]) -> Part:
    number = _number(data.get("number"))
    return Part(
        place if number is None else int(number),
        _number(data.get("vram_used")),
        _number(data.get("vram_total")),
    )


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
