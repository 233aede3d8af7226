"""How far an export is: it never falls back, whatever its stages tell."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.export.progress import SHARES, TOTAL, Progress, Stage, overall
from engine.runs import read_events
from engine.runs.child import Job

STAGES: tuple[Stage, ...] = tuple(SHARES)


def told(directory: Path) -> list[tuple[int, int]]:
    """Return done and total of each phase that a job wrote."""
    events, _ = read_events(directory)
    return [
        (int(str(event.data["step"])), int(str(event.data["total_steps"])))
        for event in events
        if event.type == "phase"
    ]


def test_each_stage_has_its_share() -> None:
    assert overall("merge", 0, 1) == 0
    assert overall("merge", 1, 1) == overall("convert", 0, 100) == 200
    assert overall("quantise", 50, 100) == 450
    assert overall("quantise", 50, 100, (1, 2)) == 500
    assert overall("gates", 1, 1) == TOTAL
    assert overall("convert", 3, 0) == 200


def test_an_export_moves_on_from_stage_to_stage(tmp_path: Path) -> None:
    with Job(tmp_path) as job:
        progress = Progress(job)
        progress.enter("merge", "merge the adapter")
        convert = progress.enter("convert", "convert to f16", 100)
        convert(40, 100)
        convert(100, 100)
        progress.enter("quantise", "quantise to q4_k_m")(7, 7)
        # The base was made for an earlier export.
        progress.enter("gates", "see whether the files answer")
    assert told(tmp_path) == [(done, TOTAL) for done in (0, 200, 240, 300, 350, 550, 800)]
    (last,) = [e for e in read_events(tmp_path)[0] if e.data.get("phase") == "convert to f16"][-1:]
    assert (last.data["stage_done"], last.data["stage_total"]) == (100, 100)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(STAGES), st.integers(-5, 300), st.integers(0, 200), st.booleans()
        ),
        max_size=40,
    )
)
def test_it_never_falls_back(course: list[tuple[Stage, int, int, bool]]) -> None:
    written: list[int] = []

    class Listener:
        def phase(self, phase: str, **fields: object) -> None:
            step = fields["step"]
            assert isinstance(step, int)
            assert 0 <= step <= TOTAL == fields["total_steps"]
            written.append(step)

    progress = Progress(Listener())
    for stage, done, total, tells in course:
        report = progress.enter(stage, stage, total)
        if tells:
            report(done, total)
    assert written == sorted(written)
