"""Every named failure of finetui.

One tree, so that a caller can catch a stage or the lot::

    FinetuiError
    ├── UsageError                 the call's words are wrong (exit status 2)
    ├── SettingsError              a settings file or value is not valid
    ├── LanguageInvalid            a language's file of words is not valid
    ├── DependencyMissing          a package or program is not installed
    ├── DiskFull                   the disk has no room for what was asked
    ├── SystemFailure              the system refuses something, or a device fails
    │   ├── AccessRefused          permissions, or a file system that is read-only
    │   ├── PathUnusable           a file where a folder belongs, a name too long, a circle
    │   ├── LimitReached           open files, processes, or a file's size
    │   └── OutputLost             what was printed could not be written
    ├── Unexpected                 anything else; the log has the details
    ├── WorkspaceError
    │   ├── WorkspaceMissing       no workspace at that place
    │   ├── WorkspaceNewer         written by a newer finetui
    │   ├── WorkspaceDamaged       the database is not readable
    │   ├── WorkspaceUntrusted     not trusted, and would run, load or reach something
    │   ├── WorkspaceLocked        another process holds the database too long
    │   ├── WorkspaceReadOnly      the workspace can be looked at and not changed
    │   ├── WorkspaceReplaced      the database was removed or replaced while it was open
    │   ├── JournalMismatch        the examples are not what the journal says
    │   └── JournalInvalid         a file of decisions can't be read
    ├── SourceError
    │   ├── SourceMissing          the path does not exist
    │   ├── SourceUnreadable       permission, binary, or not text
    │   ├── SourceEmpty            nothing in it
    │   ├── SourceBetweenPeople    it is an export of messages between people
    │   ├── SourceTooLong          its records are longer than a record may be
    │   ├── SourceAmbiguous        two kinds are about as likely
    │   ├── SourceUnknown          no reader recognises it
    │   ├── AddressRefused         an address holds a secret, or would send one in the clear
    │   ├── TokenMissing           an app asks for a token, and none was given
    │   ├── TokenRefused           an app does not accept the token
    │   ├── AppUnreachable         an app can't be reached, or the connection broke
    │   ├── AppUntrusted           an app's certificate can't be trusted
    │   ├── AppTimeout             an app took too long
    │   ├── AppElsewhere           an app points to another host
    │   ├── AppFailed              an app answered with an error
    │   ├── AppAnswerInvalid       an app's answer is no export
    │   ├── AppAnswerTooLarge      an app's answer is larger than the limit
    │   └── AppKeptExport          an app saved its export on its own machine
    ├── ExampleError
    │   ├── ExampleMissing         no example has that id
    │   ├── ExampleAmbiguous       the id's prefix fits several
    │   └── ExampleInvalid         an edit leaves something that can't be an example
    ├── CheckError
    │   ├── CheckFailed            a check can't look at an example
    │   ├── EmbeddingModelMissing  no embedding model of that name or path
    │   ├── EmbeddingModelInvalid  the embedding model can't be loaded or gives no vectors
    │   └── MemoryShort            the machine has not the memory for what was asked
    ├── BaseError
    │   ├── BaseMissing            no such base model
    │   │   ├── BaseGated          the hub gives it only to those who were granted access
    │   │   └── HubUnreachable     the hub can't be reached, or has no answer
    │   ├── BaseInvalid            the directory is not a usable model
    │   ├── AdapterInvalid         the folder is not a usable adapter
    │   └── AdapterMismatch        the adapter was trained on another base
    ├── TemplateError              the chat template is missing or raises
    ├── DatasetError
    │   ├── DatasetMissing         no dataset with that name
    │   ├── NothingApproved        no approved example to freeze
    │   ├── DatasetRefused         the gate found rows that must not be trained on
    │   └── FormatUnknown          no export format of that name
    ├── RunError
    │   ├── RunMissing             no run with that id
    │   ├── RunActive              the run is still going
    │   │   ├── RunElsewhere       it may be running where this machine can't see it
    │   │   └── DeviceBusy         another run computes on the GPU
    │   ├── CheckpointDamaged      a checkpoint can't be resumed from
    │   ├── RunUnfinished          the run has not got what the next stage needs
    │   ├── RunTooLarge            the run takes more memory than its GPU has
    │   ├── RunFailed              the child ended with an error
    │   │   └── RunDiverged        the loss is not a number any more
    │   └── PackInvalid            a packed run is damaged, unsafe, or none
    ├── ExportError
    │   ├── QuantUnknown           no quantisation of that name
    │   ├── ImatrixMissing         a quantisation needs an importance matrix
    │   ├── ExportTooLarge         an export takes more memory than the machine has
    │   ├── UpdateRefused          a configuration file can't be pointed at the export
    │   ├── GgufDamaged            the GGUF can't be loaded
    │   ├── GateFailed             the exported model did not pass a gate
    │   └── OllamaError            Ollama can't be given the model
    │       ├── OllamaAddressInvalid   the address of Ollama can't be used
    │       ├── OllamaUnreachable      nothing answers there, or the connection broke
    │       │   └── OllamaUploadCut    the connection broke while the model was sent
    │       ├── OllamaTimeout          Ollama did not answer in time
    │       ├── OllamaElsewhere        the address points to another one
    │       ├── OllamaAnswerInvalid    what answers there is not Ollama
    │       ├── OllamaRefused          Ollama refused a request, or failed on it
    │       │   ├── OllamaDigestWrong  Ollama got other bytes than were sent
    │       │   └── OllamaDiskFull     the disk of Ollama's machine is full
    │       ├── OllamaNameTaken        Ollama has a model of that name
    │       ├── OllamaCancelled        it was called off
    │       └── OllamaDiffers          Ollama feeds the model otherwise than training did
    ├── ServeError
    │   ├── PromptTooLong          the prompt does not fit the context
    │   ├── WorkerDied             a model worker ended
    │   └── WorkerTimeout          a model worker did not answer in time
    ├── ComposeError               a model can't be made to write
    │   ├── EndpointInvalid        the endpoint's address can't be used
    │   ├── EndpointUnreachable    nothing answers there, or the connection broke
    │   ├── EndpointTimeout        the endpoint did not answer in time
    │   ├── EndpointBusy           the endpoint had no time for us, again and again
    │   ├── EndpointRefused        the endpoint refused the key, the model or the request
    │   ├── EndpointElsewhere      the endpoint points to another address
    │   └── EndpointAnswerInvalid  the endpoint's answer is no chat completion
    └── EvaluateError              a comparison can't be made

Each carries a message for a person, a hint that says what to do next, and a
stable ``code`` for programs. Codes are part of the interface: they don't change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class FinetuiError(Exception):
    """A named failure.

    Args:
        message: What went wrong, in one sentence, with the name of the thing.
        hint: What the person can do about it; empty when there is nothing.
        counts: What was done before it went wrong, by name, for programs.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, hint: str = "", counts: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.counts = dict(counts or {})

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, Any]:
        """Return the error as ``--json`` prints it."""
        value: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        return value | {"counts": self.counts} if self.counts else value


