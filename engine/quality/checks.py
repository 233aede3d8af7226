"""The checks there are, and how a workspace's settings make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import BaseError, TemplateError, UsageError
from engine.quality.base import Check
from engine.workspace import Workspace

Names = Literal["all", "introduced", "none"]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the checks of a workspace are made from; small, so that processes can be told.

    Args:
        names: The checks that are wanted, in the order of :data:`CHECKS`.
        languages: The languages that examples are expected in; empty expects none.
        phone_regions: Regions whose national phone numbers are recognised (ISO 3166).
        names_of_people: Which names of people are sought.
        base_dir: The folder of the base whose tokens are counted.
        system_prompt: Put before conversations without one, as a freeze does.
        max_length: The longest sequence, in tokens.
    """

    names: tuple[str, ...]
    languages: tuple[str, ...] = ()
    phone_regions: tuple[str, ...] = ()
    names_of_people: Names = "introduced"
    base_dir: Path | None = None
    system_prompt: str = ""
    max_length: int = 0


def _secrets(_: CheckOptions) -> Check:
    from engine.quality.secrets import SecretsCheck

    return SecretsCheck()


def _personal(options: CheckOptions) -> Check:
    from engine.quality.personal import PersonalCheck

    return PersonalCheck(regions=options.phone_regions, names=options.names_of_people)


def _safety(_: CheckOptions) -> Check:
    from engine.quality.safety import SafetyCheck

    return SafetyCheck()


def _quality(_: CheckOptions) -> Check:
    from engine.quality.score import QualityCheck

    return QualityCheck()


def _app_text(_: CheckOptions) -> Check:
    from engine.quality.apptext import AppTextCheck

    return AppTextCheck()


def _language(options: CheckOptions) -> Check:
    from engine.quality.language import LanguageCheck

    return LanguageCheck(expected=options.languages)


def _length(options: CheckOptions) -> Check:
    from engine.quality.length import LengthCheck

    return LengthCheck(
        base_dir=options.base_dir,
        system_prompt=options.system_prompt,
        max_length=options.max_length,
    )


CHECKS: Mapping[str, Callable[[CheckOptions], Check]] = {
    "secrets": _secrets,
    "personal": _personal,
    "safety": _safety,
    "quality": _quality,
    "app-text": _app_text,
    "language": _language,
    "length": _length,
}
"""The checks by name; those that matter most come first."""


def make(options: CheckOptions) -> list[Check]:
    """Make the checks that options name."""
    return [CHECKS[name](options) for name in options.names]


def options_of(
    workspace: Workspace, names: Sequence[str] = ()
) -> tuple[CheckOptions, dict[str, str]]:
    """Return what a workspace's settings say of the checks.

    Args:
        workspace: The workspace.
        names: The checks that are wanted; empty means all.

    Returns:
        The options, and the checks that can't be made here with the reason.

    Raises:
        UsageError: There is no check of that name.
    """
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise UsageError(
            f"there is no check {unknown[0]!r}", hint=f"choose from: {', '.join(CHECKS)}"
        )
    settings = workspace.settings
    wanted = tuple(name for name in CHECKS if not names or name in names)
    left_out: dict[str, str] = {}
    base_dir = None
    if "length" in wanted:
        from engine.bases import tokenizer_dir

        try:
            base_dir = tokenizer_dir(settings.training.base)
        except (BaseError, TemplateError) as error:
            left_out["length"] = f"{error.message}; {error.hint}" if error.hint else error.message
    return (
        CheckOptions(
            names=tuple(name for name in wanted if name not in left_out),
            languages=tuple(settings.check.languages),
            phone_regions=tuple(settings.check.phone_regions),
            names_of_people=settings.check.names,
            base_dir=base_dir,
            system_prompt=settings.dataset.system_prompt,
            max_length=settings.check.max_length,
        ),
        left_out,
    )
