"""A template's form, found by rendering probes; or the reason why Go can't say it.

Nothing is taken from the template's text but the names of its clocks: what it does to probes
decides, and a form is given out only where it writes all of them as the template does. The
prompts are those of training: system messages folded as ``Tokenizer.prepared`` folds them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.errors import TemplateError
from engine.export.ollama.form import DAY, END, SPACES, START, TODAY, Form, Strip, collate
from engine.export.ollama.parts import completed
from engine.models import Role, Turn
from engine.tokens import Tokenizer

_CLOCK = re.compile(r"""strftime_now\(\s*(?:format\s*=\s*)?(['"])(.*?)\1""")
_WORDS = ("quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "yankee", "zulu")
_ROLES: dict[str, Role] = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}

# Conversations by their roles, in groups. The first two have to be taken; each other one is taken
# as a whole, or not at all.
_GROUPS = {
    "turns": ("u", "uau", "uauau", "uauauau"),
    "system": ("su", "suau", "suauau"),
    "system after an answer": ("uasu", "uasuau", "suasu", "suauasuau"),
    "system after a question": ("us", "usau", "suaus"),
    "answer last": ("ua", "uaua", "sua", "suaua"),
    "answer first": ("au", "auau", "sau", "sauau"),
    "tool": ("uat", "uatt", "uatau", "uattauau", "suatau"),
}
_OPTIONAL = frozenset(_GROUPS) - {"turns", "system"}
_ODD = (
    " \n two lines\n\nand a space ", "{{ .Content }} {% raw %}", "1", '"""quoted"""',
    "\u3000日本\xa0", "a\r\nb  c", "a", "a", "\tcode\n    indented\n", "emoji 👩\u200d👧 \u200d",
    "<|x|> [X] <x>", "…",
)  # fmt: skip
_THINKING = "<think>\nkilo lima\n</think>\n\n"


@dataclass(frozen=True, slots=True)
class Derived:
    """What came of deriving a form.

    Args:
        form: The form; None where Go can't say the template.
        reason: Why there is none.
        notes: What the form leaves open, each a sentence.
    """

    form: Form | None
    reason: str = ""
    notes: tuple[str, ...] = ()


def derive(tokenizer: Tokenizer, *, adds_begin: bool) -> Derived:
    """Derive how a tokenizer's chat template writes turns.

    Args:
        tokenizer: The base's tokenizer and template.
        adds_begin: Whether whoever loads the GGUF adds the token that begins a text.
    """
    without: set[str] = set()
    while True:
        try:
            found = _form(tokenizer, without)
        except _Unsaid as unsaid:
            if unsaid.group in without or unsaid.group not in _OPTIONAL:
                return Derived(None, reason=str(unsaid))
            without.add(unsaid.group)
            continue
        break
    form, dated = _with_date(tokenizer, found)
    notes = [dated] if dated else []
    if _wrong(tokenizer, form, _thinking_checks()) is not None:
        notes.append(
            "earlier answers that hold a thinking part are written otherwise than in training; "
            "send answers without it"
        )
    form = completed(_without_begin(tokenizer, form, adds_begin=adds_begin))
    return Derived(form, notes=tuple(notes))


def _form(tokenizer: Tokenizer, without: Collection[str]) -> Form:
    """Return the form with all groups of conversations but some, compared with the template.

    Raises:
        _Unsaid: There is none; it names the group without which there may be one.
    """
    glue: dict[tuple[str, str], str] = {}
    for name, shapes in _GROUPS.items():
        if name in without:
            continue
        if tokenizer.folds_system:
            shapes = tuple(shape for shape in shapes if "s" not in shape)
        try:
            for pair, text in _glue(tokenizer, shapes):
                _put(glue, pair, text)
        except _Unsaid as unsaid:
            unsaid.group = name
            raise
    form = Form(glue)
    form = replace(form, strips=dict(_strips(tokenizer, form)))
    form = _with_thoughts(tokenizer, form)
    for name, conversations in _checks(form):
        wrong = _wrong(tokenizer, form, conversations)
        if wrong is conversations[0]:
            raise _Unsaid(f"a conversation of {_said(wrong)} is written in a form of its own", name)
        if wrong is not None:
            raise _Unsaid("it changes what stands inside of messages", name)
    return form


def compared(derived: Derived, tokenizer: Tokenizer, prompts: Sequence[Sequence[Turn]]) -> Derived:
    """Return what was derived, held against prompts of a dataset too.

    Where most of them are written otherwise there is no form; where some are, a note says so.
    """
    form = derived.form
    if form is None:
        return derived
    texts = [(turns, _tried(tokenizer, turns)) for turns in prompts]
    taken = [(turns, text) for turns, text in texts if text is not None]
    other = [turns for turns, text in taken if form.begin_token + form.render(turns) != text]
    if not other:
        return derived
    many = f"{len(other):,} of {len(taken):,} prompts of the dataset are written otherwise"
    if 2 * len(other) > len(taken):
        return Derived(None, reason=many, notes=derived.notes)
    joined = sum(len(collate(turns)) < len(turns) for turns in other)
    why = f"; in {joined:,} of them Ollama joins messages of one role" if joined else ""
    note = f"{many} than in training{why}"
    return replace(derived, notes=(*derived.notes, note))


class _Unsaid(Exception):
    """The template does what no form says; ``group`` is the group of conversations with which."""

    def __init__(self, reason: str, group: str = "") -> None:
        super().__init__(reason)
        self.group = group


def _talk(shape: str, contents: Sequence[str] = ()) -> tuple[Turn, ...]:
    words = contents or [f"{_WORDS[n % len(_WORDS)]}{n}" for n in range(len(shape))]
    return tuple(Turn(_ROLES[role], word) for role, word in zip(shape, words, strict=True))


def _text(tokenizer: Tokenizer, turns: Sequence[Turn]) -> str:
    return tokenizer.chat.text(tokenizer.prepared(turns), generation_prompt=True)


def _glue(tokenizer: Tokenizer, shapes: Iterable[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the glue of conversations of some shapes, each pair once.

    Raises:
        _Unsaid: One is refused, loses a content, or has other glue for the same pair.
    """
    found: dict[tuple[str, str], str] = {}
    for shape in shapes:
        turns = _talk(shape)
        try:
            rest = _text(tokenizer, turns)
        except TemplateError as error:
            raise _Unsaid(f"a conversation of {_said(turns)} is refused: {error}") from error
        last = START
        for turn in turns:
            between, held, rest = rest.partition(turn.content)
            if not held:
                raise _Unsaid(f"a conversation of {_said(turns)} loses or moves a message")
            _put(found, (last, turn.role), between)
            last = turn.role
        _put(found, (last, END), rest)
    yield from found.items()


def _put(found: dict[tuple[str, str], str], pair: tuple[str, str], text: str) -> None:
    if found.setdefault(pair, text) != text:
        names = {START: "the start", END: "the answer's start"}
        first, second = (names.get(role, f"a {role} message") for role in pair)
        raise _Unsaid(f"what stands between {first} and {second} depends on more than the two")


def _said(turns: Sequence[Turn]) -> str:
    return ", ".join(turn.role for turn in turns)


# For pairs of roles a conversation, where in it the second one stands, and the group.
_PAIRS = (
    (START, "user", "u", 0, "turns"),
    ("user", "assistant", "uau", 1, "turns"),
    ("assistant", "user", "uau", 2, "turns"),
    (START, "system", "su", 0, "system"),
    ("system", "user", "su", 1, "system"),
    ("assistant", "system", "uasu", 2, "system after an answer"),
    ("user", "system", "usau", 1, "system after a question"),
    ("system", "assistant", "usau", 2, "system after a question"),
    (START, "assistant", "au", 0, "answer first"),
    ("system", "assistant", "sau", 1, "answer first"),
    ("assistant", "tool", "uatau", 2, "tool"),
    ("tool", "assistant", "uatau", 3, "tool"),
    ("tool", "tool", "uattau", 3, "tool"),
)


def _strips(tokenizer: Tokenizer, form: Form) -> Iterator[tuple[tuple[str, str], Strip]]:
    """Yield what a template removes around contents.

    Raises:
        _Unsaid: It does something else to them.
    """
    for first, second, shape, place, group in _PAIRS:
        turns = _talk(shape)
        if (first, second) not in form.glue or _tried(tokenizer, turns) != form.render(turns):
            continue
        try:
            sides = [_stripped(tokenizer, form, shape, place, left=left) for left in (True, False)]
        except _Unsaid as unsaid:
            unsaid.group = group
            raise
        if any(sides):
            yield (first, second), Strip(*sides)


def _stripped(tokenizer: Tokenizer, form: Form, shape: str, place: int, *, left: bool) -> str:
    plain = form.render(_talk(shape))

    def removed(spaces: str) -> bool:
        turns = list(_talk(shape))
        role, word = turns[place].role, turns[place].content
        turns[place] = Turn(role, spaces + word if left else word + spaces)
        text = _tried(tokenizer, turns)
        if text != plain and text != form.render(turns):
            raise _Unsaid(f"white space around {role} messages is changed")
        return text == plain

    whole = "".join(SPACES)
    try:
        return whole if removed(whole) else ""
    except _Unsaid:
        return "".join(filter(removed, SPACES))


def _tried(tokenizer: Tokenizer, turns: Sequence[Turn]) -> str | None:
    try:
        return _text(tokenizer, turns)
    except TemplateError:
        return None


def _with_thoughts(tokenizer: Tokenizer, form: Form) -> Form:
    """Return the form with what the template does to thinking parts of earlier answers."""
    for after in ("", "\n", "".join(SPACES)):
        dropping = replace(form, drops_thoughts=True, after_thought=after)
        if _wrong(tokenizer, dropping, _thinking_checks()) is None:
            return dropping
    return form


def _thinking_checks() -> Iterator[tuple[Turn, ...]]:
    yield _talk("uau", ("quebec", f"{_THINKING}romeo", "sierra"))
    yield _talk("uauau", ("quebec", f"{_THINKING}a\n", "tango", "<think>\n\n</think>\n\nb", "c"))
    yield _talk("uau", ("quebec", "<think>kilo</think> \n romeo", "sierra"))


def _checks(form: Form) -> Iterator[tuple[str, list[tuple[Turn, ...]]]]:
    """Yield conversations that the form has to write as the template does, by their group."""
    shapes = {
        (START, "user"): ("turns", "uauauauauau"),
        (START, "system"): ("system", "suauau"),
        ("assistant", "system"): ("system after an answer", "suasuauasu"),
        ("user", "system"): ("system after a question", "usauaus"),
        ("assistant", END): ("answer last", "uauaua"),
        (START, "assistant"): ("answer first", "auauau"),
        ("assistant", "tool"): ("tool", "uauatattau"),
    }
    for pair, (name, shape) in shapes.items():
        if pair in form.glue:
            numbers = [range(shift, shift + len(shape)) for shift in range(len(_ODD))]
            odd = [_talk(shape, [_ODD[n % len(_ODD)] for n in each]) for each in numbers]
            yield name, [_talk(shape), *odd]


def _wrong(
    tokenizer: Tokenizer, form: Form, checks: Iterable[tuple[Turn, ...]]
) -> tuple[Turn, ...] | None:
    """Return the first conversation that a form writes otherwise than the template."""
    return next((turns for turns in checks if _tried(tokenizer, turns) != form.render(turns)), None)


def _with_date(tokenizer: Tokenizer, form: Form) -> tuple[Form, str]:
    """Return the form with the day on which the template is rendered, and what is wrong with it."""
    now = datetime.now()
    for _, clock in _CLOCK.findall(tokenizer.template):
        day = now.strftime(clock)
        if not day or not any(day in text for text in form.glue.values()):
            continue
        if clock == DAY:
            glue = {pair: text.replace(day, TODAY) for pair, text in form.glue.items()}
            return replace(form, glue=glue), ""
        return form, (
            f"the chat template writes the current date, which Ollama can't in its way ({clock}); "
            f"TEMPLATE has {day}, the day of this export"
        )
    return form, ""


def _without_begin(tokenizer: Tokenizer, form: Form, *, adds_begin: bool) -> Form:
    named = dict(name.split("=", 1) for name in tokenizer.chat.named_tokens)
    begin = named.get("bos_token", "")
    starts = {pair: text for pair, text in form.glue.items() if pair[0] == START}
    if not (adds_begin and begin and all(text.startswith(begin) for text in starts.values())):
        return form
    cut = {pair: text.removeprefix(begin) for pair, text in starts.items()}
    return replace(form, glue={**form.glue, **cut}, begin_token=begin)
