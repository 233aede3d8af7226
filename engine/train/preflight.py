"""What is wrong, or worth knowing, about a run before anything heavy loads. No torch.

What can't work is raised with its name; what works and may surprise is a :class:`Finding`. The
plan, the form and the start of a run all ask here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.bases import Base, shape_of
from engine.bases.adapters import another_base, check_origin, read_adapter
from engine.bases.check import fingerprint, tensor_shapes, weight_files
from engine.bases.locate import shown
from engine.bases.template import CHATML, own_template, read_json, stand_in_template
from engine.dataset import Row
from engine.errors import BaseInvalid, DatasetRefused, SettingsError
from engine.paths import shell_path
from engine.tokens import Rendered, Tokenizer, render
from engine.train.architectures import check_architecture
from engine.train.layers import match_layers
from engine.train.presets import ALL_LINEAR, ATTENTION
from engine.train.spec import TrainSpec

_NO_LAYERS = {"embed_tokens", "wte", "wpe", "word_embeddings", "lm_head", "embed_out"}
"""Matrices that are embeddings or output layers."""
_STEP = 64
"""An offered max length is a multiple of this, in tokens."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before a run starts.

    Args:
        code: A stable name, for programs.
        message: What it is, in one sentence.
        hint: What can be done about it; empty where nothing need be.
    """

    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def preflight(
    spec: TrainSpec, base: Base, tokenizer: Tokenizer, rows: Sequence[Row]
) -> tuple[Finding, ...]:
    """Look at a run's base, examples and starting point.

    Args:
        spec: The run.
        base: Its base, as it is on this machine.
        tokenizer: The base's.
        rows: The training examples, or a sample of them.

    Raises:
        SettingsError: No layer is named that gets an adapter.
        DatasetRefused: No example has a token to train on.
        BaseInvalid: transformers does not know the base's architecture, it has no layer of a
            name that the run asks for, or its tokenizer makes ids for which the model has no
            embedding.
        TemplateError: The base's template can't render an example.
        AdapterInvalid: What the run would resume from is no adapter.
        AdapterMismatch: It is one of another base: of other shapes, or by its run's own word.
        AccessRefused: It can't be looked at.
    """
    check_architecture(base)
    check_layers(spec, base)
    rendered = [render(tokenizer, row.turns) for row in rows]
    _check_vocabulary(base, rendered)
    _require_trained(rendered, spec.max_length)
    return (
        *template_findings(base, spec.base),
        *padding_findings(base),
        *end_findings(base, tokenizer, rendered, spec.base),
        *length_findings(spec.max_length, rendered, context_of(base.directory)),
        *_start_findings(spec, base),
    )


def _start_findings(spec: TrainSpec, base: Base) -> tuple[Finding, ...]:
    if not spec.resume_from:
        return ()
    adapter = read_adapter(spec.resume_from)
    if check_origin(adapter, base):
        return ()
    hint = f"to train on {adapter.base or 'that base'}, name it with --base"
    return (Finding("adapter-of-another-base", another_base(adapter, base), hint),)


def check_same_base(spec: TrainSpec) -> None:
    """Look whether a run's base still is what it was when the run was made.

    Raises:
        BaseInvalid: It has changed, or is damaged.
    """
    folder = Path(spec.base_dir)
    if spec.base_fingerprint and fingerprint(folder) != spec.base_fingerprint:
        raise BaseInvalid(
            f"the base {shown(folder)} has changed since this run was made "
            f"(it was {spec.base_fingerprint})",
            hint="put the former files back, or start a new run",
        )


def check_layers(spec: TrainSpec, base: Base) -> None:
    """Look for the layers that a run names in the headers of the base's files.

    Experts are left to the loaded model: they may be stored under other names than they have
    there.

    Raises:
        SettingsError: No layer is named.
        BaseInvalid: A name has no layer.
    """
    require_layers(spec)
    if shape_of(read_json(base.directory / "config.json")).experts:
        return
    there = {layer.rpartition(".")[2] for layer in stored_layers(base.directory)}
    if there:
        match_layers(sorted(there), spec.target_modules, base=base.name)


def require_layers(spec: TrainSpec) -> None:
    """Require that a run names a layer.

    Raises:
        SettingsError: It names none.
    """
    if not spec.target_modules:
        raise SettingsError(
            "training setting target_modules names no layer",
            hint=f"set it to {ALL_LINEAR}, or to names such as {', '.join(ATTENTION)}",
        )


def stored_layers(directory: Path) -> dict[str, tuple[int, int]]:
    """Return the outputs and inputs of each layer in the headers of a base's files."""
    layers = {}
    for path in weight_files(directory):
        for name, shape in tensor_shapes(path).items():
            layer, _, what = name.rpartition(".")
            if what == "weight" and len(shape) == 2 and layer.rpartition(".")[2] not in _NO_LAYERS:
                layers[layer] = (shape[0], shape[1])
    return {layer: sizes for layer, sizes in layers.items() if layer}