class UsageError(FinetuiError):
    """The call's words are wrong."""

    code = "usage"


class SettingsError(FinetuiError):
    """A settings file or value is not valid."""

    code = "settings-invalid"


class LanguageInvalid(FinetuiError):
    """A language's file of words is not valid."""

    code = "language-invalid"


class DependencyMissing(FinetuiError):
    """A package or program that this step needs is not installed."""

    code = "dependency-missing"


class DiskFull(FinetuiError):
    """The disk has no room for what was asked."""

    code = "disk-full"


class SystemFailure(FinetuiError):
    """The system refuses something, or a device fails."""

    code = "system-failure"


class AccessRefused(SystemFailure):
    """Permissions, or a file system that is read-only, don't allow it."""

    code = "access-refused"


class PathUnusable(SystemFailure):
    """A path can't be used: a file where a folder belongs, a name too long, a circle of links."""

    code = "path-unusable"


class LimitReached(SystemFailure):
    """A limit of this process is reached: open files, processes, or a file's size."""

    code = "limit-reached"


class OutputLost(SystemFailure):
    """What was printed could not be written."""

    code = "output-lost"


class Unexpected(FinetuiError):
    """Something that nobody thought of; the log has the details."""

    code = "unexpected"


class WorkspaceError(FinetuiError):
    """A workspace can't be used."""

    code = "workspace-error"


