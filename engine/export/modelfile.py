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
_SECOND = "finetui-second"


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
    question, answer = Turn("user", _QUESTION), Turn("assistant", _ANSWER)
    write = tokenizer.chat.text
    try:
        alone = write([question], generation_prompt=True)
        headed = write([Turn("system", _SYSTEM), question], generation_prompt=True)
        opened, answered = write([question]), write([question, answer])
        second = write([question, answer, Turn("user", _SECOND)])
    except TemplateError:
        return None
    before, _, after = alone.partition(_QUESTION)
    user_end, end = opened.partition(_QUESTION)[2], answered.rpartition(_ANSWER)[2]
    system_start, _, rest = headed.partition(_SYSTEM)
    middle, _, after_headed = rest.partition(_QUESTION)
    # What stands between an answer and the next question is the end of the one and the start
    # of the other.
    between = second.partition(_ANSWER)[2].partition(_SECOND)[0]
    user_start = between.removeprefix(end)
    system_end = middle.removesuffix(user_start)
    whole = (
        _SYSTEM in headed
        and between.startswith(end)
        and middle.endswith(user_start)
        and before.endswith(user_start)
        and after.startswith(user_end)
        and after == after_headed
        and answered == alone + _ANSWER + end
    )
    if not whole:
        return None
    head = before.removesuffix(user_start)
    default = ""
    if head.startswith(system_start) and head.endswith(system_end) and head != system_start:
        default = head[len(system_start) : len(head) - len(system_end)]
    elif system_start.startswith(head):
        # A token that begins every text; whoever loads the file adds it.
        system_start = system_start.removeprefix(head)
    else:
        return None
    return TurnForm(
        system=(system_start, system_end),
        user=(user_start, user_end),
        start=after.removeprefix(user_end),
        end=end,
        default_system=default,
    )


def modelfile(
    gguf: str, tokenizer: Tokenizer, *, system: str = "", temperature: float, comment: str = ""
) -> str:
    """Return the text of a Modelfile.

    Args:
        gguf: The model file, relative to the Modelfile.
        tokenizer: The base's tokenizer and template.
        system: The system message that the model was trained with; empty takes the template's.
        temperature: The sampling temperature.
        comment: What the model is.
    """
    told = [f"# {' '.join(comment.split())}"] if comment else []
    lines = [f"FROM ./{gguf}", *told, ""]
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
