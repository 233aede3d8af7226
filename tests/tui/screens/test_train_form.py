"""The form: every field of a spec, checked where it is written."""

from __future__ import annotations

import os
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from engine.dataset import freeze
from engine.runs import make_run_dir
from engine.runs.seats import PROCESSOR, take_seat, turn
from engine.runs.tickets import Ticket, write_ticket
from engine.train import PRESETS, TrainSpec, make_spec
from engine.train.fit import parse_target
from engine.train.fit.asking import ask
from engine.workspace import Workspace
from tests.support.datasets import examples
from tests.tui.run_dirs import make_run
from tests.tui.support import LARGE, SMALL, opened_app, text_of, wait_until
from tui.app import FinetuiApp
from tui.parts.train_form_model import checked, first_values, form_choices, form_fields, str_of
from tui.parts.train_words import differences, prompts_of
from tui.screens.train_form import TrainForm


@pytest.fixture
def frozen(workspace: Workspace) -> Workspace:
    """Return a workspace with two datasets; ``later`` is the newer one."""
    source = workspace.store.add_source("vault", str(workspace.root / "notes"))
    made = examples(source.id, 10)
    workspace.store.record_scan(source.id, made, [], len(made), at=1.0)
    for example in made:
        workspace.store.append("approve", example.id, at=2.0)
    for seed, name in enumerate(("earlier", "later")):
        freeze(workspace, base=None, validation_fraction=0.2, seed=seed, name=name)
    return workspace


async def opened(app: FinetuiApp, pilot: Pilot[int]) -> TrainForm:
    await pilot.press("n")
    await wait_until(pilot, lambda: isinstance(app.screen, TrainForm))
    form = cast("TrainForm", app.screen)
    await wait_until(pilot, lambda: form.focused is not None)
    return form


def shown(app: FinetuiApp) -> str:
    return text_of(app.screen)


# -- the model ----------------------------------------------------------------------------


def test_every_setting_of_a_run_has_a_field_with_help(frozen: Workspace) -> None:
    fields = form_fields(form_choices(frozen))
    found = {"base_dir", "base_fingerprint", "dataset_dir"}
    assert {field.name for field in fields} == set(TrainSpec.model_fields) - found
    assert all(field.help for field in fields)
    assert not any(field.section == "Other" for field in fields)


def test_the_form_starts_from_the_preset_of_the_base(frozen: Workspace) -> None:
    choices = form_choices(frozen)
    values = first_values(choices, {})
    assert values["dataset"] == "later"
    assert values["preset"] == "small-cpu"
    assert values["target_modules"] == "all-linear"
    spec, problems = checked(values, form_fields(choices))
    assert problems == {}
    assert spec is not None
    for name, value in PRESETS["small-cpu"].values.items():
        assert getattr(spec, name) == value


def test_the_form_starts_like_the_run_under_the_cursor(frozen: Workspace) -> None:
    from engine.runs import read_spec

    run = make_run(frozen, changes={"r": 8, "learning_rate": 5e-4})
    choices = form_choices(frozen)
    values = first_values(choices, read_spec(run))
    assert (values["r"], values["learning_rate"]) == ("8", "0.0005")
    # Its dataset is not in this workspace any more.
    assert values["dataset"] == "later"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("r", "0", "must be at least 1, not 0"),
        ("r", "many", "must be a whole number"),
        ("learning_rate", "2", "must be at most 1"),
        ("dropout", "1", "less than 1"),
        ("alpha", "", "can't be empty"),
        ("scheduler", "wavy", "is not one of linear, cosine"),
        ("dataset", "gone", "is not one of"),
    ],
)
def test_a_wrong_value_is_told_at_its_field(
    frozen: Workspace, name: str, text: str, problem: str
) -> None:
    choices = form_choices(frozen)
    values = {**first_values(choices, {}), name: text}
    spec, problems = checked(values, form_fields(choices))
    assert spec is None
    assert list(problems) == [name]
    assert problem in problems[name]


def test_texts_become_values(frozen: Workspace) -> None:
    choices = form_choices(frozen)
    values = {
        **first_values(choices, {}),
        "target_modules": "q_proj, v_proj", "load_in_4bit": "yes", "learning_rate": "2e-4",
        "preset": "none",
    }  # fmt: skip
    spec, _ = checked(values, form_fields(choices))
    assert spec is not None
    assert spec.target_modules == ("q_proj", "v_proj")
    assert spec.load_in_4bit is True
    assert spec.learning_rate == 2e-4
    assert spec.preset == ""


@given(st.lists(st.text(alphabet="ab ,|\\\n?", max_size=12), max_size=4))
def test_prompts_come_back_from_their_field(texts: list[str]) -> None:
    prompts = make_spec("-", "-", sample_prompts=texts).sample_prompts
    assert prompts == tuple(text.strip() for text in texts if text.strip())
    line = str_of("sample_prompts", prompts)
    assert "\n" not in line
    assert prompts_of(line) == prompts


def test_prompts_are_separated_by_bars_and_keep_their_commas(frozen: Workspace) -> None:
    choices = form_choices(frozen)
    line = r"Well, and then? | a\|b"
    values = {**first_values(choices, {}), "sample_prompts": line}
    spec, _ = checked(values, form_fields(choices))
    assert spec is not None
    assert spec.sample_prompts == ("Well, and then?", "a|b")
    assert first_values(choices, spec.model_dump())["sample_prompts"] == line
    other = {"sample_prompts": ["Well, and then?"]}
    assert differences({"sample_prompts": ["a", "b, c"]}, other) == [
        ("sample_prompts", "a | b, c", "Well, and then?")
    ]