class WorkspaceMissing(WorkspaceError):
    """There is no workspace at that place."""

    code = "workspace-missing"


class WorkspaceNewer(WorkspaceError):
    """The workspace was written by a newer finetui."""

    code = "workspace-newer"


class WorkspaceDamaged(WorkspaceError):
    """The workspace's database can't be read."""

    code = "workspace-damaged"


class DatabaseGone(WorkspaceDamaged):
    """The workspace had a database, which was removed or emptied."""

    code = "database-gone"


class WorkspaceUntrusted(WorkspaceError):
    """The workspace is not trusted, and would run, load or reach something."""

    code = "workspace-untrusted"


class WorkspaceLocked(WorkspaceError):
    """Another process held the database for too long."""

    code = "workspace-locked"


class WorkspaceReadOnly(WorkspaceError):
    """The workspace can be looked at, and not changed."""

    code = "workspace-read-only"


class WorkspaceReplaced(WorkspaceError):
    """The database was removed, replaced or cut short while it was open."""

    code = "workspace-replaced"


class JournalMismatch(WorkspaceError):
    """What is stored of examples is not what the journal of decisions says."""

    code = "journal-mismatch"


class JournalInvalid(WorkspaceError):
    """A file of decisions can't be read."""

    code = "journal-invalid"


class SourceError(FinetuiError):
    """A source can't be read."""

    code = "source-error"


class SourceMissing(SourceError):
    """The path does not exist."""

    code = "source-missing"


class SourceUnreadable(SourceError):
    """The source can't be opened, or is not text."""

    code = "source-unreadable"


class SourceEmpty(SourceError):
    """The source has nothing in it."""

    code = "source-empty"


class SourceBetweenPeople(SourceError):
    """The source is an export of messages between people."""

    code = "source-between-people"


class SourceTooLong(SourceError):
    """What a source holds is longer than a record may be."""

    code = "source-too-long"


class SourceAmbiguous(SourceError):
    """Two kinds of source are about as likely."""

    code = "source-ambiguous"


class SourceUnknown(SourceError):
    """No reader recognises the source."""

    code = "source-unknown"


class AddressRefused(SourceError):
    """An address can't be used, holds a secret, or would send one in the clear."""

    code = "address-refused"


class TokenMissing(SourceError):
    """An app asks for a token, and none was given."""

    code = "token-missing"


class TokenRefused(SourceError):
    """An app does not accept the token."""

    code = "token-refused"


class AppUnreachable(SourceError):
    """An app can't be reached, or the connection to it broke."""

    code = "app-unreachable"


class AppUntrusted(SourceError):
    """An app's certificate can't be trusted."""

    code = "app-untrusted"


class AppTimeout(SourceError):
    """An app took too long to answer."""

    code = "app-timeout"


class AppElsewhere(SourceError):
    """An app points to another host, which gets no token."""

    code = "app-elsewhere"


class AppFailed(SourceError):
    """An app answered with an error."""

    code = "app-failed"


class AppAnswerInvalid(SourceError):
    """An app's answer is no export."""

    code = "app-answer-invalid"


class AppAnswerTooLarge(SourceError):
    """An app's answer is larger than the limit."""

    code = "app-answer-too-large"


