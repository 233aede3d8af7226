"""A run on a base stored in NF4, from its training to an answer of its GGUF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.bases import add
from engine.errors import ExportError
from engine.export.merge.bases import original_of
from engine.export.merge.merging import merge
from engine.export.merge.source import into_fields, merged_into, settled
from engine.export.spec import ExportSpec, load_spec
from engine.export.start import Options
from engine.export.start import start as start_export
from engine.runs import last_log_lines, state
from engine.train import make_spec
from engine.train import start as start_run
from engine.train.spec import changed
from engine.workspace import Workspace
from tests.export.merge.models import tensors
from tests.export.merge.packing import pack
from tests.support.datasets import freeze_examples
from tests.support.tiny_export import make_convertible_model
from tests.support.trusting import trusted
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def ended(job: Path) -> Any:
    wait_until(lambda: not state(job).active, timeout=600, what="the job")
    view = state(job)
    assert view.status == "finished", (view.message, *last_log_lines(job, 20))
    return view


def wide_delta(run: Path, name: str) -> Any:
    """Return what an adapter of r 16 and alpha 32 adds to a layer, by its definition."""
    from safetensors.torch import load_file

    adapter = load_file(run / "adapter" / "adapter_model.safetensors")
    layer = f"base_model.model.{name.removesuffix('.weight')}"
    spec = make_spec("x", "notes", "small-cpu")
    up, down = adapter[f"{layer}.lora_B.weight"], adapter[f"{layer}.lora_A.weight"]
    return spec.alpha / spec.r * (up.float() @ down.float())


def test_training_in_nf4_merge_gguf_and_an_answer(workspace: Workspace, tmp_path: Path) -> None:
    """All by the product's own jobs; the gates that ask much have tests of their own."""
    import torch

    full = make_convertible_model(tmp_path / "tiny-chat")
    packed = add(str(pack(full, tmp_path / "tiny-chat-bnb-4bit", dtype="float16")))
    freeze_examples(workspace, packed.directory, 12)
    with (workspace.root / "finetui.toml").open("a") as settings:
        settings.write('\n[gates]\noff = ["tokens", "fidelity", "stops", "recall"]\n')
    trusted(workspace.root)
    spec = make_spec(packed.name, "notes", "small-cpu", learning_rate=5e-3, epochs=1.0)
    spec = changed(spec, sample_tokens=0, backend="trl")
    run = start_run(workspace, spec)
    assert ended(run.dir).result["bits"] == 4

    # Its original is not known here, so it is merged into what was trained on.
    job = start_export(workspace, run.id, "f16", options=Options(keep="merged"))
    result = ended(job).result
    assert result["merged_into"] == {"base": packed.name, "form": "de-quantised"}
    assert result["tuned"]["answer"].strip()
    states = {gate["name"]: gate["state"] for gate in result["gates"]}
    assert states["answers"] == "passed", result["gates"]
    name = "model.layers.1.self_attn.q_proj.weight"
    merged = _merged(workspace, run.id)[name]
    base = _dequantised(packed.directory, name)
    wanted = base.float() + wide_delta(run.dir, name)
    torch.testing.assert_close(merged.float(), wanted, rtol=2**-10, atol=2**-11)
    assert not torch.equal(merged, base)

    def of(named: str = "") -> ExportSpec:
        fields = into_fields(original_of(packed, named), named=bool(named))
        return load_spec(job).model_copy(update=fields)

    # With its original at hand, by its name, into that.
    original = add(str(full))
    chosen = of()
    assert (chosen.into, chosen.into_fingerprint) == (original.name, original.fingerprint)
    assert settled(chosen) == chosen
    assert "the original" in merged_into(chosen)["form"]
    adapter = run.dir / "adapter"
    merge(full, tmp_path / "merged", adapter=adapter, trained_on=packed.directory)
    wanted = (tensors(full)[name].float() + wide_delta(run.dir, name)).to(torch.float16)
    torch.testing.assert_close(tensors(tmp_path / "merged")[name], wanted, rtol=2**-10, atol=0)

    # One of the same form that a person names is looked at; the packed one means itself.
    other = make_convertible_model(tmp_path / "other", seed=5)
    with pytest.raises(ExportError, match="is not the original") as caught:
        settled(of(str(other)))
    assert "--merge-into" in caught.value.hint
    assert of(packed.name).into == ""


def _merged(workspace: Workspace, run: str) -> dict[str, Any]:
    return tensors(workspace.runs_dir / run / "merged")


def _dequantised(packed: Path, name: str) -> Any:
    import torch
    from bitsandbytes.functional import QuantState, dequantize_4bit

    stored = tensors(packed)
    parts = {
        key.removeprefix(f"{name}."): value
        for key, value in stored.items()
        if key.startswith(f"{name}.")
    }
    quant_state = QuantState.from_dict(parts, device=torch.device("cpu"))
    return dequantize_4bit(stored[name], quant_state)
