"""The rules of detect-secrets, run on text in memory.

Of each plugin its compiled patterns are used (``denylist``), because what its
``analyze_string`` yields has no place in the text, and for patterns with a group is only the
group. Nothing is verified over the network, written to disk or logged: ``analyze_line``,
which may do the first, is never called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from engine.quality.secrets.plausible import is_placeholder, is_random
from engine.quality.secrets.spans import Candidate

# Module, class, our code, pieces of lower-case text without which its patterns can't fit.
_PLUGINS: tuple[tuple[str, str, str, str], ...] = (
    ("cloudant", "CloudantDetector", "cloudant-key", "cloudant clou"),
    ("ibm_cloud_iam", "IbmCloudIamDetector", "ibm-key", "ibm iam"),
    ("ibm_cos_hmac", "IbmCosHmacDetector", "ibm-key", "hmac access_key cos"),
    ("softlayer", "SoftlayerDetector", "softlayer-key", "softlayer"),
)

_EDGE = re.compile(r"[A-Za-z0-9]")
_OWN_GROUP_CHARS = 16


@dataclass(frozen=True, slots=True)
class Plugin:
    """One of the plugins: its patterns, and how its values are named here."""

    name: str
    code: str
    anchors: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=1)
def plugins() -> tuple[Plugin, ...]:
    """Return the plugins. Importing them takes 0.2 s, most of it the requests library."""
    loaded = []
    for module, name, code, anchors in _PLUGINS:
        made = getattr(import_module(f"detect_secrets.plugins.{module}"), name)()
        loaded.append(Plugin(name, code, tuple(anchors.split()), tuple(made.denylist)))
    return tuple(loaded)


def find_by_plugins(window: str, offset: int) -> Iterator[Candidate]:
    """Yield what the plugins find in a window of text, with places in the whole text."""
    lowered = window.lower()
    for plugin in plugins():
        if not any(anchor in lowered for anchor in plugin.anchors):
            continue
        for pattern in plugin.patterns:
            for match in pattern.finditer(window):
                start, end = _value(match)
                if _is_real(plugin, window, start, end):
                    yield Candidate(offset + start, offset + end, plugin.code, 0.9, 2)


def _value(match: re.Match[str]) -> tuple[int, int]:
    """Return where the value is: the first long group, or what the pattern fits."""
    for group in range(1, (match.re.groups or 0) + 1):
        start, end = match.span(group)
        if end - start >= _OWN_GROUP_CHARS:
            return start, end
    start, end = match.span()
    # Some patterns take the quote or space around a value with it.
    while start < end and match.string[start] in " \t\r\n=:\"'":
        start += 1
    while end > start and match.string[end - 1] in " \t\r\n\"'":
        end -= 1
    return start, end


def _is_real(plugin: Plugin, window: str, start: int, end: int) -> bool:
    value = window[start:end]
    # Most patterns have no edges and fit the inside of a hash or a base64 picture.
    if start and _EDGE.match(window[start - 1]) and _EDGE.match(value):
        return False
    if end < len(window) and _EDGE.match(window[end]):
        return False
    if plugin.code == "aws-access-key":
        return not is_placeholder(value) and any(c.isdigit() for c in value)
    if value.startswith("https://hooks."):
        return is_random(value.rsplit("/", 1)[-1], named=True)
    return is_random(value, named=True)
