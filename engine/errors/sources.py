"""Failures of sources, and of the apps that are asked for one."""

from __future__ import annotations

from engine.errors.root import FinetuiError


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
