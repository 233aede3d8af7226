"""An export's Modelfile: what Ollama needs to know of it, written beside the GGUF."""

from __future__ import annotations

from pathlib import Path

from engine.dataset.frozen import system_prompt
from engine.errors import DatasetMissing
from engine.export.held_out import dataset_dir, dataset_prompts
from engine.export.ollama.modelfile import OllamaModel, adds_begin, ollama_model
from engine.export.spec import ExportSpec
from engine.models import Turn
from engine.paths import write_atomic
from engine.tokens import Tokenizer

MODELFILE = "Modelfile"
TEMPERATURE = 0.7
_MOST_PROMPTS = 300


def exported_model(spec: ExportSpec, gguf: Path, tokenizer: Tokenizer | None = None) -> OllamaModel:
    """Return what Ollama is told of an export.

    Args:
        spec: The export.
        gguf: One of its files.
        tokenizer: The base's; it is loaded where it is not given.

    Raises:
        BaseInvalid: The base's tokenizer can't be read.
        GgufDamaged: The file can't be read.
        TemplateError: The chat template is not one.
    """
    return ollama_model(
        tokenizer or Tokenizer.load(spec.base_dir),
        system=system_prompt(dataset_dir(spec.run_dir)),
        temperature=TEMPERATURE,
        adds_begin=adds_begin(gguf),
        prompts=_prompts(spec.run_dir),
    )


def _prompts(run_dir: Path) -> list[tuple[Turn, ...]]:
    try:
        return [prompt.turns for prompt in dataset_prompts(run_dir)[:_MOST_PROMPTS]]
    except DatasetMissing:
        return []


def write_modelfile(spec: ExportSpec, model: OllamaModel, job_dir: Path, quant: str) -> Path:
    """Write the Modelfile of one of an export's files and return where it is.

    That of the first file is named ``Modelfile``, those of others after their quantisation.
    """
    name = MODELFILE if quant == spec.quant else f"{MODELFILE}.{quant}"
    step = f", of step {spec.step}" if spec.step else ""
    comment = f"run {spec.run_id} on {spec.base}: the {spec.which} adapter{step}"
    text = model.modelfile(spec.tuned_file(job_dir, quant).name, comment=comment)
    path = job_dir / name
    # A base's name may hold what is no UTF-8; it stands in a comment.
    write_atomic(path, text.encode("utf-8", "backslashreplace"))
    return path
