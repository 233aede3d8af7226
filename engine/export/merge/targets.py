"""Which layers an adapter's configuration names, and at which rank and alpha, by peft's rules.

What peft takes for patterns are regular expressions of whoever wrote the file, and one of those can
take for ever. So names and patterns that are more than names are matched by a child,
``python -m engine.export.merge.targets``, which has some seconds.
"""

from __future__ import annotations

import json
import math
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.bases.locate import ADAPTER_CONFIG
from engine.child import Cancelled, quiet, run_child, run_step
from engine.errors import AdapterInvalid
from engine.paths import shell_path

LIMIT_S = 10.0
"""How long patterns may take."""
ALL_LINEAR = "all-linear"

# A dot matches anything, and yet nothing here can be matched in more ways than a name has letters.
_PLAIN = re.compile(r"[\w.-]*")
_FIRST_NUMBER = re.compile(r".*?\.[^.]*\.(?P<idx>\d+)\.")
REMEDY = (
    "take the run's other adapter with --adapter best or --adapter last, put its files back, or "
    "train again"
)
"""What to do about an adapter of a run that is damaged."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a configuration says of layers.

    Attributes:
        targets: Those that it names, of the modules that were asked about.
        ranks: The rank of each adapted layer.
        alphas: The alpha of each.
    """

    targets: frozenset[str]
    ranks: Mapping[str, int]
    alphas: Mapping[str, float]


def check_settings(directory: Path, config: Mapping[str, Any]) -> None:
    """Raise where a setting is not of the kind that peft takes.

    Args:
        directory: The adapter's folder.
        config: Its ``adapter_config.json``.

    Raises:
        AdapterInvalid: The message names the setting.
    """
    rank, alpha = config.get("r", 8), config.get("lora_alpha", 8)
    if not _is_rank(rank):
        raise _wrong(directory, "r", rank, "which is no whole number over 0")
    if not _is_alpha(alpha):
        raise _wrong(directory, "lora_alpha", alpha, "which is no number over 0")
    for name, fits in (("rank_pattern", _is_rank), ("alpha_pattern", _is_alpha)):
        patterns = config.get(name) or {}
        if not isinstance(patterns, dict):
            raise _wrong(directory, name, patterns, "which does not give layers a number each")
        for key, value in patterns.items():
            if not fits(value):
                raise _wrong(directory, f"{name} of {key}", value, "which is no number over 0")
    for name in ("target_modules", "exclude_modules", "layers_pattern"):
        if not _is_names(config.get(name), also_one=True):
            raise _wrong(directory, name, config[name], "which is no name or list of names")
    for name in ("modules_to_save", "target_parameters"):
        if not _is_names(config.get(name)):
            raise _wrong(directory, name, config[name], "which is no list of names")
    places = config.get("layers_to_transform")
    if not (places is None or _is_int(places) or _is_list_of(places, _is_int)):
        raise _wrong(directory, "layers_to_transform", places, "which is no list of layers")


def names_of(
    directory: Path, config: Mapping[str, Any], modules: Sequence[str], layers: Sequence[str]
) -> Named:
    """Return what an adapter's configuration says of layers.

    Args:
        directory: The adapter's folder.
        config: Its ``adapter_config.json``, which was checked.
        modules: The names of modules that may be targets.
        layers: The names of layers whose rank and alpha are wanted.

    Raises:
        AdapterInvalid: A pattern is no regular expression, or takes too long.
    """
    told = {"config": _of_names(config), "modules": list(modules), "layers": list(layers)}
    where = f"the adapter in {shell_path(directory)}"
    if all(_PLAIN.fullmatch(pattern) for pattern in _patterns(config)):
        return _match(told)
    end = time.monotonic() + LIMIT_S
    try:
        answer = run_child(
            "engine.export.merge.targets",
            [],
            quiet,
            given=json.dumps(told),
            cancelled=lambda: time.monotonic() > end,
        )
    except Cancelled as error:
        raise AdapterInvalid(
            f"{where} has patterns in its {ADAPTER_CONFIG} that can't be matched with its layers "
            f"in {LIMIT_S:.0f} seconds",
            hint="name its layers there in full, without patterns",
        ) from error
    except AdapterInvalid as error:
        raise AdapterInvalid(f"{where} {error.message}", hint=error.hint) from error
    return Named(frozenset(answer["targets"]), answer["ranks"], answer["alphas"])


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_rank(value: Any) -> bool:
    return _is_int(value) and value > 0


