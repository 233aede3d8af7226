"""Names of runs as names of files in a person's folder of models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter

from engine.errors import ExportError
from engine.export.metadata import model_name, tuned_metadata
from engine.export.models_dir import require_models_dir
from engine.export.naming import as_name
from engine.export.ollama.names import checked
from engine.export.spec import ExportSpec
from engine.runs.notes import set_name
from tests.support.tiny_export import RUN


def spec_of(run_dir: Path, models: Path) -> ExportSpec:
    return ExportSpec(
        run_dir=run_dir,
        base="tiny",
        base_dir=run_dir,
        base_fingerprint="",
        cache_dir=run_dir,
        quants=("q8_0",),
        template="",
        name=model_name(run_dir, "tiny"),
        models_dir=models,
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../x", "x"),
        ("a/b", "a-b"),
        ("a\\b", "a-b"),
        ("..", RUN),
        (".", RUN),
        ("/", RUN),
        ("~/x", "x"),
        (".hidden", "hidden"),
        ("日本", "日本"),
        ("我的模型 ș", "我的模型-ș"),
        ("Încercare bună", "Încercare-bună"),
        ("Încercare bună".replace("Î", "I\u0302"), "Încercare-bună"),
        ("हिन्दी", "हिन्दी"),
        ("né 1", "né-1"),
        ("a..b", "a..b"),
        ("x" * 40, "x" * 40),
    ],
)
def test_no_name_of_a_run_leads_out_of_the_folder(tmp_path: Path, name: str, file: str) -> None:
    run_dir, models = tmp_path / "runs" / RUN, tmp_path / "models"
    run_dir.mkdir(parents=True)
    set_name(run_dir, name)
    assert spec_of(run_dir, models).models_file("q8_0") == models / f"{file}-q8_0.gguf"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Încercare bună", "incercare-buna"),
        ("Łódź straße", "lodz-strasse"),
        ("我的模型 ș", "s-abcd"),
        ("日本", "finetui-abcd"),
        ("first try", "first-try"),
    ],
)
def test_a_model_is_named_as_its_person_named_the_run(
    tmp_path: Path, name: str, model: str
) -> None:
    run_dir = tmp_path / "runs" / RUN
    run_dir.mkdir(parents=True)
    set_name(run_dir, name)
    spec = spec_of(run_dir, tmp_path / "models")
    assert tuned_metadata(spec).values["general.name"] == name
    # What Ollama takes, by its own rules: engine.export.ollama.names.
    assert checked(spec.ollama_name("q8_0")) == f"{model}:q8_0"


def test_a_long_name_is_still_one_of_a_file(tmp_path: Path) -> None:
    name = as_name("𠀀" * 80)
    (tmp_path / f".{name}-iq3_xxs.gguf.4194304.tmp").touch()
    assert set(name) == {"𠀀"}


def test_two_runs_whose_names_are_one_file_do_not_replace_each_other(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    runs = [tmp_path / "runs" / name for name in (RUN, "20260102-000000-ef01")]
    for run_dir, name in zip(runs, ("a/b", "a-b"), strict=True):
        run_dir.mkdir(parents=True)
        set_name(run_dir, name)
    first, second = (spec_of(run_dir, models) for run_dir in runs)
    path = first.models_file("q8_0")
    assert path == second.models_file("q8_0")
    assert path is not None
    writer = GGUFWriter(path, "llama")
    writer.add_string("general.version", first.run_id)
    writer.add_tensor("t", np.zeros(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    require_models_dir(first)
    with pytest.raises(ExportError, match="is not an export of run") as caught:
        require_models_dir(second)
    assert "finetui runs rename RUN NAME" in caught.value.hint
