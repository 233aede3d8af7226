"""How a server is started, and where its job lives."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.paths import write_atomic
from engine.plain import read_plain
from engine.serve.engines.base import EngineName

SERVER_DIR = "server"
SPEC_FILE = "server.json"


def server_dir(workspace_root: Path) -> Path:
    """Return the folder of a workspace's server, whether or not one ever ran."""
    return workspace_root / SERVER_DIR


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that somebody asks for: a run, or a path, never both.

    A quantisation alone asks for that of the run that is served, which only a reload can.

    Attributes:
        run: A run's id or name, a part of one, or "last".
        path: A GGUF, or a folder of a model in Hugging Face's form.
        quant: Which of a run's quantisations; empty takes the newest export.
    """

    run: str = ""
    path: str = ""
    quant: str = ""


@dataclass(frozen=True, slots=True)
class ServeSpec:
    """How a server is started. The token is not part of it and is never written.

    Attributes:
        workspace: The workspace's folder.
        model: What is served first.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        engine: The engine; empty takes the best that is installed.
        context: Context window of one request, in tokens.
        slots: Requests computed at once.
        threads: Threads for computing; 0 takes all cores.
        idle_s: Seconds without a request after which the model is unloaded; 0 for never.
        open: Whether requests need no token; only on a loopback address.
        folders: Folders besides the workspace's runs from which a reload may load.
        remote_admin: Whether models may be changed from other machines too.
        hosts: Names that a request's Host may have besides the address's own.
        origins: Web pages' origins that may ask; empty refuses all.
        lend: Whether the model is unloaded while a training run has its device: "auto" where the
            model is on a GPU.
        queue: How many requests may be under way or wait.
        instruct: Whether a completion's prompt in Alpaca's form (``### Instruction:``) is asked
            in the model's own chat template.
    """

    workspace: Path
    model: Wanted
    host: str = "127.0.0.1"
    port: int = 8080
    engine: EngineName | None = None
    context: int = 4096
    slots: int = 4
    threads: int = 0
    idle_s: float = 0.0
    open: bool = False
    folders: tuple[Path, ...] = ()
    remote_admin: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    lend: str = "auto"
    queue: int = 256
    instruct: bool = False

    def write(self, directory: Path) -> None:
        """Write it into the job's folder, readable by its owner alone."""
        value = {**asdict(self), "workspace": str(self.workspace)}
        value["folders"] = [str(folder) for folder in self.folders]
        write_atomic(directory / SPEC_FILE, json.dumps(value, indent=2).encode() + b"\n")

    @classmethod
    def read(cls, directory: Path) -> ServeSpec:
        """Read what :meth:`write` wrote."""
        value: dict[str, Any] = json.loads(read_plain(directory / SPEC_FILE))
        value["workspace"] = Path(value["workspace"])
        value["model"] = Wanted(**value["model"])
        value["folders"] = tuple(Path(folder) for folder in value["folders"])
        value["hosts"], value["origins"] = tuple(value["hosts"]), tuple(value["origins"])
        return cls(**value)
