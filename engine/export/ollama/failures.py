"""What goes wrong with Ollama, as named errors; a foreign text in them is shortened and inert."""

from __future__ import annotations

import json

from engine.errors import (
    OllamaAnswerInvalid,
    OllamaDigestWrong,
    OllamaDiskFull,
    OllamaError,
    OllamaRefused,
    OllamaTimeout,
    OllamaUnreachable,
)
from engine.export.ollama.address import Address
from engine.text import inert

_SAID = 300
_FULL = ("no space left", "disk quota", "not enough space", "disk is full")


def no_ollama(shown: str) -> OllamaAnswerInvalid:
    """Return the error for an answer that Ollama does not give."""
    return OllamaAnswerInvalid(
        f"what answers at {shown} is not Ollama",
        hint="name Ollama's address with --host, or in OLLAMA_HOST; its port is mostly 11434",
    )


def timed_out(shown: str, seconds: float) -> OllamaTimeout:
    """Return the error for an answer that does not come, or not to its end."""
    return OllamaTimeout(
        f"Ollama at {shown} did not answer within {seconds:,.0f} s, or said nothing new for as "
        "long",
        hint="is its machine busy or swapping? Run the same command again later",
    )


def unreachable(address: Address, error: Exception) -> OllamaUnreachable:
    """Return the error for an address at which nothing answers."""
    hint = "start it with `ollama serve`"
    if not address.loopback:
        hint = "is the address right, and does Ollama listen there (OLLAMA_HOST=0.0.0.0)?"
    said = short(str(error)) or type(error).__name__
    return OllamaUnreachable(f"Ollama can't be reached at {address.shown}: {said}", hint=hint)


def refusal(shown: str, status: int, answer: bytes, did: str) -> OllamaError:
    """Return the error for a request that Ollama refused, or failed on.

    Args:
        shown: Its address.
        status: The status of its answer; 0 where the failure was told behind a good one.
        answer: The answer.
        did: What it was asked for, or "has not ..." done.
    """
    said = error_in(answer)
    words = f": {said}" if said else ""
    number = f" ({status})" if status else ""
    message = f"Ollama at {shown} {did}, and failed{number}{words}"
    if did.startswith("has not"):
        message = f"Ollama at {shown} {did}{number}{words}"
    if any(full in said.lower() for full in _FULL) or status == 507:
        hint = "free some space on Ollama's machine, and run the same command again"
        return OllamaDiskFull(message, hint=hint)
    if "digest" in said.lower():
        hint = "run the same command again; if it fails again, something on the way changes it"
        return OllamaDigestWrong(message, hint=hint)
    if status in (401, 403):
        hint = "does a server in front of Ollama ask for a login, or refuse this host?"
        return OllamaRefused(message, hint=hint)
    return OllamaRefused(message, hint="look into Ollama's own log, or try a newer version")


def short(text: str) -> str:
    """Return a foreign text on one line, inert and not too long."""
    words = inert(" ".join(text.split()))
    return words if len(words) <= _SAID else words[: _SAID - 1] + "…"


def error_in(answer: bytes) -> str:
    """Return the error in an answer; empty where there is none."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    said = found.get("error") if isinstance(found, dict) else None
    return short(said) if isinstance(said, str) else ""
