"""A finished export stays one while it is asked for again."""

from __future__ import annotations

import os

import pytest

from engine.errors import ExportError, RunUnfinished
from engine.evaluate.pair import Pair
from engine.export.artifacts import ExportInfo, artifacts
from engine.export.ollama.given import for_ollama
from engine.export.start import Options, start
from engine.gateway.resolve import of_run
from engine.runs import request_stop, state
from engine.runs.events import EventLog
from engine.workspace import Workspace
from tests.support.tiny_export import RUN
from tests.support.waiting import wait_until


def of(workspace: Workspace) -> list[tuple[str, str]]:
    """Return what is there, with the adapter of each."""
    return [(info.quant, info.adapter_words) for info in artifacts(workspace, RUN)]


def test_an_export_that_is_repeated_is_used_as_it_was_published(own: Workspace) -> None:
    with own as workspace:
        (before,) = artifacts(workspace, RUN)
        job = start(workspace, RUN, "f16", options=Options(keep="all"))
        try:
            assert state(job).active
            (now,) = artifacts(workspace, RUN)
            assert _same(now, before)
            assert for_ollama(workspace, RUN).gguf == before.tuned
            assert of_run(workspace, RUN).path == before.tuned
            # One that is being replaced is not; and asking for it once more would be refused.
            os.truncate(before.tuned, before.tuned_bytes - 1)
            assert artifacts(workspace, RUN) == []
            for call in (
                lambda: for_ollama(workspace, RUN),
                lambda: Pair.open(workspace, RUN),
                lambda: of_run(workspace, RUN),
            ):
                with pytest.raises((ExportError, RunUnfinished)) as caught:
                    call()
                assert "it is being made" in caught.value.hint
            with pytest.raises(ExportError) as caught:
                for_ollama(workspace, RUN, "q8_0")
            assert caught.value.hint == f"make one with: finetui export {RUN} --quant q8_0"
        finally:
            request_stop(job)
            wait_until(lambda: not state(job).active, timeout=200)


def _same(first: ExportInfo, second: ExportInfo) -> bool:
    return (first.tuned, first.at, first.answer) == (second.tuned, second.at, second.answer)


def test_what_a_repetition_says_counts_once_it_ended(own: Workspace) -> None:
    with own as workspace:
        (before,) = artifacts(workspace, RUN)
        log = EventLog(before.modelfile.parent)
        log.write("run_started", pid=0)  # and it was killed, or its machine was
        assert of(workspace) == [("f16", "last")]
        log.write("run_finished", status="stopped", result={})
        assert of(workspace) == [("f16", "last")]
        log.write("run_started", pid=0)
        log.write("run_finished", status="failed", code="gate-failed")
        assert artifacts(workspace, RUN) == []
        log.write("run_started", pid=0)
        assert artifacts(workspace, RUN) == []
        log.close()