class AppKeptExport(SourceError):
    """An app saved its export on its own machine instead of sending it."""

    code = "app-kept-export"


class ExampleError(FinetuiError):
    """An example can't be used."""

    code = "example-error"


class ExampleMissing(ExampleError):
    """No example has that id."""

    code = "example-missing"


class ExampleAmbiguous(ExampleError):
    """The prefix of an id fits several examples."""

    code = "example-ambiguous"


class ExampleInvalid(ExampleError):
    """An edit leaves something that can't be an example."""

    code = "example-invalid"


class CheckError(FinetuiError):
    """Examples can't be checked."""

    code = "check"


class CheckFailed(CheckError):
    """A check can't look at an example."""

    code = "check-failed"


class EmbeddingModelMissing(CheckError):
    """There is no embedding model of that name or path."""

    code = "embedding-model-missing"


class EmbeddingModelInvalid(CheckError):
    """The embedding model can't be loaded, or what it gives is not vectors."""

    code = "embedding-model-invalid"


class MemoryShort(CheckError):
    """The machine has not the memory for what was asked."""

    code = "memory-short"


class BaseError(FinetuiError):
    """A base model can't be used."""

    code = "base-error"


class BaseMissing(BaseError):
    """There is no such base model."""

    code = "base-missing"


class BaseInvalid(BaseError):
    """The directory or file is not a usable model."""

    code = "base-invalid"


class BaseGated(BaseMissing):
    """The hub gives the base only to those who were granted access."""

    code = "base-gated"


class HubUnreachable(BaseMissing):
    """The hub can't be reached, or does not answer as it should."""

    code = "hub-unreachable"


class AdapterInvalid(BaseError):
    """The folder is not a usable adapter."""

    code = "adapter-invalid"


class AdapterMismatch(BaseError):
    """The adapter was trained on another base."""

    code = "adapter-mismatch"


class TemplateError(FinetuiError):
    """A chat template is missing, raises, or can't be split into turns."""

    code = "template-error"


class DatasetError(FinetuiError):
    """A dataset can't be made or used."""

    code = "dataset-error"


class DatasetMissing(DatasetError):
    """There is no dataset of that name."""

    code = "dataset-missing"


class NothingApproved(DatasetError):
    """No approved example is there to be frozen."""

    code = "nothing-approved"


class DatasetRefused(DatasetError):
    """The gate found rows that must not be trained on."""

    code = "dataset-refused"


class FormatUnknown(DatasetError):
    """There is no export format of that name."""

    code = "format-unknown"


class RunError(FinetuiError):
    """A run can't be started, found or steered."""

    code = "run-error"


class RunMissing(RunError):
    """There is no run with that id."""

    code = "run-missing"


class RunActive(RunError):
    """The run is still going."""

    code = "run-active"


class RunElsewhere(RunActive):
    """The run may be running on another host or in a container."""

    code = "run-elsewhere"


class DeviceBusy(RunActive):
    """Another run computes on the GPU; this one can wait in the queue."""

    code = "device-busy"


class CheckpointDamaged(RunError):
    """A checkpoint of a run is missing, cut off or altered."""

    code = "checkpoint-damaged"


class RunUnfinished(RunError):
    """The run has not got what the next stage needs."""

    code = "run-unfinished"


class RunTooLarge(RunError):
    """The run takes more memory than its GPU has."""

    code = "run-too-large"


class RunFailed(RunError):
    """The child of a run ended with an error."""

    code = "run-failed"


class RunDiverged(RunFailed):
    """The loss of a run is not a number any more."""

    code = "run-diverged"


class PackInvalid(RunError):
    """A packed run is damaged or unsafe, or the file is no packed run."""

    code = "pack-invalid"


class ExportError(FinetuiError):
    """A model can't be exported."""

    code = "export-error"


class QuantUnknown(ExportError):
    """There is no quantisation of that name."""

    code = "quant-unknown"