def template_findings(base: Base, named: str) -> tuple[Finding, ...]:
    """Say which template stands in where a base has none of its own."""
    if own_template(base.directory):
        return ()
    if stand_in_template(base.directory) == CHATML:
        form = "ChatML is used, whose control tokens its vocabulary has"
    else:
        form = "roles are written as plain text, and each turn ends with the end token"
    return (
        Finding(
            "no-template",
            f"{base.name} has no chat template: {form}",
            f"to choose one: finetui bases add {shell_path(named)} --template NAME",
        ),
    )


def padding_findings(base: Base) -> tuple[Finding, ...]:
    """Say what fills batches up where a base has no token of its own for it.

    Padding carries no loss whatever it is: labels are made from the rendered answers, never by
    comparing ids with the pad token. So a pad token that is also the end token costs nothing.
    """
    pad, end = _special(base.directory, "pad_token"), _special(base.directory, "eos_token")
    if not pad:
        with_what = f"its end token {end}" if end else "token 0"
        return (
            Finding(
                "no-pad-token",
                f"{base.name} has no pad token: batches are padded with {with_what}, without loss",
            ),
        )
    if pad == end:
        return (
            Finding(
                "pad-is-eos",
                f"{base.name} pads with its end token {end}: padding carries no loss, and the end "
                "of each answer is still trained",
            ),
        )
    return ()


def end_findings(
    base: Base, tokenizer: Tokenizer, rendered: Sequence[Rendered], named: str
) -> tuple[Finding, ...]:
    """Say so where no answer ends with a token that the model stops at."""
    places = [(row, _last_trained(row)) for row in rendered]
    lasts = {row.ids[place] for row, place in places if place is not None}
    if not lasts or lasts & tokenizer.eos_ids:
        return ()
    return (
        Finding(
            "no-end-token",
            f"the chat template of {base.name} writes no end token after an answer: the model does "
            "not learn to stop",
            f"choose another template: finetui bases add {shell_path(named)} --template NAME",
        ),
    )


def length_findings(
    max_length: int, rendered: Sequence[Rendered], context: int = 0
) -> tuple[Finding, ...]:
    """Say which examples are too long, what they lose, and which max length keeps them whole.

    Args:
        max_length: The run's, in tokens.
        rendered: Examples that are not cut off.
        context: How many tokens the base was made for; 0 where it does not say.
    """
    findings = []
    total = len(rendered)
    ends = _ends(rendered)
    longer = [index for index, row in enumerate(rendered) if len(row.ids) > max_length]
    cut = [index for index in longer if ends[index] > max_length]
    if cut:
        findings.append(
            Finding("rows-cut", cut_words(len(cut), total, max_length), _keeping(ends, context))
        )
    silent = _silent(rendered, max_length)
    if silent:
        have = "has" if silent == 1 else "have"
        findings.append(
            Finding(
                "rows-untrained",
                f"{silent} of {total} {have} no token to train on within {max_length} tokens, and "
                f"{'is' if silent == 1 else 'are'} left out",
            )
        )
    over = sum(min(len(row.ids), max_length) > context for row in rendered) if context else 0
    if over:
        findings.append(
            Finding(
                "rows-over-context",
                f"{over} of {total} examples have more than the {context:,} tokens that the base "
                "was made for: it may not follow what comes after",
                f"set max_length to {context} or less",
            )
        )
    return tuple(findings)


