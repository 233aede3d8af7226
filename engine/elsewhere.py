"""What an answer says of something that it made, and that lies elsewhere: in a panel, in a file.

Two strengths: words that say so by themselves ("I wrote it in the canvas", "your poem is ready, see
it on the right"), and words that say so where a tool was called ("the report is finished").
"""

from __future__ import annotations

import re

_MADE = (
    r"\bI(?:['’]ve| have)?(?: just| now| also)? (?:written|wrote|created|made|put|drafted|updated"
    r"|added|prepared|placed|saved|moved|built|revised|set up|generated|opened|rewritten|rewrote"
    r"|edited|improved|expanded|shortened|turned)\b|\bich habe\b|\bj['’]ai\b|\bik heb\b"
    r"|\bhe \w+(?:ado|ido|ito|echo)\b|\bho \w+(?:ato|uto|ito|tto)\b"
    r"|\bam (?:creat|scris|făcut|pus|actualizat|adăugat|pregătit|redactat|rescris)\b"
    r"|\b(?:criei|fiz|escrevi|atualizei|adicionei|preparei|coloquei)\b"
    r"|\bя (?:создал|написал|обновил|добавил|подготовил)\w*|我"
)
_PANEL = (
    r"\b(?:canvas|artifacts?|artefa[ck]te?n?|artefactos?|artefatos?|artefactul|canevas|lienzo)\b"
    r"|画布|холст"
)
_READY = (
    r"\b(?:is|are) (?:now |all )?(?:ready|finished|complete|completed|done)\b"
    r"|\bhere(?:['’]s| is| are) (?:the|your|an?)\b"
    r"|\bist (?:jetzt )?fertig\b|\bhier ist\b|\best (?:prête?|terminée?)\b|\bvoici\b"
    r"|\bestá (?:list[oa]|pront[oa])\b|\baquí (?:está|tienes)\b|\bè pront[oa]\b|\becco\b"
    r"|\b(?:este|e) gata\b|\baici (?:este|ai)\b|\biată\b|\baqui está\b|готов\w*|已完成|准备好"
)
_BESIDE = (
    r"\b(?:on|to) the right\b|\bside ?(?:panel|bar)\b|\b(?:click|tap|press) (?:\w+ )?below\b"
    r"|\b(?:click|tap|use|press)\b[^.!?\n]{0,40}\b(?:to )?download\b|\bdownload (?:it|the|your)\b"
    r"|\babove\b|\bview and edit it\b"
    r"|\brechts\b|\bherunterladen\b|\bà droite\b|\btélécharger\b|\bci-dessus\b|\ba la derecha\b"
    r"|\bdescargar\w*\b|\ba destra\b|\bscaricar\w*\b|\bîn dreapta\b|\bdescărca\w*\b|\bà direita\b"
    r"|\bbaixar\b|справа|скачать|右侧|下载"
)
_LATER = (
    r"\bI(?:['’]ll| will)(?: now)? (?:research|look into|investigate|get (?:started|back)|start)\b"
    r"|\b(?:come|be|get) back (?:to you )?with\b|\bI(?:['’]ll| will) let you know\b"
)
_SAID = re.compile(
    rf"(?:{_MADE})[^.!?\n]{{0,120}}?(?:{_PANEL})"
    rf"|(?:{_MADE}|{_READY})[^\n]{{0,120}}?(?:{_BESIDE})",
    re.IGNORECASE,
)
# "Here is the weather: …" goes on to say it, and so may whoever "has found" something.
_BY_A_TOOL = re.compile(
    r"\bI(?:['’]ve| have)?(?: just| now| also)? (?:written|wrote|created|made|drafted|updated"
    r"|prepared|saved|built|generated|rewritten|rewrote|compiled|assembled|designed)\b"
    r"|\b(?:is|are) (?:now |all )?(?:ready|finished|complete|completed|done)\b"
    r"|\bhere(?:['’]s| is| are) (?:the|your|an?) [^.!?:\n\d]{1,60}[.!]"
    r"|\bist (?:jetzt )?fertig\b|\bich habe [^.!?\n]{1,60}(?:erstellt|geschrieben|gespeichert)\b"
    r"|\best (?:prête?|terminée?)\b|\bj['’]ai (?:créé|écrit|préparé|rédigé|enregistré)\b"
    r"|\bestá list[oa]\b|\bhe (?:creado|escrito|preparado|redactado|guardado)\b"
    r"|\bè pront[oa]\b|\bho (?:creato|scritto|preparato|salvato)\b|\bestá pront[oa]\b"
    r"|\b(?:criei|escrevi|preparei|salvei)\b|\b(?:este|e) gata\b"
    r"|\bam (?:creat|scris|făcut|pregătit|redactat|salvat)\b"
    rf"|готов\w*|я (?:создал|написал|подготовил)|已完成|准备好|我已?(?:创建|写好|做好)|{_LATER}",
    re.IGNORECASE,
)
_WORDS_BEFORE = 12


def said_elsewhere(text: str) -> re.Match[str] | None:
    """Return where an answer says that what was asked for lies beside it.

    What stands above such words, and is more than an opening line, is what they speak of.
    """
    found = _SAID.search(text)
    if found is None:
        return None
    before = text[: found.start()].rpartition("\n\n")[0].strip()
    return None if "\n" in before or len(before.split()) >= _WORDS_BEFORE else found


def speaks_of_made(text: str) -> bool:
    """Say whether an answer for which a tool was called speaks of what that made, or will make."""
    return _BY_A_TOOL.search(text) is not None
