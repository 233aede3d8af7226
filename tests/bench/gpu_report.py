"""The proof's figures as Markdown, and the preset that its run under a cap takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PRESET_12_GB = "12gb"


def preset_for_12_gb() -> dict[str, Any]:
    """Return the values of the preset for a GPU with 12 GB."""
    from engine.train import PRESETS

    values = dict(PRESETS[_PRESET_12_GB].values)
    kept = ("r", "alpha", "target_modules", "batch_size", "accumulation", "max_length",
            "gradient_checkpointing")  # fmt: skip
    return {name: values[name] for name in kept if name in values}


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of a proof."""
    machine = found.get("machine") or {}
    versions = ", ".join(
        f"{name} {machine[name]}"
        for name in ("torch", "transformers", "trl", "peft", "bitsandbytes", "unsloth")
        if name in machine
    )
    memory = f", {machine['memory'] / 1e9:.1f} GB" if machine.get("memory") else ""
    lines = [f"Machine: {machine.get('device', 'unknown')}{memory}. {versions}."]
    if found.get("tiny"):
        lines.append("\n**Tiny shapes, to try the script: these figures mean nothing.**")
    lines += _models(found.get("models")) + _turns(found.get("turns")) + _fit(found.get("fit"))
    lines += _cap(found.get("cap"))
    if found.get("skipped"):
        lines += ["", "Not measured:", "", *(f"- {text}" for text in found["skipped"])]
    lines += ["", f"It took {found.get('seconds', 0)} s.", ""]
    return "\n".join(lines)


def _models(models: Mapping[str, Any] | None) -> list[str]:
    if not models:
        return []
    made = (f"{name} ({_size(v['bytes'])}, {v['seconds']} s)" for name, v in models.items())
    return ["", f"Models made: {', '.join(made)}."]


def _turns(turns: list[Mapping[str, Any]] | None) -> list[str]:
    if not turns:
        return []
    lines = [
        "",
        "| base | trained with | tokens/s | of the bare script | peak of tensors | reserved "
        "| first and last loss |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rates = {(turn["base"], turn["name"]): turn["tokens_per_s"] for turn in turns}
    for turn in turns:
        bare = rates.get((turn["base"], turn["name"].replace("finetui/", "bare ")))
        ratio = "" if turn["name"].startswith("bare") or not bare else (
            f"{turn['tokens_per_s'] / bare:.2f}"
        )  # fmt: skip
        losses = turn["losses"]
        ends = f"{losses[0]:.3f}, {losses[-1]:.3f}" if losses else turn["error"] or "none"
        lines.append(
            f"| {turn['base']} | {turn['name']} | {turn['tokens_per_s']:,.0f} | {ratio} "
            f"| {_size(turn['memory']['allocated'])} | {_size(turn['memory']['reserved'])} "
            f"| {ends} |"
        )
    return lines


def _fit(settings: list[Mapping[str, Any]] | None) -> list[str]:
    if not settings:
        return []
    lines = [
        "",
        "| setting | predicted | measured | off by | peak of tensors | largest part |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for setting in settings:
        peaks = setting["memory"]
        predicted = ((setting.get("fit") or {}).get("predicted")) or {}
        own = ((setting.get("fit") or {}).get("measured")) or {}
        measured = own.get("total") or peaks["used"]
        total = predicted.get("total")
        parts = {name: size for name, size in predicted.items() if name != "total"}
        largest = max(parts, key=lambda name: parts[name]) if parts else ""
        if setting["status"] != "finished":
            measured_words = setting["error"] or setting["status"]
            off = ""
        else:
            measured_words = _size(measured)
            # A processor's peak is the whole process's, which no prediction is about.
            comparable = bool(own) or peaks["used"] != peaks["allocated"]
            off = f"{(total / measured - 1):+.1%}" if total and comparable else ""
        lines.append(
            f"| {setting['name']} | {_size(total) if total else 'none was made'} "
            f"| {measured_words} | {off} | {_size(peaks['allocated'])} | {largest} |"
        )
    return lines


def _cap(cap: Mapping[str, Any] | None) -> list[str]:
    if not cap:
        return []
    peaks, spec = cap["memory"], cap["spec"]
    did = (
        f"ended after {cap['steps']} steps at {cap['tokens_per_s']:,.0f} tokens/s"
        if cap["status"] == "finished"
        else f"{cap['status']}: {cap['error']}"
    )
    return [
        "",
        f"Under a cap of {_size(cap['cap'])} the 8B shape in 4 bits, {spec['batch_size']} rows of "
        f"{spec['max_length']} tokens at once, rank {spec['r']}: {did}; peak of tensors "
        f"{_size(peaks['allocated'])}, reserved {_size(peaks['reserved'])}.",
    ]


def _size(size: float) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