def cut_words(count: int, total: int, max_length: int, what: str = "examples") -> str:
    """Return the sentence for examples that are cut off.

    Args:
        count: How many of them.
        total: How many examples there are.
        max_length: The run's, in tokens.
        what: What they are called.
    """
    if count == 1:
        return (
            f"1 of {total} {what} is longer than {max_length} tokens and is cut off: it loses its "
            "end token, so the model does not learn from it where to stop"
        )
    return (
        f"{count} of {total} {what} are longer than {max_length} tokens and are cut off: they lose "
        "their end token, so the model does not learn from them where to stop"
    )


def context_of(directory: Path) -> int:
    """Return how many tokens a base was made for, by its ``config.json``; 0 where it is silent."""
    config = read_json(directory / "config.json")
    for part in (config.get("text_config"), config):
        if isinstance(part, dict):
            for name in ("max_position_embeddings", "n_positions", "max_seq_len"):
                value = part.get(name)
                if isinstance(value, int) and value > 0:
                    return value
    return 0


def _keeping(ends: Sequence[int], context: int) -> str:
    needed = -(-max(ends) // _STEP) * _STEP
    if not context or needed <= context:
        return f"max_length {needed} keeps them all whole"
    within = max((end for end in ends if end <= context), default=0)
    beyond = sum(end > context for end in ends)
    wanted = min(context, -(-within // _STEP) * _STEP)
    return (
        f"max_length {wanted} keeps all but {beyond} whole; the base was made for {context:,} "
        "tokens, so divide longer examples"
    )


def _last_trained(row: Rendered) -> int | None:
    """Return the place of the last token that carries loss."""
    for index in range(len(row.trained) - 1, -1, -1):
        if row.trained[index]:
            return index
    return None


def _check_vocabulary(base: Base, rendered: Sequence[Rendered]) -> None:
    """Require an embedding for each id: on a GPU its absence ends the process without a name."""
    vocabulary = shape_of(read_json(base.directory / "config.json")).vocab
    highest = max((max(row.ids, default=0) for row in rendered), default=0)
    if vocabulary and highest >= vocabulary:
        raise BaseInvalid(
            f"the tokenizer of {base.name} makes the id {highest}, and the model has embeddings "
            f"for 0 to {vocabulary - 1}",
            hint="the tokenizer belongs to another model; get the folder again",
        )


def _silent(rendered: Sequence[Rendered], max_length: int) -> int:
    """Return how many examples have no token that carries loss, once they are cut off."""
    return sum(not any(row.trained[1:max_length]) for row in rendered)


def _require_trained(rendered: Sequence[Rendered], max_length: int) -> None:
    if not rendered or _silent(rendered, max_length) < len(rendered):
        return
    if _silent(rendered, max(len(row.ids) for row in rendered)) < len(rendered):
        raise DatasetRefused(
            f"no example has a token to train on within {max_length} tokens: answers begin later",
            hint=f"raise max_length; {_keeping(_ends(rendered), 0)}",
        )
    raise DatasetRefused(
        "no example has a token to train on: none has an answer",
        hint="approve examples that have one, and freeze again",
    )


def _ends(rendered: Sequence[Rendered]) -> list[int]:
    """Return for each example how long it is up to its last token that carries loss."""
    return [1 + (_last_trained(row) or 0) for row in rendered]


def _special(directory: Path, name: str) -> str:
    """Return a special token as ``tokenizer_config.json`` names it, else the older map."""
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        value = read_json(directory / file).get(name)
        if isinstance(value, dict):
            value = value.get("content")
        if isinstance(value, str):
            return value
    return ""
