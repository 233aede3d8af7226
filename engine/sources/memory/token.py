"""Tokens with which an app lets its memory be exported: held in this process, nowhere else.

A token comes from the environment or from a prompt. It is in no setting, no store, no log
and no error, and a child process gets none from here.
"""

from __future__ import annotations

import os
from typing import NoReturn

from engine.errors import TokenRefused
from engine.sources.memory.address import origin_of

VARIABLE = "FINETUI_MEMORY_TOKEN"
"""The environment variable that holds a token for every app that has none of its own."""

_SCHEME = "bearer "


class Token:
    """A secret that can't be printed by accident.

    Raises:
        TokenRefused: It is empty, or has a character that no request can carry.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if value[: len(_SCHEME)].lower() == _SCHEME:
            value = value[len(_SCHEME) :].strip()
        if not value:
            raise TokenRefused("the token is empty", hint=f"set {VARIABLE}, or type it when asked")
        # The text of an encoding error would show the token, so it is looked at by character.
        if any(not "!" <= character <= "~" for character in value):
            raise TokenRefused(
                "the token has a space, a line end or another character that no token has",
                hint="copy it again, in one piece",
            )
        self._value = value

    def __repr__(self) -> str:
        return "Token(•••)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token stays in its process")

    def reveal(self) -> str:
        """Return the secret, to be put into a request at once and kept nowhere."""
        return self._value

    def is_in(self, text: str) -> bool:
        """Say whether a text gives the secret away, whole or by one of its parts."""
        parts = [part for part in self._value.split(".") if len(part) >= 8]
        return any(part in text for part in (self._value, *parts))


_offered: dict[str, Token] = {}


def offer(address: str, token: str) -> None:
    """Hold a token that a person typed, for the rest of the process.

    Args:
        address: The app's address; the token goes to no other scheme, host or port.
        token: The token, with or without "Bearer" in front.

    Raises:
        AddressRefused: The address can't be used.
        TokenRefused: The token can't be one.
    """
    _offered[origin_of(address)] = Token(token)


def token_for(address: str) -> Token | None:
    """Return the token for an address: the one offered for it, else the environment's.

    Raises:
        AddressRefused: The address can't be used.
        TokenRefused: The environment's token can't be one.
    """
    held = _offered.get(origin_of(address))
    if held is not None:
        return held
    value = os.environ.get(VARIABLE, "")
    return Token(value) if value.strip() else None


def forget(address: str = "") -> None:
    """Let an address's offered token go, or all of them."""
    if address:
        _offered.pop(origin_of(address), None)
    else:
        _offered.clear()
