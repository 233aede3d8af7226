"""Is the answer's text sound: its encoding, its markup, nothing left over from a template?"""

from __future__ import annotations

import re
from itertools import islice

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.view import View

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_MOJIBAKE = re.compile(
    "[\xc2-\xf4\u0152-\u0178][\x80-\xbf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{1,3}"
)
_ROLE = re.compile(
    r"<\|[a-z_]{2,24}\|>|<\|(?:im_start|im_end)\b|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|pad|unk)>|<｜[^｜\n]{1,30}｜>"
    r"|^[ \t]*###? ?(?:Response|Instruction|Input|Human|Assistant|User|Output|Răspuns|Instrucțiune)"
    r"[ \t]*:[ \t]*",
    re.MULTILINE,
)
_SPEAKER = re.compile(r"^(?:Human|User|Assistant|AI|Bot|ChatGPT|Utilizator|Asistent): ", re.M)
_TAG = re.compile(
    r"</?(?:div|span|p|br|font|table|tr|td|th|tbody|ul|ol|li|h[1-6]|b|i|em|strong|a|img|script|style|html|body)"
    r"(?: [^<>\n]{0,200})?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|rsquo|lsquo|ldquo|rdquo|hellip|mdash|ndash|#x?\d{2,6});"
)
_SPOILT = re.compile(r"^\s*<p>(?!.*<(?:div|html|body|ul|h\d)\b)|&(?:quot|#39|#34);", re.DOTALL)
"""Code that was itself put into HTML: it isn't about HTML, and its quotes are entities."""
_ESCAPE = re.compile(r"\\[nrt](?![a-z])|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}")
_LOST = re.compile(r"[^\W\d_]\?[^\W\d_]")
_LINK = re.compile(r"https?:\S+|\?\w{1,40}=\S*")
_ABOUT_HTML = re.compile(r"html|<[a-z/]|\bxml\b|\btags?\b|website|web page|webpage|css|网页")

_MOST = 1000


def look(view: View) -> list[Fault]:
    """Return what is wrong with the form of an answer."""
    text = view.text
    faults: list[Fault] = []
    if not text.isascii():
        faults += _encoding(text)
    match = _CONTROL.search(text)
    if match:
        number = len(_CONTROL.findall(text))
        weight = 0.35 + 0.5 * ramp(number / len(text), 0.0, 0.05)
        faults.append(_fault("control", weight, f"{number} control characters", match))
    if "<" in text or "[" in text or "##" in text:
        match = _ROLE.search(text)
        if match and match[0].strip() not in view.prompt:
            why = f"“{match[0].strip()}” is left over from a template"
            faults.append(_fault("role-marker", 0.5, why, match))
    if ": " in text and not faults:
        faults += _speakers(view)
    faults += _markup(view)
    return faults


def _fault(code: str, weight: float, why: str, match: re.Match[str]) -> Fault:
    return Fault("formatting", code, weight, why, match.start(), match.end())


def _encoding(text: str) -> list[Fault]:
    faults: list[Fault] = []
    at = text.find("\ufffd")
    if at >= 0:
        number = text.count("\ufffd")
        weight = 0.35 + 0.5 * ramp(number / len(text), 0.0, 0.05)
        why = f"{number} characters were lost in decoding"
        faults.append(Fault("formatting", "encoding", weight, why, at, at + 1))
    found = (match for match in _MOJIBAKE.finditer(text) if _is_mojibake(match[0]))
    broken = list(islice(found, _MOST))
    if broken:
        looked_at = broken[-1].end() if len(broken) == _MOST else len(text)
        weight = 0.35 + 0.5 * ramp(len(broken) / looked_at, 0.0, 0.05)
        more = " or more" if len(broken) == _MOST else ""
        places = "1 place" if len(broken) == 1 else f"{len(broken)}{more} places"
        why = f"text in a wrong encoding at {places}"
        faults.append(_fault("encoding", weight, why, broken[0]))
    return faults


_BACK = {chr(byte): byte for byte in range(0x80, 0x100)}
for _byte in range(0x80, 0xA0):
    _BACK.update(dict.fromkeys(bytes([_byte]).decode("cp1252", "ignore"), _byte))


def _is_mojibake(piece: str) -> bool:
    """Say whether some characters are one, read as Latin-1 or Windows-1252 instead of UTF-8."""
    data = bytes(_BACK.get(c, 0x20) for c in piece)
    need = 2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4
    try:
        data[:need].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(data) >= need


def _speakers(view: View) -> list[Fault]:
    match = _SPEAKER.search(view.text)
    if match is None or match[0].strip().lower() in view.prompt_folded:
        return []
    if re.search(r"dialog|conversation|chat|script|interview|convers", view.prompt_folded):
        return []
    return [_fault("role-marker", 0.35, f"the answer speaks as “{match[0].strip()}”", match)]


def _escapes(view: View) -> list[Fault]:
    """Return escapes that stand for line breaks and letters, where text should be."""
    text = view.text
    if "\\" not in text or "\\" in view.prompt:
        return []
    match = _ESCAPE.search(text)
    if match is None:
        return []
    number = len(_ESCAPE.findall(text))
    one_line = "\n" not in text.strip() and number > 1
    if not one_line and (view.code or "`" in text or "$" in text or "\\(" in text):
        return []
    why = f"“{match[0]}” stands there instead of what it means"
    return [_fault("markup", min(0.6, 0.25 + 0.08 * number), why, match)]


def _markup(view: View) -> list[Fault]:
    text, faults = view.text, _escapes(view)
    if view.code and not _SPOILT.search(view.folded):
        return faults
    hidden = view.prose is not view.folded
    prose = view.prose
    if ("<" in prose or "&" in prose) and not _ABOUT_HTML.search(view.prompt_folded):
        tags = _TAG.findall(prose) if "`" not in text or hidden else []
        if "|" in prose:
            tags = [tag for tag in tags if not tag.startswith("<br")]  # A table's line break.
        found = len(tags) + len(_ENTITY.findall(prose))
        match = _TAG.search(prose) or _ENTITY.search(prose)
        if found and match:
            why = f"HTML is left over at {found} place{'s' if found > 1 else ''}"
            faults.append(_fault("markup", min(0.6, 0.2 + 0.08 * found), why, match))
    if "?" in prose:
        plain = _LINK.sub(" ", prose) if "http" in prose or "=" in prose else prose
        lost = len(_LOST.findall(plain))
        match = _LOST.search(prose)
        if lost > 1 and match:
            why = f"“?” stands in the middle of {lost} words, as if letters were lost"
            faults.append(_fault("encoding", min(0.7, 0.25 + 0.05 * lost), why, match))
    if text.count("**") % 2 and "`" not in text and "^" not in text and "^*" not in text:
        at = text.rfind("**")
        why = "bold type is opened and not closed"
        faults.append(Fault("formatting", "markup", 0.12, why, at, at + 2))
    return faults
