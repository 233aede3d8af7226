"""Failures of examples, checks, bases, templates and datasets."""

from __future__ import annotations

from engine.errors.root import FinetuiError


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
