"""A run's export for Ollama: which file, under which name, and what to paste without finetui."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import ExportError
from engine.export.artifacts import ExportInfo, artifacts, how_to_get
from engine.export.gates.findings import found_of
from engine.export.gates.model import template_refused
from engine.export.ollama.address import Address
from engine.export.ollama.exported import exported_model, write_modelfile
from engine.export.ollama.modelfile import OllamaModel
from engine.export.ollama.names import LATEST, checked
from engine.export.ollama.register import Registered, Tell, choose_prompt, register
from engine.export.quants import check_quant
from engine.export.spec import load_spec
from engine.paths import shell_path
from engine.runs import find
from engine.tokens import Tokenizer
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ForOllama:
    """An export that Ollama can be given.

    Args:
        run_dir: The run.
        quant: The quantisation.
        gguf: The file.
        modelfile: Its Modelfile, which was written anew.
        name: The name that it gets in Ollama.
        model: What Ollama is told of it.
        tokenizer: That of training.
    """

    run_dir: Path
    quant: str
    gguf: Path
    modelfile: Path
    name: str
    model: OllamaModel
    tokenizer: Tokenizer

    @property
    def commands(self) -> tuple[str, str]:
        """The two commands that do the same where Ollama runs on this machine."""
        name = self.name.removesuffix(f":{LATEST}")
        return f"ollama create {name} -f {shell_path(self.modelfile)}", f"ollama run {name}"

    def give(self, address: Address, *, replace: bool = False, tell: Tell) -> Registered:
        """Give it to a running Ollama; see :func:`engine.export.ollama.register.register`.

        Raises:
            OllamaError: It can't be done, or Ollama feeds the model otherwise than training.
        """
        return register(
            address,
            self.name,
            self.gguf,
            self.model,
            self.tokenizer,
            prompt=choose_prompt(self.run_dir, self.model, self.tokenizer),
            replace=replace,
            tell=tell,
        )


def for_ollama(
    workspace: Workspace, run: str, quant: str | None = None, name: str = ""
) -> ForOllama:
    """Find an export and write its Modelfile.

    Args:
        workspace: The workspace.
        run: The run's id, or a part of it.
        quant: The quantisation; None takes the newest export.
        name: The name in Ollama; empty takes the run's.

    Raises:
        RunMissing: There is no such run.
        QuantUnknown: There is no such quantisation.
        ExportError: The run was not exported at it.
        UsageError: Ollama takes no model of that name.
    """
    found = find(workspace, run)
    wanted = None if quant is None else check_quant(quant)
    name = checked(name) if name else ""
    exports = artifacts(workspace, found.id)
    info = next((one for one in exports if wanted in (None, one.quant)), None)
    if info is None:
        at = f" at {wanted}" if wanted else ""
        raise ExportError(
            f"run {found.id} has no finished export{at}",
            hint=how_to_get(found.dir, wanted or ""),
        )
    return _prepared(found.dir, info, name)


def _prepared(run_dir: Path, info: ExportInfo, name: str) -> ForOllama:
    job_dir = info.modelfile.parent
    # While it is repeated, the spec is that of the files to come.
    told = {"which": info.adapter, "step": info.step}
    spec = load_spec(job_dir).model_copy(update=told)
    tokenizer = Tokenizer.load(info.base_dir)
    model = exported_model(spec, info.tuned, tokenizer)
    model = replace(model, served=not template_refused(found_of(job_dir)))
    return ForOllama(
        run_dir=run_dir,
        quant=info.quant,
        gguf=info.tuned,
        modelfile=write_modelfile(spec, model, job_dir, info.quant),
        name=name or checked(spec.ollama_name("" if info.quant == spec.quant else info.quant)),
        model=model,
        tokenizer=tokenizer,
    )
