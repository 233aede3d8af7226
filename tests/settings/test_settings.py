from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.paths import user_settings_file
from engine.schema import names, options
from engine.settings import CheckRule, Settings, describe, load_settings, settings_of


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path.parent


def test_a_later_place_wins(tmp_path: Path) -> None:
    written(
        user_settings_file(),
        '[curation]\ntarget = 1\neditor = "ed"\n[chat]\ncontext = 512\n[keys]\n"a.b" = "x"\n',
    )
    space = written(tmp_path / "finetui.toml", '[curation]\ntarget = 2\n[keys]\n"a.c" = "y"\n')
    assert load_settings(environment={}).curation.target == 1
    found = load_settings(space, environment={})
    assert (found.curation.target, found.curation.editor, found.chat.context) == (2, "ed", 512)
    assert found.keys == {"a.b": "x", "a.c": "y"}
    environment = {"FINETUI_CURATION__TARGET": "3", "FINETUI_WORKSPACE": "elsewhere", "HOME": "x"}
    assert load_settings(space, environment=environment).curation.target == 3
    overrides = {"curation": {"target": 4}}
    found = load_settings(space, environment=environment, overrides=overrides)
    assert (found.curation.target, found.curation.editor) == (4, "ed")


def test_what_is_not_set_has_its_default(tmp_path: Path) -> None:
    assert load_settings(tmp_path, environment={}) == Settings() == settings_of({})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"curation": {"target": "120"}}, 120),
        ({"dataset": {"validation_fraction": "0.25"}}, 0.25),
        ({"chat": {"temperature": 1}}, 1.0),
        ({"check": {"max_length": 64.0}}, 64),
        ({"check": {"automatic": "false"}}, False),
        ({"check": {"automatic": "ON"}}, True),
        ({"check": {"languages": ["en", "ro"]}}, ("en", "ro")),
        ({"check": {"names": "all"}}, "all"),
        (
            {"check": {"rules": [{"action": "reject", "below_quality": 0}]}},
            (CheckRule("reject", below_quality=0.0),),
        ),
    ],
)
def test_a_value_is_taken_as_its_type(values: dict[str, dict[str, Any]], expected: Any) -> None:
    ((section, (name,)),) = values.items()
    found = getattr(getattr(settings_of(values), section), name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"curation": {"target": 0}}, "curation.target: must be at least 1, not 0", "change"),
        ({"curation": {"target": "many"}}, "a whole number, not 'many'", "change"),
        ({"curation": {"target": 1.5}}, "a whole number, not 1.5", "change"),
        ({"curation": {"target": True}}, "a whole number, not True", "change"),
        ({"curation": {"editor": 3}}, "curation.editor: must be text, not 3", "change"),
        ({"curation": 3}, "setting curation: must be a table, not 3", "change"),
        ({"dataset": {"validation_fraction": 0}}, "must be above 0, not 0", "change"),
        ({"dataset": {"validation_fraction": 0.9}}, "must be below 0.9, not 0.9", "change"),
        ({"chat": {"temperature": float("nan")}}, "must be a number, not nan", "change"),
        ({"chat": {"temperature": float("inf")}}, "must be a number, not inf", "change"),
        ({"chat": {"temperature": 10**400}}, "must be a number", "change"),
        ({"chat": {"temperature": 3}}, "must be at most 2, not 3", "change"),
        ({"check": {"automatic": "perhaps"}}, "must be true or false, not 'perhaps'", "change"),
        ({"check": {"languages": "en"}}, "check.languages: must be a list, not 'en'", "change"),
        ({"check": {"languages": ["en", 3]}}, "check.languages.1: must be text", "change"),
        ({"check": {"names": "some"}}, "must be one of all, introduced, none", "change"),
        ({"check": {"rules": [{}]}}, "check.rules.0.action: is missing", "change"),
        (
            {"check": {"rules": [{"action": "reject"}]}},
            "check.rules.0: a rule needs a flag, a language or a quality",
            "change",
        ),
        (
            {"check": {"rules": [{"action": "reject", "flag": "x", "above_quality": 2}]}},
            "check.rules.0.above_quality: must be at most 1, not 2",
            "change",
        ),
        ({"keys": {"curate.approve": 3}}, "keys.curate.approve: must be text", "change"),
        ({"curaton": {}}, "no setting curaton", "did you mean curation?"),
        ({"curation": {"tarjet": 3}}, "no setting curation.tarjet", "curation.target?"),
        ({"zzz": 1}, "no setting zzz", "remove the line"),
    ],
)
def test_what_cant_be_is_refused_by_name(values: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(values)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    space = written(tmp_path / "finetui.toml", "[curation\n")
    with pytest.raises(SettingsError, match=r"finetui\.toml can't be read") as caught:
        load_settings(space)
    assert caught.value.hint


def test_every_setting_says_what_it_is_for() -> None:
    infos = describe(settings_of({"check": {"rules": [{"action": "skip", "flag": "secret"}]}}))
    assert [info.name for info in infos] == [
        name for name in names(Settings) if "." in name or name == "keys"
    ]
    assert all(info.help for info in infos)
    rules = next(info for info in infos if info.name == "check.rules")
    assert (rules.value, rules.default) == ([{"action": "skip", "flag": "secret"}], [])
    assert all(option.help for option in options(CheckRule))


def test_settings_are_read_without_pydantic() -> None:
    code = "import engine.settings, sys; engine.settings.settings_of({'chat': {'context': 512}});"
    code += "print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_list_comes_from_the_environment_as_json() -> None:
    found = load_settings(environment={"FINETUI_GATES__OFF": '["stops", "recall"]'})
    assert found.gates.off == ("stops", "recall")
    with pytest.raises(SettingsError, match=r"gates\.off.*must be a list"):
        load_settings(environment={"FINETUI_GATES__OFF": "[stops"})
