from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import DependencyMissing
from engine.setup import PARTS, Part, Place, lacking, left_s, require, setup_state, want
from tests.setup.places import installing, make_place, put, put_parts


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def states(place: Place) -> dict[str, str]:
    return {one.name: one.state for one in setup_state(place).parts}


def test_nothing_is_there_and_nobody_wants_it(place: Place) -> None:
    assert set(states(place).values()) == {"missing"}
    with pytest.raises(DependencyMissing, match="training needs PyTorch and the tr") as caught:
        require("training", place)
    assert caught.value.hint == "install with: finetui doctor --fix"


def test_everything_is_there(place: Place) -> None:
    put_parts(place, *(one.name for one in PARTS))
    assert setup_state(place).ready
    assert lacking("export", place) is None


def test_a_feature_needs_its_own_parts_alone(place: Place) -> None:
    put_parts(place, "core", "llama")
    assert lacking("chat", place) is None
    missing = lacking("embeddings", place)
    assert missing is not None
    assert [one.name for one in missing.parts] == ["torch", "training", "similarity"]
    assert not missing.coming


def test_the_part_that_is_installed_says_how_far_it_is(place: Place) -> None:
    put_parts(place, "core")
    with installing(
        place, "torch", "downloading", what="torch-2.13.0", done=310_000_000, total=527_000_000
    ):
        setup = setup_state(place)
        found = lacking("training", place)
    assert states(place)["llama"] == "waiting"
    assert setup.active
    assert setup.current is not None
    assert (setup.current.name, setup.current.percent) == ("torch", 58)
    assert setup.current.detail == "downloading torch-2.13.0, 310 of 527 MB"
    assert found is not None
    assert found.coming
    assert "PyTorch: downloading torch-2.13.0, 310 of 527 MB, for 3 min" in found.message
    assert found.hint.startswith("it goes on by itself, about ")


def test_a_compilation_says_for_how_long_it_goes_on(place: Place) -> None:
    put_parts(place, "core", "torch", "training", "similarity")
    with installing(place, "llama", "building", what="llama-cpp-python", done=40, total=100):
        found = lacking("chat", place)
        left = left_s(setup_state(place), ("llama",))
    assert found is not None
    assert "llama.cpp: compiling, 40%, for 3 min" in found.message
    # 200 s for 40 of 100 steps: 300 s more.
    assert left == pytest.approx(300, rel=0.2)


def test_what_was_interrupted_is_not_there_and_will_go_on(place: Place) -> None:
    put_parts(place, "core")
    want(place)
    put(place, "torch", whole=False)
    assert states(place)["torch"] == "waiting"
    found = lacking("training", place)
    assert found is not None
    assert found.coming
    assert "not installed yet" in found.message
    assert place.clear_interrupted() == ["torch"]
    assert not list(place.sites[0].glob("torch*"))
    assert "click" in place.packages()


@pytest.mark.parametrize(
    ("offline", "reason", "state"),
    [(True, "pip can't reach its package index", "offline"), (False, "no compiler", "failed")],
)
def test_what_failed_says_why(place: Place, offline: bool, reason: str, state: str) -> None:
    put_parts(place, "core")
    want(place)
    place.write("status", {"failed": {"llama": {"reason": reason, "offline": offline}}})
    assert states(place)["llama"] == state
    found = lacking("chat", place)
    assert found is not None
    assert not found.coming
    assert found.message == f"chat needs llama.cpp: {reason}"
    assert "finetui doctor --fix" in found.hint


def test_a_damaged_status_is_none(place: Place) -> None:
    want(place)
    (place.folder / "status.json").write_bytes(b'{"part": "to')
    assert set(states(place).values()) == {"waiting"}


def test_a_part_is_named_once() -> None:
    assert len({one.name for one in PARTS}) == len(PARTS)
    assert all(isinstance(one, Part) and one.title and one.purpose for one in PARTS)
