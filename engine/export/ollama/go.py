"""A form as the text of a Go template, for Ollama's ``TEMPLATE``.

Actions stand without white space around, and white space control is not used: what is not in an
action is written as it stands. Go's templates have no function that strips or searches, so both
are loops over ``slice``; ``len (slice $text 1)`` is a length less one. Needed is Go 1.22, with
which Ollama was built when templates learnt to range over ``.Messages``.

The text is right by construction alone: that Go renders it as ``Form.render`` does is what
``tests/export/ollama`` shows with Go itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.export.ollama.form import END, START, THOUGHT_END, TODAY, Form, Strip
from engine.export.ollama.parts import parts

_JOIN = 'printf "%s\\n\\n%s" $held $text'


def go_template(form: Form) -> str:
    """Return the Go template that writes turns as a form does."""
    cut = parts(form)
    written = ['{{ $last := "" }}']
    if form.folds:
        written.append('{{ $held := "" }}')
    written.append("{{ range .Messages }}")
    written.append(_content(form))
    keyword = "if"
    for role in form.roles:
        before = form.before(role)
        missing = [first for first in _known(form, role) if first not in before]
        guard = f'and (eq .Role "{role}") (not (eq $last {_names(missing)}))'
        test = guard if missing else f'eq .Role "{role}"'
        written.append(f"{{{{ {keyword} {test} }}}}")
        written.append(_chain({first: cut.rests[first, role] for first in before}))
        written.append(_value(form, role))
        written += [literal(cut.ends.get(role, "")), f'{{{{ $last = "{role}" }}}}']
        keyword = "else if"
    if form.folds:
        join = f"{{{{ $held = {_JOIN} }}}}"
        written.append(f'{{{{ {keyword} eq .Role "system" }}}}{{{{ if $held }}}}{join}')
        written.append("{{ else }}{{ $held = $text }}{{ end }}")
    written.append("{{ end }}{{ end }}")
    if form.folds:
        begin = _chain({first: cut.rests[first, "user"] for first in form.before("user")})
        end = literal(cut.ends.get("user", ""))
        written.append(f'{{{{ if $held }}}}{begin}{{{{ $held }}}}{end}{{{{ $last = "user" }}}}')
        written.append("{{ end }}")
    tails = {first: text for (first, second), text in cut.rests.items() if second == END}
    written.append(
        _chain(tails, default=[role for role in (START, *form.roles) if role not in tails])
    )
    return "".join(written)


def _known(form: Form, role: str) -> list[str]:
    """Return after what a message of a role may come."""
    return [first for first in (START, *form.roles) if first != role or role == "tool"]


def _names(roles: Sequence[str]) -> str:
    return " ".join('""' if role == START else f'"{role}"' for role in roles)


def _chain(texts: Mapping[str, str], default: Sequence[str] = ()) -> str:
    """Return texts that depend on the role of the message before.

    Args:
        texts: The texts by that role.
        default: The roles after which nothing is written.
    """
    by_text: dict[str, list[str]] = {}
    for first, text in texts.items():
        by_text.setdefault(text, []).append(first)
    for first in default:
        by_text.setdefault("", []).append(first)
    if len(by_text) < 2:
        return literal(next(iter(by_text), ""))
    # The last one needs no test: nothing, or the most frequent text.
    order = sorted(by_text, key=lambda text: (text == "", len(by_text[text])))
    written, keyword = [], "if"
    for text in order[:-1]:
        written.append(f"{{{{ {keyword} eq $last {_names(by_text[text])} }}}}{literal(text)}")
        keyword = "else if"
    if order[-1]:
        written.append(f"{{{{ else }}}}{literal(order[-1])}")
    return "".join([*written, "{{ end }}"])


def _value(form: Form, role: str) -> str:
    return "{{ $text }}" if _changes(form, role) else "{{ .Content }}"


def _changes(form: Form, role: str) -> bool:
    """Whether a content is not written as it is."""
    return (
        any(second == role for _, second in form.strips)
        or (role == "assistant" and form.drops_thoughts)
        or (role == "user" and form.folds)
    )


def _content(form: Form) -> str:
    """Return what puts the content of the message at hand into ``$text``."""
    if not form.folds and not any(_changes(form, role) for role in form.roles):
        return ""
    written = ["{{ $text := .Content }}"]
    if form.drops_thoughts:
        drop = _drop_thoughts(form.after_thought)
        written.append(f'{{{{ if eq .Role "assistant" }}}}{drop}{{{{ end }}}}')
    if form.folds:
        join = f'{{{{ $text = {_JOIN} }}}}{{{{ $held = "" }}}}'
        written.append(f'{{{{ if and $held (eq .Role "user") }}}}{join}{{{{ end }}}}')
    by_strip: dict[Strip, list[tuple[str, str]]] = {}
    for pair, strip in form.strips.items():
        by_strip.setdefault(strip, []).append(pair)
    for strip, pairs in by_strip.items():
        test = _test(form, pairs)
        written.append(
            f"{{{{ if {test} }}}}{_strip(strip)}{{{{ end }}}}" if test else _strip(strip)
        )
    return "".join(written)


def _test(form: Form, pairs: Sequence[tuple[str, str]]) -> str:
    """Return the test whether a message and the one before have some roles; empty for all."""
    whole, tests = [], []
    for role in dict.fromkeys(second for _, second in pairs):
        before = {first for first, second in pairs if second == role}
        held = role == "system" and form.folds
        if before >= {START, *form.roles} or (before >= {*form.before(role)} and not held):
            whole.append(role)
        else:
            tests.append(f'(and (eq .Role "{role}") (eq $last {_names(sorted(before))}))')
    if not tests and {*whole} >= {*form.roles} and ("system" in whole or not form.folds):
        return ""
    if whole:
        tests.insert(0, f"(eq .Role {_names(whole)})")
    return f"or {' '.join(tests)}" if len(tests) > 1 else tests[0][1:-1]


def _drop_thoughts(after: str) -> str:
    size = len(THOUGHT_END)
    return (
        "{{ $rest := $text }}{{ range $at := len $text }}{{ $tail := slice $text $at }}"
        f'{{{{ if ge (len $tail) {size} }}}}{{{{ if eq (slice $tail 0 {size}) "{THOUGHT_END}" }}}}'
        f"{{{{ $rest = slice $tail {size} }}}}{{{{ end }}}}{{{{ end }}}}{{{{ end }}}}"
        "{{ if ne (len $rest) (len $text) }}{{ $text = $rest }}"
        f"{_strip(Strip(left=after))}{{{{ end }}}}"
    )


def _strip(strip: Strip) -> str:
    """Return loops that cut characters off ``$text``, of each length in bytes."""
    left, right = [], []
    for size in (1, 2, 3):
        names = _strings(strip.left, size)
        if names:
            test = f"and (ge (len $text) {size}) (eq (slice $text 0 {size}) {names})"
            left.append((test, f"slice $text {size}"))
        names = _strings(strip.right, size)
        if names:
            end = f"(len (slice $text {size}))"
            test = f"and (ge (len $text) {size}) (eq (slice $text {end}) {names})"
            right.append((test, f"slice $text 0 {end}"))
    return _loop(left) + _loop(right)


def _loop(steps: Sequence[tuple[str, str]]) -> str:
    if not steps:
        return ""
    written, keyword = ["{{ range len $text }}"], "if"
    for test, value in steps:
        written.append(f"{{{{ {keyword} {test} }}}}{{{{ $text = {value} }}}}")
        keyword = "else if"
    return "".join([*written, "{{ else }}{{ break }}{{ end }}{{ end }}"])


def _strings(characters: str, size: int) -> str:
    return " ".join(_string(c) for c in characters if len(c.encode()) == size)


def _string(text: str) -> str:
    """Return a text as a string constant of Go."""
    written = []
    for character in text:
        if character in '"\\':
            written.append("\\" + character)
        elif character.isprintable():
            written.append(character)
        else:
            code = ord(character)
            written.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return f'"{"".join(written)}"'


def literal(text: str) -> str:
    """Return text so that neither Go's templates nor a Modelfile's quotes take it for theirs.

    A Modelfile drops characters that are not printable, white space apart, so those are constants.
    """
    quotes = '"""' in text
    written = []
    for character in text:
        if character == TODAY:
            written.append("{{ currentDate }}")
        elif character in " \n\t" or (character.isprintable() and character != "{"):
            written.append('{{ "\\"" }}' if quotes and character == '"' else character)
        else:
            written.append(f"{{{{ {_string(character)} }}}}")
    return "".join(written)
