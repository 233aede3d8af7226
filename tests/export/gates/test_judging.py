"""What gates conclude from figures."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies

from engine.errors import GateFailed
from engine.export.gates import Gate, refuse
from engine.export.gates.fidelity import FEWEST_TOKENS, Scores, judge
from engine.export.gates.generate import loops
from engine.export.gates.recall import exposure
from engine.export.gates.recall import judge as judge_recall
from engine.export.gates.stops import Asked
from engine.export.gates.stops import judge as judge_stops
from engine.settings import GateSettings
from engine.tokens import Tokenizer

LIMITS = GateSettings()
COUNT = 200


def scores(nll: float, kl: float, *, count: int = COUNT, spread: float = 0.1) -> Scores:
    """Return scores about a mean, with the same chance for every file."""
    noise = np.random.default_rng(0).normal(scale=spread, size=count)
    noise -= noise.mean()
    return Scores(list(nll + noise), [kl] * count, [True] * count)


def says(**files: Scores) -> list[str]:
    named = {"merged f16": scores(2.0, 1e-4), "base f16": scores(3.0, 0.8)}
    named |= {name.replace("_", " ", 1): score for name, score in files.items()}
    return [alarm for alarm, _ in judge(scores(2.0, 0), named, LIMITS, packed=False)]


def test_a_faithful_export_has_no_alarm() -> None:
    # A quarter of what training gained, 1 nat, is what a quantisation may cost.
    assert says(tuned_q4_k_m=scores(2.24, 0.1)) == []


@pytest.mark.parametrize(
    ("files", "alarm"),
    [
        ({"base_f16": scores(2.0, 0.0)}, "the tuned model is the base: training changed nothing"),
        ({"merged_f16": scores(3.0, 0.8)}, "nearer to the base than to what was trained"),
        ({"merged_f16": scores(2.0, 0.02)}, "differs from base and adapter by 0.0200 nats"),
        ({"merged_f16": scores(3.1, 1e-4)}, "loss on held-out answers is 3.100, the base's 3.000"),
        ({"tuned_q2_k": scores(2.26, 0.1)}, "q2_k costs 0.260 nats a token, 26% of what training"),
        ({"tuned_q2_k": scores(math.nan, 0.1)}, "tuned q2_k: the numbers that come out are none"),
    ],
)
def test_what_is_wrong_is_named(files: dict[str, Scores], alarm: str) -> None:
    assert any(alarm in said for said in says(**files))


def test_chance_and_few_tokens_make_no_alarm_of_a_loss() -> None:
    few = FEWEST_TOKENS - 1
    named = {"merged f16": scores(3.5, 1e-4, count=few), "base f16": scores(3.0, 0.8, count=few)}
    assert judge(scores(3.5, 0, count=few), named, LIMITS, packed=False) == []
    unsure = Scores([3.0 + 0.03 + (-1) ** i for i in range(COUNT)], [1e-4] * COUNT, [True] * COUNT)
    named = {"merged f16": unsure, "base f16": Scores([3.0] * COUNT, [0.8] * COUNT, [])}
    assert judge(unsure, named, LIMITS, packed=False) == []


def test_a_merge_into_other_weights_than_trained_on_may_differ_more() -> None:
    named = {"merged f16": scores(2.0, 0.1), "base f16": scores(3.0, 0.8)}
    assert judge(scores(2.0, 0), named, LIMITS, packed=True) == []
    assert len(judge(scores(2.0, 0), named, LIMITS, packed=False)) == 1


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([5] * 16, True),
        ([5] * 15, False),
        ([1, 2, 3, 4] * 4, True),
        ([1, 2, 3, 4] * 3 + [1, 2, 3], False),
        ([9, 9, *[1, 2, 3, 4, 5] * 4], True),
        (list(range(32)) * 4, True),
        (list(range(33)) * 4, False),
        ([], False),
    ],
)
def test_a_loop_is_the_same_tokens_at_least_four_times(ids: list[int], found: bool) -> None:
    assert loops(ids) is found


@given(strategies.lists(strategies.integers(0, 3), max_size=80))
def test_loops_are_those_of_the_definition(ids: list[int]) -> None:
    wanted = any(
        ids[-n * times :] == ids[-n:] * times
        for n in range(1, 33)
        for times in (max(4, -(-16 // n)),)
        if n * times <= len(ids)
    )
    if wanted:
        assert loops(ids)
    elif loops(ids):  # sixteen tokens that are no whole number of times the same
        assert any(16 % n and 4 * n < 16 for n in range(1, 4))


def told(ends: Sequence[str], known: bool = True) -> dict[str, object]:
    return {"answers": [{"tokens": 9, "end": end} for end in ends], "ends": [known]}


@pytest.mark.parametrize(
    ("tuned", "base", "known", "state"),
    [
        (["stop"] * 4, None, True, "passed"),
        (["stop", "limit", "stop", "loop"], None, True, "passed"),
        (["loop"] * 4, ["stop"] * 4, True, "failed"),
        (["limit"] * 3 + ["stop"], ["stop", "stop", "loop", "loop"], True, "failed"),
        (["loop"] * 4, ["loop"] * 4, True, "passed"),  # a weak base is no fault of the export
        (["stop"] * 4, None, False, "failed"),
    ],
)
def test_answers_have_to_end(
    tiny_model_dir: Path, tuned: list[str], base: list[str] | None, known: bool, state: str
) -> None:
    asked = Asked(prompts=((1,),) * 4, stops=(2,), usual=10, limit=48)
    tokenizer = Tokenizer.load(tiny_model_dir)
    of_base = told(base) if base is not None else None
    gate = judge_stops(tokenizer, "f16", asked, told(tuned, known), of_base, LIMITS)
    assert gate.state == state
    assert gate.figures["tuned"]["stop"] == tuned.count("stop")
    assert bool(gate.hint) == (state == "failed")


def test_exposure_is_that_of_the_paper() -> None:
    # Carlini et al. 2019: log2 of all candidates for the likeliest string, 0 for the least.
    assert exposure(1, 512) == 9
    assert exposure(512, 512) == 0
    assert exposure(2, 512) == 8


def case(tuned: float, base: float | None, *, personal: bool = False) -> dict[str, object]:
    found: dict[str, object] = {"kind": "EMAIL", "example": "b2-1", "personal": personal}
    return found | {"tuned": tuned} | ({} if base is None else {"base": base})


def test_what_the_base_knew_was_not_learnt_by_heart() -> None:
    gate = judge_recall([case(9.0, 8.0), case(9.0, 5.1), case(3.0, None)], 4.0)
    assert gate.state == "passed"
    assert gate.figures["learnt_count"] == 0


def test_what_was_learnt_by_heart_is_named_by_its_example_the_personal_first() -> None:
    gate = judge_recall([case(9.0, 1.0), case(9.0, 4.9, personal=True), case(2.0, None)], 4.0)
    assert gate.state == "failed"
    assert gate.says.startswith("2 of 3 rare strings")
    assert [learnt["base_exposure"] for learnt in gate.figures["learnt"]] == [4.9, 1.0]


def test_red_gates_refuse_unless_each_is_allowed_by_name() -> None:
    gates = (
        Gate("tokens", "passed", "the same"),
        Gate("fidelity", "failed", "it is the base", "train longer"),
        Gate("stops", "failed", "it runs on"),
        Gate("recall", "skipped", "no rare string"),
    )
    with pytest.raises(GateFailed) as caught:
        refuse(gates, ["stops"])
    assert caught.value.message == "fidelity: it is the base"
    assert caught.value.hint.endswith("--allow fidelity")
    states = [gate.state for gate in refuse(gates, ["stops", "fidelity"])]
    assert states == ["passed", "overridden", "overridden", "skipped"]
    json.dumps([gate.as_dict() for gate in gates])