class ImatrixMissing(ExportError):
    """A quantisation needs an importance matrix, and none was asked for."""

    code = "imatrix-missing"


class ExportTooLarge(ExportError):
    """An export takes more memory than the machine has."""

    code = "export-too-large"


class UpdateRefused(ExportError):
    """A configuration file can't be pointed at the export."""

    code = "update-refused"


class AdapterUnshared(ExportError):
    """The adapter can't be put over its base without merging: it is more than a LoRA."""

    code = "adapter-unshared"


class GgufDamaged(ExportError):
    """The GGUF file can't be loaded."""

    code = "gguf-damaged"


class GateFailed(ExportError):
    """The exported model did not pass a gate, so its files were not published."""

    code = "gate-failed"


class OllamaError(ExportError):
    """Ollama can't be given the model."""

    code = "ollama-error"


class OllamaAddressInvalid(OllamaError):
    """The address of Ollama can't be used."""

    code = "ollama-address-invalid"


class OllamaUnreachable(OllamaError):
    """Nothing answers at Ollama's address, or the connection broke."""

    code = "ollama-unreachable"


class OllamaUploadCut(OllamaUnreachable):
    """The connection broke while the model was sent."""

    code = "ollama-upload-cut"


class OllamaTimeout(OllamaError):
    """Ollama did not answer in time."""

    code = "ollama-timeout"


class OllamaElsewhere(OllamaError):
    """The address points to another one."""

    code = "ollama-elsewhere"


class OllamaAnswerInvalid(OllamaError):
    """What answers at the address is not Ollama."""

    code = "ollama-answer-invalid"


class OllamaRefused(OllamaError):
    """Ollama refused a request, or failed on it."""

    code = "ollama-refused"


class OllamaDigestWrong(OllamaRefused):
    """Ollama got other bytes than were sent."""

    code = "ollama-digest-wrong"


class OllamaDiskFull(OllamaRefused):
    """The disk of Ollama's machine is full."""

    code = "ollama-disk-full"


class OllamaNameTaken(OllamaError):
    """Ollama has a model of that name already."""

    code = "ollama-name-taken"


class OllamaCancelled(OllamaError):
    """It was called off."""

    code = "ollama-cancelled"


class OllamaDiffers(OllamaError):
    """Ollama feeds the model otherwise than training did, or it does not stop."""

    code = "ollama-differs"


class ServeError(FinetuiError):
    """A model can't be served."""

    code = "serve-error"


class PromptTooLong(ServeError):
    """The prompt does not fit the model's context."""

    code = "prompt-too-long"


class WorkerDied(ServeError):
    """A model worker ended."""

    code = "worker-died"


class WorkerTimeout(ServeError):
    """A model worker did not answer in time."""

    code = "worker-timeout"


class ComposeError(FinetuiError):
    """A model can't be made to write."""

    code = "compose-error"


class EndpointInvalid(ComposeError):
    """The endpoint's address can't be used."""

    code = "endpoint-invalid"


class EndpointUnreachable(ComposeError):
    """Nothing answers at the endpoint, or the connection broke."""

    code = "endpoint-unreachable"


class EndpointTimeout(ComposeError):
    """The endpoint did not answer in time."""

    code = "endpoint-timeout"


class EndpointBusy(ComposeError):
    """The endpoint had no time for us, again and again."""

    code = "endpoint-busy"


class EndpointRefused(ComposeError):
    """The endpoint refused the key, the model or the request."""

    code = "endpoint-refused"


class EndpointElsewhere(ComposeError):
    """The endpoint points to another address."""

    code = "endpoint-elsewhere"


class EndpointAnswerInvalid(ComposeError):
    """The endpoint's answer is no chat completion."""

    code = "endpoint-answer-invalid"


class EvaluateError(FinetuiError):
    """A comparison can't be made."""

    code = "evaluate-error"
