"""What Ollama is told of a model, as a Modelfile and as fields of its API.

The Modelfile's form is that of https://docs.ollama.com/modelfile. Its parser drops characters that
are not printable, and takes three quotes at a line's end for the end of a text, whatever stands
around; what can't be said between quotes is put into TEMPLATE, where Go's escapes can say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.export.ollama.derive import compared, derive
from engine.export.ollama.form import Form
from engine.export.ollama.go import go_template
from engine.export.ollama.parts import parts
from engine.models import Turn
from engine.serve.header import GgufHeader, read_header
from engine.tokens import Tokenizer

INSTEAD = (
    "newer versions of Ollama use the chat template inside the GGUF, older ones send prompts as "
    "they are; llama.cpp's server (llama-server --jinja) uses it too, and a run on a base with "
    "another template (finetui bases add BASE --template chatml) needs none of this"
)
_UNSAID = "SYSTEM can't hold this system message, and there is no TEMPLATE to put it in"


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """What Ollama is told of a model.

    Args:
        template: The Go template; empty where the chat template can't be said in Go.
        system: The system message of conversations that begin with none.
        stops: Texts that end an answer.
        temperature: The sampling temperature.
        reason: Why there is no template.
        notes: What Ollama will do otherwise than training, each a sentence.
        trained_system: The system message of training, be it in ``system`` or in the template.
    """

    template: str
    system: str
    stops: tuple[str, ...]
    temperature: float
    reason: str = ""
    notes: tuple[str, ...] = ()
    trained_system: str = ""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The parameters as Ollama's API takes them."""
        stops = {"stop": list(self.stops)} if self.stops else {}
        return {**stops, "temperature": self.temperature}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know of it, each a sentence: that there is no template, and the notes."""
        missing = f"no TEMPLATE: {self.reason}; {INSTEAD}"
        return self.notes if self.template else (missing, *self.notes)

    def as_dict(self) -> dict[str, object]:
        """Return it as the result of an export has it."""
        return {"template": bool(self.template), "remarks": list(self.remarks)}

    def modelfile(self, gguf: str, *, comment: str = "") -> str:
        """Return the text of a Modelfile.

        Args:
            gguf: The model file, relative to the Modelfile.
            comment: What the model is.
        """
        lines = [f"FROM ./{gguf}"]
        if comment:
            lines.append(_comment(comment))
        lines.append("")
        if self.template:
            lines.append(f'TEMPLATE """{self.template}"""')
        lines += [_comment(remark) for remark in self.remarks]
        if self.system:
            lines.append(f'SYSTEM """{self.system}"""')
        lines.append("")
        lines += [f'PARAMETER stop "{stop}"' for stop in self.stops]
        lines.append(f"PARAMETER temperature {self.temperature:g}")
        return "\n".join(lines) + "\n"


def ollama_model(
    tokenizer: Tokenizer,
    *,
    system: str = "",
    temperature: float,
    adds_begin: bool,
    prompts: Sequence[Sequence[Turn]] = (),
) -> OllamaModel:
    """Return what Ollama is told of a model.

    Args:
        tokenizer: The base's tokenizer and template.
        system: The system message that the model was trained with; empty takes the template's.
        temperature: The sampling temperature.
        adds_begin: Whether the GGUF has whoever loads it add the token that begins a text.
        prompts: Prompts of the dataset, with which the derived template is tried too.
    """
    derived = derive(tokenizer, adds_begin=adds_begin)
    if derived.form is not None:
        derived = compared(derived, tokenizer, prompts)
    form, notes, trained_system = derived.form, list(derived.notes), system
    if not _speakable(system):
        if form is None:
            notes.append(_UNSAID)
        else:
            form = form.with_default_system(system)
        system = ""
    return OllamaModel(
        template="" if form is None else go_template(form),
        system=system,
        stops=_stops(tokenizer, form),
        temperature=temperature,
        reason=derived.reason,
        notes=tuple(notes),
        trained_system=trained_system,
    )


def modelfile(
    gguf: str,
    tokenizer: Tokenizer,
    *,
    system: str = "",
    temperature: float,
    adds_begin: bool,
    comment: str = "",
) -> str:
    """Return the text of a Modelfile; the arguments are those of ``ollama_model``.

    Args:
        gguf: The model file, relative to the Modelfile.
        tokenizer: The base's tokenizer and template.
        system: The system message that the model was trained with; empty takes the template's.
        temperature: The sampling temperature.
        adds_begin: Whether the GGUF has whoever loads it add the token that begins a text.
        comment: What the model is.
    """
    model = ollama_model(tokenizer, system=system, temperature=temperature, adds_begin=adds_begin)
    return model.modelfile(gguf, comment=comment)


def adds_begin(gguf: Path | GgufHeader) -> bool:
    """Whether whoever loads a GGUF adds the token that begins a text.

    Where the file doesn't say, it is as llama.cpp has it: added for vocabularies of
    SentencePiece's kind, and for Llama 3's.

    Raises:
        GgufDamaged: The file can't be read.
    """
    header = read_header(gguf) if isinstance(gguf, Path) else gguf
    said = header.metadata.get("tokenizer.ggml.add_bos_token")
    if said is not None:
        return bool(said)
    kind = header.metadata.get("tokenizer.ggml.model")
    return kind == "llama" or header.metadata.get("tokenizer.ggml.pre") == "llama-bpe"


def _comment(text: str) -> str:
    return f"# {' '.join(text.split())}"


def _speakable(text: str) -> bool:
    """Whether a text between three quotes is what Ollama's parser of Modelfiles reads."""
    if any(line.rstrip().endswith('"""') for line in text.split("\n")):
        return False
    return all(character.isprintable() or character in "\n\t" for character in text)


def _stops(tokenizer: Tokenizer, form: Form | None) -> tuple[str, ...]:
    """Return the texts of the tokens that end an answer, or begin a turn in ChatML.

    Where no token ends an answer, what begins the next question does.
    """
    names = [tokenizer.token(index) for index in sorted(tokenizer.eos_ids)]
    source = tokenizer.template
    if "<|im_start|>" in source and "<|im_start|>" not in names:
        names.insert(0, "<|im_start|>")
    if form is not None:
        between = tokenizer.encode(form.glue["assistant", "user"])
        if not tokenizer.control_ids.intersection(between):
            names.append(parts(form).begins.get("user", "").strip().split("\n")[0])
    kept = (name for name in names if name and name.isprintable() and '"' not in name)
    return tuple(dict.fromkeys(kept))
