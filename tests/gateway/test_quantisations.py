"""A quantisation that is asked for is served, or refused by name."""

from __future__ import annotations

import pytest

from engine.cli.main import main
from engine.errors import EngineUnfit, QuantUnknown, RunUnfinished
from engine.gateway.resolve import Resolver
from engine.gateway.spec import ServeSpec, Wanted
from engine.serve.engines.base import EngineName
from engine.workspace import Workspace
from tests.support.trusting import trusted
from tests.tui.exports import make_finished_export

RUN = "20260101-000000-aaaa"


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_engines_of_folders_have_no_quantisation(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], engine: EngineName
) -> None:
    make_finished_export(workspace, RUN, "q4_k_m")
    trusted(workspace.root)
    find = Resolver(ServeSpec(workspace.root, Wanted(run=RUN), engine=engine))
    # The export is there, and what would be loaded is another thing.
    with pytest.raises(EngineUnfit, match=f"{engine} .* q4_k_m") as caught:
        find(Wanted(run="last", quant="Q4_K_M"))
    assert "--engine native" in caught.value.hint
    with pytest.raises(QuantUnknown):
        find(Wanted(run="last", quant="q9"))
    with pytest.raises(RunUnfinished, match="adapter"):  # so far it comes without one
        find(Wanted(run="last"))
    words = ["serve", RUN, "--quant", "q4_k_m", "--engine", engine]
    assert main([*words, "--workspace", str(workspace.root)]) == 1
    assert "engine-unfit" in capsys.readouterr().err
