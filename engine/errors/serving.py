"""Failures of models that answer: served, asked to write, and compared."""

from __future__ import annotations

from engine.errors.root import FinetuiError


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


class ServerActive(ServeError):
    """A server of this workspace runs already."""

    code = "server-active"


class ServerMissing(ServeError):
    """No server of this workspace runs."""

    code = "server-missing"


class ServerUnreachable(ServeError):
    """The server of this workspace runs, and its private socket is gone."""

    code = "server-unreachable"


class PortTaken(ServeError):
    """Another program listens on the port."""

    code = "port-taken"


class ServerTokenInvalid(ServeError):
    """The server's token can't be used."""

    code = "server-token-invalid"


class ServerOpen(ServeError):
    """The server would be reachable by anybody."""

    code = "server-open"


class ModelOutside(ServeError):
    """A model's path lies outside the folders that a server may load from."""

    code = "model-outside"


class ModelMissing(ServeError):
    """There is no model at a path."""

    code = "model-missing"


class EngineUnfit(ServeError):
    """An engine can't load a model of that form."""

    code = "engine-unfit"


class EngineFailed(ServeError):
    """An engine did not start, or did not answer its first question."""

    code = "engine-failed"


class EngineAway(ServeError):
    """No engine answers now; one may later."""

    code = "engine-away"


class ReloadBusy(ServeError):
    """The server is being given another model already."""

    code = "reload-busy"


class ReloadRefused(ServeError):
    """The server does not take a change of models from there."""

    code = "reload-refused"


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
