"""The three themes that finetui brings; Textual's own can be chosen too."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

from engine.errors import SettingsError

DARK = Theme(
    name="finetui-dark",
    dark=True,
    background="#101317",
    surface="#151a1f",
    panel="#1e252c",
    foreground="#d3dae1",
    primary="#74b0df",
    secondary="#8fa3b5",
    accent="#dfb163",
    success="#83c492",
    warning="#dfb163",
    error="#e27d80",
    variables={
        "border": "#33404c",
        "border-blurred": "#262f38",
        "block-cursor-background": "#26394a",
        "block-cursor-foreground": "#eef3f7",
        "block-cursor-text-style": "none",
        "scrollbar": "#33404c",
        "scrollbar-background": "#151a1f",
        "scrollbar-hover": "#74b0df",
        "scrollbar-active": "#74b0df",
    },
)

LIGHT = Theme(
    name="finetui-light",
    dark=False,
    background="#f6f4ee",
    surface="#fdfcf9",
    panel="#e9e5da",
    foreground="#262b30",
    primary="#22608f",
    secondary="#586a79",
    accent="#8a5a00",
    success="#2b6f3c",
    warning="#8a5a00",
    error="#a83236",
    variables={
        "border": "#bdb6a5",
        "border-blurred": "#d6d0c2",
        "block-cursor-background": "#d5e3ee",
        "block-cursor-foreground": "#14202b",
        "block-cursor-text-style": "none",
        "scrollbar": "#bdb6a5",
        "scrollbar-background": "#f1eee6",
        "scrollbar-hover": "#22608f",
        "scrollbar-active": "#22608f",
    },
)

CONTRAST = Theme(
    name="finetui-contrast",
    dark=True,
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    foreground="#ffffff",
    primary="#5fd7ff",
    secondary="#d0d0d0",
    accent="#ffd700",
    success="#5fff87",
    warning="#ffd700",
    error="#ff8787",
    text_alpha=1.0,
    variables={
        "border": "#ffffff",
        "border-blurred": "#8a8a8a",
        "text-muted": "#d0d0d0",
        "text-disabled": "#b0b0b0",
        "foreground-muted": "#d0d0d0",
        "block-cursor-background": "#ffffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "bold",
        "scrollbar": "#ffffff",
        "scrollbar-background": "#000000",
        "scrollbar-hover": "#ffd700",
        "scrollbar-active": "#ffd700",
    },
)

THEMES: tuple[Theme, ...] = (DARK, LIGHT, CONTRAST)


def check_theme(theme: str) -> None:
    """Refuse a theme that is not there.

    Raises:
        SettingsError: There is no such theme.
    """
    names = [one.name for one in THEMES] + list(BUILTIN_THEMES)
    if theme not in names:
        import difflib  # only a mistake pays for it

        near = difflib.get_close_matches(theme, names, n=1, cutoff=0.4)
        raise SettingsError(
            f"setting display.theme: there is no theme {theme}",
            hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}",
        )
