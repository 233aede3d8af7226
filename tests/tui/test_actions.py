"""The registry of actions: help for all, no key twice, everything carried out by something."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from engine.errors import SettingsError
from tui.actions import FRAME, GROUPS, STAGES, actions, all_actions, bindings
from tui.app import SCREENS, FinetuiApp
from tui.keys import check_keys, clashes, key_name
from tui.screens.modals.add import AddDialog
from tui.screens.modals.answers import AnswersDialog
from tui.screens.modals.confirm import ConfirmDialog
from tui.screens.modals.dialog import Dialog
from tui.screens.modals.edit import EditDialog
from tui.screens.modals.filter import FilterDialog
from tui.screens.modals.help import HelpDialog
from tui.screens.modals.near import NearDialog
from tui.screens.modals.pick import PairDialog
from tui.screens.modals.serve import ServeDialog
from tui.screens.modals.setup import SetupDialog
from tui.screens.modals.skips import SkipsDialog
from tui.screens.modals.system import SystemDialog
from tui.screens.modals.versions import VersionsDialog
from tui.screens.modals.why import WhyDialog

DIALOGS: dict[str, type[DOMNode]] = {
    "dialog": Dialog,
    "add": AddDialog,
    "edit": EditDialog,
    "pair": PairDialog,
    "skips": SkipsDialog,
    "system": SystemDialog,
    "help": HelpDialog,
    "choose": FilterDialog,
    "confirm": ConfirmDialog,
    "serve": ServeDialog,
    "setup": SetupDialog,
    "answers": AnswersDialog,
    "versions": VersionsDialog,
    "why": WhyDialog,
    "near": NearDialog,
}


def test_every_action_has_a_label_and_a_sentence_of_help() -> None:
    for action in all_actions():
        assert action.label, action.id
        assert len(action.help) > 5, action.id
        assert action.help[0].isupper(), action.id
        assert not action.help.endswith("."), action.id


def test_ids_are_unique_and_say_their_group() -> None:
    ids = [action.id for action in all_actions()]
    assert len(ids) == len(set(ids))
    assert {identifier.partition(".")[0] for identifier in ids} <= set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_no_key_does_two_things(group: str) -> None:
    assert list(clashes(group)) == []


def test_every_binding_has_an_id_and_a_tooltip() -> None:
    for group in GROUPS:
        for binding in bindings(group):
            assert isinstance(binding, Binding)
            assert binding.id, binding
            assert binding.tooltip, binding


@pytest.mark.parametrize("stage", STAGES)
def test_every_action_of_a_stage_is_a_method_of_its_screen(stage: str) -> None:
    import importlib

    module, _, name = SCREENS[stage].partition(":")
    screen = getattr(importlib.import_module(module), name)
    for action in actions(stage):
        assert hasattr(screen, f"action_{action.method}"), action.id


def test_every_action_of_the_frame_is_a_method_of_the_app() -> None:
    for action in actions(FRAME):
        assert hasattr(FinetuiApp, f"action_{action.method}"), action.id


@pytest.mark.parametrize("group", sorted(DIALOGS))
def test_every_action_of_a_dialog_is_a_method_of_it(group: str) -> None:
    for action in actions(group):
        assert hasattr(DIALOGS[group], f"action_{action.method}"), action.id


def test_keys_of_ones_own_are_checked() -> None:
    check_keys({"curate.approve": "y", "curate.reject": "ctrl+r,z", "curate.redo": "U"})
    with pytest.raises(SettingsError, match=r"no action curate\.aprove") as caught:
        check_keys({"curate.aprove": "y"})
    assert caught.value.hint == "did you mean curate.approve?"
    with pytest.raises(SettingsError, match="would do both"):
        check_keys({"curate.approve": "r"})
    with pytest.raises(SettingsError, match="empty key"):
        check_keys({"curate.approve": "y,"})


def test_a_key_of_a_stage_may_not_hide_a_key_of_the_frame() -> None:
    with pytest.raises(SettingsError, match="would do both"):
        check_keys({"curate.approve": "ctrl+q"})


def test_key_names_are_what_stands_on_the_keyboard() -> None:
    assert key_name("question_mark") == "?"
    assert key_name("enter") == "↵"
    assert key_name("ctrl+slash") == "ctrl+/"
    assert key_name("a") == "a"
