"""The Modelfile with which Ollama takes an exported model.

The form is that of https://docs.ollama.com/modelfile.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens import Tokenizer

# Words that no template contains.
_SYSTEM, _QUESTION, _ANSWER = "finetui-system", "finetui-question", "finetui-answer"


@dataclass(frozen=True, slots=True)
class TurnForm:
    """How a template writes turns, where it writes them one after the other.

    Each part is the text before and after a turn's content; ``start`` is what begins an
    answer; ``default_system`` the system message of a conversation that has none.
    """

    system: tuple[str, str]
    user: tuple[str, str]
    start: str
    end: str
    default_system: str


def turn_form(tokenizer: Tokenizer) -> TurnForm | None:
    """Derive the form of turns from what a template makes of probes.

    Returns:
        The form, or None where the template does more than put text around turns.
    """
    try:
        alone = tokenizer.chat.text([Turn("user", _QUESTION)], generation_prompt=True)
        opened = tokenizer.chat.text([Turn("user", _QUESTION)])
        headed = tokenizer.chat.text(
            [Turn("system", _SYSTEM), Turn("user", _QUESTION)], generation_prompt=True
        )
        answered = tokenizer.chat.text([Turn("user", _QUESTION), Turn("assistant", _ANSWER)])
    except TemplateError:
        return None
    user_end = opened.partition(_QUESTION)[2]
    after = alone.partition(_QUESTION)[2]
    before_system, _, rest = headed.partition(_SYSTEM)
    middle, _, after_headed = rest.partition(_QUESTION)
    end = answered.rpartition(_ANSWER)[2]
    if not after.startswith(user_end) or after_headed != after or _SYSTEM not in headed:
        return None
    if answered != alone + _ANSWER + end:
        return None
    # The prompt without a system message is either the user's part alone, or has a default
    # system message before it; the user's part is what both have in common at their end.
    before = alone.partition(_QUESTION)[0]
    default = ""
    system_end, user_start = _split(middle, before, before_system)
    if user_start is None:
        return None
    if before != user_start:
        if not before.startswith(before_system) or not before.endswith(middle):
            return None
        default = before[len(before_system) : len(before) - len(middle)]
    return TurnForm(
        system=(before_system, system_end),
        user=(user_start, user_end),
        start=after[len(user_end) :],
        end=end,
        default_system=default,
    )


def _split(middle: str, before: str, before_system: str) -> tuple[str, str | None]:
    """Cut what stands between system and user message into the end of one, the start of other."""
    if middle.endswith(before):
        return middle[: len(middle) - len(before)], before
    # With a default system message: turns that begin alike, as in ChatML, begin with the same
    # control token as the system message does.
    marker = before_system[: before_system.find(">") + 1]
    cut = middle.rfind(marker) if marker else -1
    return (middle[:cut], middle[cut:]) if cut >= 0 else ("", None)


def modelfile(gguf: str, tokenizer: Tokenizer, *, system: str = "", temperature: float) -> str:
    """Return the text of a Modelfile.

    Args:
        gguf: The model file, relative to the Modelfile.
        tokenizer: The base's tokenizer and template.
        system: The system message that the model was trained with; empty takes the template's.
        temperature: The sampling temperature.
    """
    lines = [f"FROM ./{gguf}", ""]
    form = turn_form(tokenizer)
    if form is None:
        lines.append("# The chat template inside the GGUF is used; it is not one of plain turns.")
        message = system
    else:
        lines.append(f'TEMPLATE """{_go_template(form)}"""')
        message = system or form.default_system
    if message:
        lines.append(f"SYSTEM {_quoted(message)}")
    lines.append("")
    lines += [f'PARAMETER stop "{stop}"' for stop in _stops(tokenizer)]
    lines.append(f"PARAMETER temperature {temperature:g}")
    return "\n".join(lines) + "\n"


def _go_template(form: TurnForm) -> str:
    (system_start, system_end), (user_start, user_end) = form.system, form.user
    parts = [
        "{{ if .System }}",
        _literal(system_start),
        "{{ .System }}",
        _literal(system_end),
        "{{ end }}{{ if .Prompt }}",
        _literal(user_start),
        "{{ .Prompt }}",
        _literal(user_end),
        "{{ end }}",
        _literal(form.start),
        "{{ .Response }}",
        _literal(form.end),
    ]
    return "".join(parts)


def _literal(text: str) -> str:
    """Return text so that neither Go's templates nor the quotes around take it for theirs."""
    return text.replace("{{", '{{ "{{" }}').replace('"""', '{{ "\\"\\"\\"" }}')


def _quoted(text: str) -> str:
    return f'"""{text}"""' if '"""' not in text else f'"{text}"'


def _stops(tokenizer: Tokenizer) -> list[str]:
    """Return the texts of the tokens that end an answer, or begin a turn in ChatML."""
    names = [tokenizer.token(index) for index in sorted(tokenizer.eos_ids)]
    form = tokenizer.template
    if "<|im_start|>" in form and "<|im_start|>" not in names:
        names.insert(0, "<|im_start|>")
    return [name for name in names if name and '"' not in name]
