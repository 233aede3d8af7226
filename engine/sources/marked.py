"""Texts whose turns stand between markers, as chat templates write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

Said = tuple[str, str]
"""A role, as :mod:`engine.sources.turns` knows it or as it was written, and a text."""


@dataclass(frozen=True, slots=True)
class Style:
    """A way to write turns into one text.

    Attributes:
        name: What it is called.
        hint: Characters without which a text is not written so; looked for first.
        mark: What stands before a turn; a group holds the role's name.
        roles: The roles of names that mean something else elsewhere.
        template: Words that the style puts before the first turn and that nobody said.
        begins: The text has to begin with a marker: the names are ordinary words.
    """

    name: str
    hint: tuple[str, ...]
    mark: re.Pattern[str]
    roles: Mapping[str, str]
    template: re.Pattern[str] | None = None
    begins: bool = False


_USER, _ASSISTANT, _SYSTEM = "user", "assistant", "system"
_COMMON = {
    **dict.fromkeys((_USER, "human", "prompter", "prompt", "question", "用户", "问"), _USER),
    **dict.fromkeys((_ASSISTANT, "bot", "model", "gpt", "ai", "answer", "chatbot"), _ASSISTANT),
    **dict.fromkeys(("助手", "答"), _ASSISTANT),
    **dict.fromkeys((_SYSTEM, "developer"), _SYSTEM),
}
_HEADINGS = {
    **dict.fromkeys(("instruction", "instructions", "human", "user", "question", "query"), _USER),
    **dict.fromkeys(("prompt", "problem", "task", "frage", "anweisung", "aufgabe"), _USER),
    **dict.fromkeys(("instructiune", "instrucțiune", "intrebare", "întrebare"), _USER),
    **dict.fromkeys(("response", "assistant", "answer", "output", "completion"), _ASSISTANT),
    **dict.fromkeys(("solution", "bot", "gpt", "antwort", "raspuns", "răspuns"), _ASSISTANT),
    **dict.fromkeys((_SYSTEM, "system prompt", "system message"), _SYSTEM),
    **dict.fromkeys(("input", "context", "eingabe", "intrare"), "input"),
}
_HEADED = "|".join(sorted(_HEADINGS, key=len, reverse=True))
_ALPACA = re.compile(
    r"Below is an? [^.]{0,200}(?:\.\s*(?:Write|Please|Provide|Give)[^.]{0,200})?\.?"
)
_ROUND = re.compile(r"\[Round \d+\]")

STYLES: tuple[Style, ...] = (
    Style("ChatML", ("<|im_start|>",), re.compile(
        r"<\|im_start\|>[ \t]*(\w+)(?:[ \t]+name=\S+)?(?:<\|im_sep\|>)?"), _COMMON),
    Style("Llama 3", ("<|start_header_id|>", "<|header_start|>"), re.compile(
        r"<\|(?:start_header_id|header_start)\|>\s*(\w+)\s*<\|(?:end_header_id|header_end)\|>"),
        _COMMON),
    Style("Gemma", ("<start_of_turn>",), re.compile(r"<start_of_turn>[ \t]*(\w+)"), _COMMON),
    Style("Command R", ("_OF_TURN_TOKEN|>",), re.compile(
        r"<\|START_OF_TURN_TOKEN\|><\|(USER|CHATBOT|SYSTEM)_TOKEN\|>"), _COMMON),
    Style("DeepSeek", ("<｜",), re.compile(r"<｜(User|Assistant)｜>"), _COMMON),
    Style("Llama 2", ("[INST]",), re.compile(r"(\[/?INST\])"),
        {"[inst]": _USER, "[/inst]": _ASSISTANT}),
    Style("<|user|>", ("<|",), re.compile(
        r"<\|(system|user|assistant|human|bot|prompter|prompt|answer|tool|function|observation)"
        r"\|>[ \t]*"), _COMMON),
    Style("[|Human|]", ("[|",), re.compile(r"\[\|(Human|AI|System)\|\]"), _COMMON),
    Style("### Instruction", ("##",), re.compile(
        rf"(?:(?<!#)###[ \t]*({_HEADED})[ \t]*:|^#{{2,3}}[ \t]*({_HEADED})[ \t]*:?[ \t]*$)",
        re.IGNORECASE | re.MULTILINE), _HEADINGS, _ALPACA),
    Style("USER: ASSISTANT:", ("USER:",), re.compile(
        r"(?:^|(?<=\s)|(?<=</s>))(USER|ASSISTANT|SYSTEM|FUNCTION RESPONSE)[ \t]*:"), _COMMON),
    Style("Human: Assistant:", (":", "："), re.compile(
        r"^[ \t]*(?:\[Round \d+\]\s*)?"
        r"(User|Human|Question|Q|问|用户|Assistant|AI|Bot|Answer|A|答|助手|System)[ \t]*[:：]",
        re.MULTILINE), {**_COMMON, "q": _USER, "a": _ASSISTANT}, begins=True),
)  # fmt: skip

_TOKENS = (
    r"<\|im_end\|>|<\|end\|>|<\|endoftext\|>|<\|end_of_text\|>|<\|eot_id\|>|<\|eom_id\|>|<\|eot\|>"
    r"|<\|END_OF_TURN_TOKEN\|>|<end_of_turn>|<｜end▁of▁sentence｜>|</?s>|<eos>|\[EOS\]"
    r"|<\|begin_of_text\|>|<｜begin▁of▁sentence｜>|<\|BOS_TOKEN\|>|<\|startoftext\|>|<bos>"
    r"|<\|end_of_turn\|>|<\|endofturn\|>|<\|eod\|>|<\|separator\|>"
)
_LAST_TOKENS = re.compile(rf"\s*(?:(?:{_TOKENS})\s*)+$")
_FIRST_TOKENS = re.compile(rf"^\s*(?:(?:{_TOKENS})\s*)+")
_SYS = re.compile(r"^\s*<<SYS>>(.*?)<</SYS>>\s*", re.DOTALL)


def without_tokens(text: str) -> str:
    """Return a turn without the tokens that a template ends it with.

    They are no part of what was said; a tokenizer would take them for the end of a turn.
    """
    return _LAST_TOKENS.sub("", text) if text.rstrip()[-1:] in (">", "]", "｜") else text


def is_marked(text: str) -> bool:
    """Say whether a text holds turns of both sides, each after a marker."""
    return style_of(text) is not None


@lru_cache(maxsize=4)
def style_of(text: str) -> Style | None:
    """Return the style of a text with markers: that of the first marker; else None."""
    found: list[tuple[int, Style]] = []
    for style in STYLES:
        if not any(hint in text for hint in style.hint):
            continue
        roles: set[str] = set()
        start = -1
        for mark in style.mark.finditer(text):
            if start < 0:
                start = mark.start()
                if style.begins and text[:start].strip():
                    break
            role = role_of(style, mark)
            roles.add(_USER if role == "input" else role)
            if {_USER, _ASSISTANT} <= roles:
                found.append((start, style))
                break
    return min(found, key=lambda seen: seen[0])[1] if found else None


def taken_apart(text: str) -> list[Said]:
    """Return the turns of a text with markers; empty where it has none.

    What stands before the first marker tells the assistant what to be, and is a
    system turn; the sentence that alpaca's template begins with is not.
    """
    style = style_of(text)
    if style is None:
        return []
    marks = list(style.mark.finditer(text))
    said: list[Said] = []
    before = _FIRST_TOKENS.sub("", _ROUND.sub("", text[: marks[0].start()])).strip()
    if style.template is not None:
        before = style.template.sub("", before, count=1).strip()
    if before:
        said.append((_SYSTEM, without_tokens(before)))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        content = text[mark.end() : following.start() if following else len(text)]
        role = role_of(style, mark)
        spoken = said[-1][0] if said else ""
        if role == "input" and spoken in ("", _SYSTEM):
            role = _USER
        if style.roles is _HEADINGS and said and not _belongs(role, spoken):
            # A heading of the answer's own, such as "### Input:" in a description of code.
            said[-1] = (spoken, said[-1][1] + mark[0] + content)
            continue
        if style.name == "Llama 2" and role == _USER and (inner := _SYS.match(content)):
            said.append((_SYSTEM, inner[1].strip()))
            content = content[inner.end() :]
        if role == "input":
            joined = "\n\n".join(part for part in (said[-1][1].strip(), content.strip()) if part)
            said[-1] = (spoken, joined)
        else:
            said.append((role, content))
    if style.name == "Llama 2":
        said = [(role, _FIRST_TOKENS.sub("", content)) for role, content in said]
    return [(role, without_tokens(content).strip()) for role, content in said]


def opened(prompt: str) -> list[Said]:
    """Return the turns of a prompt that ends with the marker of the answer to come.

    Empty where it is written in no such way.
    """
    style = style_of(prompt)
    if style is None:
        return []
    *_, last = style.mark.finditer(prompt)
    ends_open = role_of(style, last) == _ASSISTANT and not prompt[last.end() :].strip()
    return taken_apart(prompt)[:-1] if ends_open else []


def _belongs(role: str, spoken: str) -> bool:
    """Say whether a heading begins a turn after one of the role that spoke before."""
    if role == "input":
        return spoken == _USER
    return role != _ASSISTANT or spoken == _USER


def role_of(style: Style, mark: re.Match[str]) -> str:
    """Return the role that a style's marker names."""
    written = " ".join(next(filter(None, mark.groups())).split()).lower()
    return style.roles.get(written, written)