# -- the dialog ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_form_shows_values_help_and_what_a_start_would_do(
    frozen: Workspace, size: tuple[int, int]
) -> None:
    async with opened_app(frozen, size, stage="train") as (app, pilot):
        await opened(app, pilot)
        screen = shown(app)
        assert "‹ later ›" in screen
        assert "smollm2-135m-instruct" in screen
        # The embedded base is not imported in a test's fresh home.
        await wait_until(pilot, lambda: "comes with finetui" in shown(app))
        await pilot.press("down", "down")
        await wait_until(pilot, lambda: "LoRA for a small model without a GPU" in shown(app))


async def test_a_list_turns_and_a_preset_fills_the_form(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        await pilot.press("right")
        await wait_until(pilot, lambda: form.control_of("dataset").value == "earlier")
        await pilot.press("down", "down", "right", "right")
        await wait_until(pilot, lambda: form.control_of("preset").value == "seed-7b")
        await wait_until(pilot, lambda: form.control_of("accumulation").value == "4")
        assert form.control_of("target_modules").value == "q_proj, k_proj, v_proj, o_proj"


async def test_a_preset_brings_its_base_and_takes_it_away_again(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        await pilot.press("down", "down", *"12gb")
        await wait_until(pilot, lambda: form.control_of("base").value == "llama-3.1-8b")
        await wait_until(pilot, lambda: "A GPU with 12 GB" in shown(app))
        form.control_of("preset").value = "small-cpu"
        await wait_until(pilot, lambda: form.control_of("base").value == "smollm2-135m-instruct")
        assert form.control_of("learning_rate").value == "0.002"


async def test_another_base_brings_its_preset(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        form.control_of("base").value = "llama-3.1-8b"
        await wait_until(pilot, lambda: form.control_of("preset").value == "llama3-8b")
        await wait_until(pilot, lambda: "starting downloads it once, about 16.07 GB" in shown(app))


async def test_the_nearest_settings_that_fit_are_taken_by_a_key(
    frozen: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base isn't here; its shape is known. The machine is told to be a GPU of 8 GB."""
    small = parse_target("8GB")
    monkeypatch.setattr("tui.screens.train_form.ask", lambda here, spec: ask(here, spec, small))
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        form.control_of("base").value = "llama-3.1-8b"
        await wait_until(pilot, lambda: form.control_of("preset").value == "llama3-8b")
        # Eight at once fit with neither trainer, whichever is installed; fewer do with both.
        form.control_of("batch_size").value = "8"
        await wait_until(pilot, lambda: "of 8.0 GB does not fit  GPU with 8GB" in shown(app))
        fit = form.plan_pane.fit
        assert fit is not None
        offered = fit.nearest[0].changes
        assert "weights 5.70" in shown(app)
        await pilot.press("ctrl+f")
        await wait_until(pilot, lambda: "of 8.0 GB fits  GPU with 8GB" in shown(app))
        for name, value in offered.items():
            assert form.control_of(name).value == str(value)


async def test_a_probe_needs_fields_that_are_right(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        form.control_of("r").value = "0"
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: form.focused is form.control_of("r"))
        assert "must be at least 1" in form.status_line.text
        form.control_of("r").value = "8"
        form.control_of("base").value = "llama-3.1-8b"
        await wait_until(pilot, lambda: form.control_of("preset").value == "llama3-8b")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "llama-3.1-8b is not on this machine yet" in shown(app))


async def test_a_mistake_is_shown_and_keeps_the_form_open(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        await pilot.press("down", "down", "down")
        assert form.focused is form.control_of("r")
        await pilot.press("backspace", "backspace", "0")
        await wait_until(pilot, lambda: "1 field to correct" in shown(app))
        assert "must be at least 1" in shown(app)
        await pilot.press("down", "ctrl+s")
        await wait_until(pilot, lambda: form.focused is form.control_of("r"))
        assert app.screen is form
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: "to correct" not in shown(app))
        assert form.control_of("r").value == "16"


async def test_a_base_that_is_nowhere_is_an_error_in_the_form(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        form.control_of("base").value = "./nowhere"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "there is no folder" in shown(app))
        assert app.screen is form
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is app.stage)
        assert not frozen.runs_dir.exists()


async def test_a_download_is_asked_for_first(frozen: Workspace) -> None:
    async with opened_app(frozen, stage="train") as (app, pilot):
        form = await opened(app, pilot)
        form.control_of("base").value = "mistral-7b"
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "Download mistral-7b?" in shown(app))
        await pilot.press("n")
        await wait_until(pilot, lambda: app.screen is form)


async def test_whoever_waits_is_told_behind_which_run(frozen: Workspace) -> None:
    running, *line = (make_run_dir(frozen.runs_dir) for _ in range(3))
    for order, folder in enumerate(line):
        write_ticket(folder, Ticket(float(order), 1.0, "here"))
    with turn(PROCESSOR):
        seat = take_seat(PROCESSOR, running)
    try:
        async with opened_app(frozen, stage="train") as (app, pilot):
            form = await opened(app, pilot)
            await pilot.press("ctrl+s")
            await wait_until(pilot, lambda: "Wait in the queue?" in shown(app))
            assert f"run {running.name[-4:]} trains here already" in shown(app)
            assert f"waits behind {line[1].name[-4:]}, the last of 2 in the queue;" in shown(app)
            await pilot.press("escape")
            await wait_until(pilot, lambda: app.screen is form)
    finally:
        os.close(seat)
