"""Does the answer decline, and does it speak in ready-made phrases?

A refusal may be the right answer. The part only says that the answer is one, so that a
person can decide whether a model should learn to answer so.
"""

from __future__ import annotations

import re

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.phrases import (
    AI_SELF,
    CLOSERS,
    DISCLAIMERS,
    FILLERS,
    OPENERS,
    REFUSALS,
)
from engine.quality.score.view import View

_HEAD = 300
_WHY = "the answer declines; that may be right, but it is then what a model learns"
_OPENING = 60
_CLOSING = 400
_HOLDER = re.compile(
    r"\[(?:your|insert|enter|add|name|company|date|recipient|sender|address|phone|email|city|state"
    r"|numele|introdu\w*|inserati|data|adresa|compania|telefon|ihr|dein|name des|votre|tu nombre"
    r"|su nombre|nombre|xxx+)\b[^\]\n]{0,40}\]"
    r"|<(?:your|insert|enter)[ _-][^>\n]{1,40}>|\{\{ ?\w[^}\n]{0,40}\}\}|\bx{4,}\b"
    r"|[\[<【（(](?:您的|你的|插入|填写)[^\]>】）)\n]{0,12}[\]>】）)]"
)
_DECLINES = re.compile(
    r"\b(?:sorry|unfortunately|apologi[sz]e|afraid)\b[^.!?]{0,60}"
    r"\bi(?:'m| am)? (?:can't|can ?not|won't|will not|unable|not able|(?:would )?rather not)\b"
    r"|\bi(?:'d| would) rather not\b|\bi (?:must|have to) (?:decline|refuse)\b"
    r"|\b(?:imi pare rau|din pacate|regret)\b[^.!?]{0,30}\bnu (?:te |va |iti )?pot\b"
    r"|\b(?:leider|tut mir leid)\b[^.!?]{0,40}\bkann ich\b[^.!?]{0,60}\b(?:nicht|kein)"
    r"|\bdesolee?\b[^.!?]{0,40}\bje ne peux\b|\blo siento\b[^.!?]{0,40}\bno puedo\b"
)
_TEMPLATE = re.compile(
    r"\btemplat|\bplaceholder|\bletters?\b|\be-?mails?\b|\bcontract|\bsablon|\bscrisoare"
    r"|\bformular|\bvorlage|\blettre|\bplantilla|\bcarta\b|模板|邮件|信"
)


def refusal(view: View) -> list[Fault]:
    """Return the refusal that an answer begins with, if it does."""
    head = view.folded[:_HEAD]
    for at, phrase in REFUSALS.found(view.known, head):
        if phrase not in view.prompt_folded:
            return [Fault("refusal", "refusal", _weight(view, at), _WHY, at, at + len(phrase))]
    match = _DECLINES.search(head)
    if match and match[0] not in view.prompt_folded:
        weight = _weight(view, match.start())
        return [Fault("refusal", "refusal", weight, _WHY, match.start(), match.end())]
    return []


def _weight(view: View, at: int) -> float:
    # What comes long after a refusal may be the answer after all.
    length = len(view.words) * (0.5 if view.single else 1)
    return (0.75 - 0.4 * ramp(length, 80, 250)) * (0.6 if at > 120 else 1.0)


def boilerplate(view: View) -> list[Fault]:
    """Return ready-made phrases and unfilled places of an answer."""
    text, prose = view.folded, view.prose
    faults: list[Fault] = []
    closing = max(0, len(prose) - _CLOSING)
    lead = len(text) - len(text.lstrip())
    opening = text[lead : lead + _OPENING]
    for phrases, where, weight, why in (
        (AI_SELF, prose, 0.45, "the model speaks of itself as a model"),
        (CLOSERS, prose[closing:], 0.2, "a ready-made closing phrase"),
        (DISCLAIMERS, prose, 0.15, "a ready-made warning"),
        (FILLERS, prose, 0.5, "text that only holds a place"),
    ):
        for at, phrase in phrases.found(view.known, where):
            if phrase in view.prompt_folded:
                continue
            start = at + (closing if phrases is CLOSERS else 0)
            end = start + len(phrase)
            faults.append(Fault("boilerplate", "boilerplate", weight, why, start, end))
            break
    for phrase in OPENERS if opening.startswith(OPENERS) else ():
        if opening.startswith(phrase) and len(text.strip()) > len(phrase) + 3:
            why = "a ready-made opening phrase"
            end = lead + len(phrase)
            faults.append(Fault("boilerplate", "boilerplate", 0.15, why, lead, end))
            break
    faults += _holders(view)
    return faults


def _holders(view: View) -> list[Fault]:
    prose = view.prose
    if not any(map(prose.__contains__, ("[", "<", "{{", "xxxx", "【", "（"))):
        return []
    match = _HOLDER.search(prose)
    if match is None or match[0] in view.prompt_folded or prose[match.end() :][:1] == "(":
        return []
    wanted = _TEMPLATE.search(view.prompt_folded) is not None
    why = f"“{view.text[match.start() : match.end()]}” is not filled in"
    weight = 0.15 if wanted else 0.45
    return [Fault("boilerplate", "placeholder", weight, why, match.start(), match.end())]
