"""The forms of configuration files, by the names of the files."""

from __future__ import annotations

from pathlib import Path

from engine.export.pointing.env_form import Dotenv
from engine.export.pointing.form import Change, Form, NoSuchKey, NotThatForm
from engine.export.pointing.json_form import Json
from engine.export.pointing.toml_form import Toml
from engine.export.pointing.yaml_form import Yaml

__all__ = ["Change", "Form", "NoSuchKey", "NotThatForm", "form_of"]


def form_of(path: Path) -> Form | None:
    """Return the form of a file by its name; None for one that is not known."""
    name = path.name.lower()
    if name.endswith(".json"):
        return Json()
    if name.endswith(".toml"):
        return Toml()
    if name.endswith((".yaml", ".yml")):
        return Yaml()
    if name.endswith(".env") or name.startswith(".env") or name == "env":
        return Dotenv()
    return None
