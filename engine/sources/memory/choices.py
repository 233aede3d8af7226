"""What a person can set about an app's memory. The names are those of the app's export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import UsageError
from engine.sources.base import Option

_ON_OFF = ("on", "off")
_LONGEST_WAIT = 86_400.0

OPTIONS = (
    Option("format", "The format an address is asked for; whatever comes is recognised.", "chatml"),
    Option(
        "quality_filter",
        "Leave out what the app holds for unimportant or unsure, and what says too little.",
        "on",
        _ON_OFF,
    ),
    Option("deduplicate", "Read what stands there twice once.", "on", _ON_OFF),
    Option("include_system", "Put the personality in front of each example.", "on", _ON_OFF),
    Option(
        "validation_split",
        "The share that is marked for validation, such as 0.1; the app's own marks come first.",
        "0",
    ),
    Option("timeout", "How many seconds an address has for the whole export.", "900"),
    Option(
        "insecure",
        "Send the token over plain http to another machine, where it can be read on its way.",
        "no",
        ("no", "yes"),
    ),
)


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of a source, understood. ``timeout_s`` is in seconds."""

    format: str = "chatml"
    quality_filter: bool = True
    deduplicate: bool = True
    include_system: bool = True
    validation_split: float = 0.0
    timeout_s: float = 900.0
    insecure: bool = False


def choices_of(options: Mapping[str, str]) -> Choices:
    """Return a source's options with their defaults.

    Raises:
        UsageError: A number is none, or out of its range.
    """
    values = {option.name: options.get(option.name) or option.default for option in OPTIONS}
    return Choices(
        format=values["format"],
        quality_filter=values["quality_filter"] == "on",
        deduplicate=values["deduplicate"] == "on",
        include_system=values["include_system"] == "on",
        validation_split=_number("validation_split", values, 0.0, 0.9, "a share such as 0.1"),
        timeout_s=_number("timeout", values, 1.0, _LONGEST_WAIT, "seconds, such as 900"),
        insecure=values["insecure"] == "yes",
    )


def _number(name: str, values: Mapping[str, str], least: float, most: float, example: str) -> float:
    try:
        number = float(values[name])
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise UsageError(
            f"the option {name} can't be {values[name][:40]}",
            hint=f"it is {example}, from {least:g} to {most:g}",
        )
    return number
