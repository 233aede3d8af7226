"""Failures of exports, and of giving them to Ollama."""

from __future__ import annotations

from engine.errors.root import FinetuiError


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
