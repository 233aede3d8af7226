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
    │   ├── WorkerTimeout          a model worker did not answer in time
    │   ├── ServerActive           a server of this workspace runs already
    │   ├── ServerMissing          no server of this workspace runs
    │   ├── ServerUnreachable      it runs, and its private socket is gone
    │   ├── PortTaken              another program listens on the port
    │   ├── ServerTokenInvalid     the server's token can't be used
    │   ├── ServerOpen             the server would be reachable by anybody
    │   ├── ModelMissing           there is no model at a path
    │   ├── ModelOutside           a path outside the folders that are served from
    │   ├── EngineUnfit            an engine can't load a model of that form
    │   ├── EngineFailed           an engine did not start or did not answer
    │   ├── EngineAway             no engine answers now
    │   ├── ReloadBusy             models are being changed already
    │   └── ReloadRefused          a change of models is not taken from there
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

from engine.errors.data import (
    AdapterInvalid,
    AdapterMismatch,
    BaseError,
    BaseGated,
    BaseInvalid,
    BaseMissing,
    CheckError,
    CheckFailed,
    DatasetError,
    DatasetMissing,
    DatasetRefused,
    EmbeddingModelInvalid,
    EmbeddingModelMissing,
    ExampleAmbiguous,
    ExampleError,
    ExampleInvalid,
    ExampleMissing,
    FormatUnknown,
    HubUnreachable,
    MemoryShort,
    NothingApproved,
    TemplateError,
)
from engine.errors.exports import (
    AdapterUnshared,
    ExportError,
    ExportTooLarge,
    GateFailed,
    GgufDamaged,
    ImatrixMissing,
    OllamaAddressInvalid,
    OllamaAnswerInvalid,
    OllamaCancelled,
    OllamaDiffers,
    OllamaDigestWrong,
    OllamaDiskFull,
    OllamaElsewhere,
    OllamaError,
    OllamaNameTaken,
    OllamaRefused,
    OllamaTimeout,
    OllamaUnreachable,
    OllamaUploadCut,
    QuantUnknown,
    UpdateRefused,
)
from engine.errors.root import (
    AccessRefused,
    DependencyMissing,
    DiskFull,
    FinetuiError,
    LanguageInvalid,
    LimitReached,
    OutputLost,
    PathUnusable,
    SettingsError,
    SystemFailure,
    Unexpected,
    UsageError,
)
from engine.errors.runs import (
    CheckpointDamaged,
    DeviceBusy,
    PackInvalid,
    RunActive,
    RunDiverged,
    RunElsewhere,
    RunError,
    RunFailed,
    RunMissing,
    RunTooLarge,
    RunUnfinished,
)
from engine.errors.serving import (
    ComposeError,
    EndpointAnswerInvalid,
    EndpointBusy,
    EndpointElsewhere,
    EndpointInvalid,
    EndpointRefused,
    EndpointTimeout,
    EndpointUnreachable,
    EngineAway,
    EngineFailed,
    EngineUnfit,
    EvaluateError,
    ModelMissing,
    ModelOutside,
    PortTaken,
    PromptTooLong,
    ReloadBusy,
    ReloadRefused,
    ServeError,
    ServerActive,
    ServerMissing,
    ServerOpen,
    ServerTokenInvalid,
    ServerUnreachable,
    WorkerDied,
    WorkerTimeout,
)
from engine.errors.sources import (
    AddressRefused,
    AppAnswerInvalid,
    AppAnswerTooLarge,
    AppElsewhere,
    AppFailed,
    AppKeptExport,
    AppTimeout,
    AppUnreachable,
    AppUntrusted,
    SourceAmbiguous,
    SourceBetweenPeople,
    SourceEmpty,
    SourceError,
    SourceMissing,
    SourceTooLong,
    SourceUnknown,
    SourceUnreadable,
    TokenMissing,
    TokenRefused,
)
from engine.errors.workspace import (
    DatabaseGone,
    JournalInvalid,
    JournalMismatch,
    WorkspaceDamaged,
    WorkspaceError,
    WorkspaceLocked,
    WorkspaceMissing,
    WorkspaceNewer,
    WorkspaceReadOnly,
    WorkspaceReplaced,
    WorkspaceUntrusted,
)

__all__ = [
    "AccessRefused",
    "AdapterInvalid",
    "AdapterMismatch",
    "AdapterUnshared",
    "AddressRefused",
    "AppAnswerInvalid",
    "AppAnswerTooLarge",
    "AppElsewhere",
    "AppFailed",
    "AppKeptExport",
    "AppTimeout",
    "AppUnreachable",
    "AppUntrusted",
    "BaseError",
    "BaseGated",
    "BaseInvalid",
    "BaseMissing",
    "CheckError",
    "CheckFailed",
    "CheckpointDamaged",
    "ComposeError",
    "DatabaseGone",
    "DatasetError",
    "DatasetMissing",
    "DatasetRefused",
    "DependencyMissing",
    "DeviceBusy",
    "DiskFull",
    "EmbeddingModelInvalid",
    "EmbeddingModelMissing",
    "EndpointAnswerInvalid",
    "EndpointBusy",
    "EndpointElsewhere",
    "EndpointInvalid",
    "EndpointRefused",
    "EndpointTimeout",
    "EndpointUnreachable",
    "EngineAway",
    "EngineFailed",
    "EngineUnfit",
    "EvaluateError",
    "ExampleAmbiguous",
    "ExampleError",
    "ExampleInvalid",
    "ExampleMissing",
    "ExportError",
    "ExportTooLarge",
    "FinetuiError",
    "FormatUnknown",
    "GateFailed",
    "GgufDamaged",
    "HubUnreachable",
    "ImatrixMissing",
    "JournalInvalid",
    "JournalMismatch",
    "LanguageInvalid",
    "LimitReached",
    "MemoryShort",
    "ModelMissing",
    "ModelOutside",
    "NothingApproved",
    "OllamaAddressInvalid",
    "OllamaAnswerInvalid",
    "OllamaCancelled",
    "OllamaDiffers",
    "OllamaDigestWrong",
    "OllamaDiskFull",
    "OllamaElsewhere",
    "OllamaError",
    "OllamaNameTaken",
    "OllamaRefused",
    "OllamaTimeout",
    "OllamaUnreachable",
    "OllamaUploadCut",
    "OutputLost",
    "PackInvalid",
    "PathUnusable",
    "PortTaken",
    "PromptTooLong",
    "QuantUnknown",
    "ReloadBusy",
    "ReloadRefused",
    "RunActive",
    "RunDiverged",
    "RunElsewhere",
    "RunError",
    "RunFailed",
    "RunMissing",
    "RunTooLarge",
    "RunUnfinished",
    "ServeError",
    "ServerActive",
    "ServerMissing",
    "ServerOpen",
    "ServerTokenInvalid",
    "ServerUnreachable",
    "SettingsError",
    "SourceAmbiguous",
    "SourceBetweenPeople",
    "SourceEmpty",
    "SourceError",
    "SourceMissing",
    "SourceTooLong",
    "SourceUnknown",
    "SourceUnreadable",
    "SystemFailure",
    "TemplateError",
    "TokenMissing",
    "TokenRefused",
    "Unexpected",
    "UpdateRefused",
    "UsageError",
    "WorkerDied",
    "WorkerTimeout",
    "WorkspaceDamaged",
    "WorkspaceError",
    "WorkspaceLocked",
    "WorkspaceMissing",
    "WorkspaceNewer",
    "WorkspaceReadOnly",
    "WorkspaceReplaced",
    "WorkspaceUntrusted",
]
