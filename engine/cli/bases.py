"""``finetui bases``: list, add and show base models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine import bases as engine_bases
from engine.bases import Base, BasePreset
from engine.cli.common import Progress, common_options, print_json, say, table
from engine.cli.waiting import patiently
from engine.errors import BaseInvalid, BaseMissing
from engine.tokens import Tokenizer


@click.group()
def bases() -> None:
    """List, add and show base models."""


def _size(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"


@bases.command("list")
@common_options
def list_bases(workspace: Path | None, as_json: bool) -> None:
    """List the models on this machine and the presets that can be added."""
    here = engine_bases.installed()
    names = {base.name for base in here}
    known = [preset for preset in engine_bases.presets() if preset.name not in names]
    if as_json:
        print_json(
            {
                "installed": [_described(base) for base in here],
                "presets": [asdict(preset) for preset in engine_bases.presets()],
            }
        )
        return
    rows = [(base.name, "here", _size(base.parameters), base.default_quant) for base in here]
    rows += [
        (preset.name, _to_get(preset), _size(preset.parameters), preset.default_quant)
        for preset in known
    ]
    table(("name", "where", "size", "default quant"), rows)
    if known:
        say()
        say("get one with: finetui bases add NAME (or a hub id, or a directory)")


def _to_get(preset: BasePreset) -> str:
    if preset.embedded:
        return "embedded, not imported yet"
    return f"{preset.hub_id} ({preset.download_bytes / 1e9:.1f} GB)"


@bases.command("add")
@click.argument("name_or_path")
@click.option(
    "--template",
    default="",
    help="Add it with another chat template: the name of a shipped one, or a Jinja file.",
)
@common_options
def add_base(name_or_path: str, template: str, workspace: Path | None, as_json: bool) -> None:
    """Bring a model here: a preset's name, a hub id, or a directory.

    With --template it comes once more, under a name of its own, and is trained, exported
    and asked with that template: chatml, gemma, instruction, llama-3, mistral, phi-3,
    qwen-2.5, qwen-3, smollm2, or yours. A model that was never taught to chat needs one.
    """
    adding = Progress("adding", quiet=as_json)
    base = patiently("base", lambda: engine_bases.add(name_or_path, progress=adding))
    if template:
        # Refuses, by name, a form whose control tokens the vocabulary lacks.
        text = Tokenizer.load(base.directory, template=template).template
        base = engine_bases.with_template(base, text, Path(template).stem)
    _show(base, as_json)


@bases.command("show")
@click.argument("name")
@common_options
def show_base(name: str, workspace: Path | None, as_json: bool) -> None:
    """Describe one model: where it is, its size, its template."""
    try:
        base = engine_bases.resolve(name)
    except (BaseMissing, BaseInvalid):
        preset = engine_bases.preset_for(name)
        if preset is None:
            raise
        _show_preset(preset, as_json)
        return
    _show(base, as_json)


def _described(base: Base) -> dict[str, Any]:
    return asdict(base) | {"directory": str(base.directory)}


def _show_preset(preset: BasePreset, as_json: bool) -> None:
    if as_json:
        print_json(asdict(preset) | {"installed": False})
        return
    say(f"{preset.title} is not on this machine yet")
    say(f"  get it with    finetui bases add {preset.name}")
    if not preset.embedded:
        gated = ", after accepting its licence there" if preset.gated else ""
        say(f"  hub id         {preset.hub_id}{gated}")
        say(f"  4-bit copy     {preset.four_bit_id or '-'}")
        say(f"  download       {preset.download_bytes / 1e9:.1f} GB")
    say(f"  parameters     {preset.parameters:,}")
    say(f"  chat template  {preset.template}")
    say(f"  licence        {preset.licence}")
    say(f"  default quant  {preset.default_quant}")
    say(f"  preset         {preset.preset}")


def _show(base: Base, as_json: bool) -> None:
    if as_json:
        print_json(_described(base) | {"installed": True})
        return
    say(f"{base.name} is here")
    say(f"  directory      {base.directory}")
    if base.hub_id:
        say(f"  hub id         {base.hub_id}")
    say(f"  parameters     {base.parameters:,}")
    say(f"  fingerprint    {base.fingerprint}")
    say(f"  default quant  {base.default_quant}")
    say(f"  preset         {base.preset}")
    say(f"  chat template  {len(base.chat_template):,} characters")
    if base.note:
        say(f"  note           {base.note}")