def _is_alpha(value: Any) -> bool:
    number = isinstance(value, float) or _is_int(value)
    return number and value > 0 and math.isfinite(value)


def _is_list_of(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(fits, value))


def _is_names(value: Any, *, also_one: bool = False) -> bool:
    one = value is None or (also_one and isinstance(value, str))
    return one or _is_list_of(value, lambda name: isinstance(name, str))


def _wrong(directory: Path, name: str, value: Any, why: str) -> AdapterInvalid:
    return AdapterInvalid(
        f"the adapter in {shell_path(directory)} has {name} {repr(value)[:80]} in its "
        f"{ADAPTER_CONFIG}, {why}",
        hint=REMEDY,
    )


def _of_names(config: Mapping[str, Any]) -> dict[str, Any]:
    known = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "target_modules", "layers_pattern")
    more = ("exclude_modules", "modules_to_save", "layers_to_transform")
    return {name: config[name] for name in (*known, *more) if config.get(name) is not None}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _patterns(config: Mapping[str, Any]) -> list[str]:
    """Return what is matched as a regular expression."""
    found = [*(config.get("rank_pattern") or ()), *(config.get("alpha_pattern") or ())]
    found += [*_listed(config.get("layers_pattern")), *_listed(config.get("modules_to_save"))]
    whole = (config.get("target_modules"), config.get("exclude_modules"))
    return found + [pattern for pattern in whole if isinstance(pattern, str)]


def _compiled(pattern: str, inside: str = "{}") -> re.Pattern[str]:
    try:
        # Alone first: what closes a bracket of ours is no expression of its own.
        re.compile(pattern)
        return re.compile(inside.replace("{}", pattern))
    except (re.error, OverflowError, RecursionError) as error:
        raise AdapterInvalid(
            f"has {pattern[:80]!r} in its {ADAPTER_CONFIG}, which is no regular expression: "
            f"{error}",
            hint=REMEDY,
        ) from error


class _Rules:
    """The rules by which peft 0.21 chooses modules (its ``check_target_module_exists``)."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        targets, excluded = config.get("target_modules"), config.get("exclude_modules")
        self._targets = _compiled(targets) if isinstance(targets, str) else None
        self._excluded = _compiled(excluded) if isinstance(excluded, str) else None
        saved = config.get("modules_to_save") or ()
        self._saved = [_compiled(name, r"(^|.*\.){}($|\..*)") for name in saved]
        self._places = [
            _compiled(name, r"(?:^|.*?\.){}\.(?P<idx>\d+)\.")
            for name in _listed(config.get("layers_pattern"))
        ] or [_FIRST_NUMBER]

    def chooses(self, name: str) -> bool:
        """Say whether a module is adapted."""
        if self._excluded is not None:
            if self._excluded.fullmatch(name):
                return False
        elif _ends(name, self._config.get("exclude_modules")):
            return False
        if any(pattern.match(name) for pattern in self._saved):
            return False
        if self._targets is not None:
            return self._targets.fullmatch(name) is not None
        return _ends(name, self._config.get("target_modules")) and self._is_transformed(name)

    def _is_transformed(self, name: str) -> bool:
        wanted = self._config.get("layers_to_transform")
        if wanted is None or wanted == []:
            return True
        found = next((hit for rule in self._places if (hit := rule.match(name))), None)
        return found is not None and int(found["idx"]) in ([wanted] if _is_int(wanted) else wanted)


def _ends(name: str, endings: Any) -> bool:
    return any(name == ending or name.endswith(f".{ending}") for ending in endings or ())


def _match(told: Mapping[str, Any]) -> Named:
    config = told["config"]
    rules = _Rules(config)
    values = []
    for name, usual in (("rank_pattern", "r"), ("alpha_pattern", "lora_alpha")):
        patterns = [
            (_compiled(key, r"(.*\.)?({})$"), value) for key, value in config.get(name, {}).items()
        ]
        values.append(
            {
                layer: next(
                    (value for pattern, value in patterns if pattern.match(layer)),
                    config.get(usual, 8),
                )
                for layer in told["layers"]
            }
        )
    return Named(frozenset(filter(rules.chooses, told["modules"])), *values)


def main(_: Sequence[str]) -> dict[str, Any]:
    """Match what standard input tells."""
    # Whoever asked may be gone; what the system does at the alarm waits for no expression.
    signal.alarm(math.ceil(LIMIT_S) + 1)
    found = _match(json.load(sys.stdin))
    return asdict(found) | {"targets": sorted(found.targets)}


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
