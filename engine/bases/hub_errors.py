"""What the hub's answers mean for a person who wants a model.

The hub says what is wrong by its status and the header ``X-Error-Code`` (``GatedRepo``,
``RepoNotFound``, ``RevisionNotFound``, ``EntryNotFound``), which its client turns into exceptions;
without a token it answers 401 both for a private repository and for one that does not exist
(https://huggingface.co/docs/huggingface_hub/package_reference/utilities#http-errors).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import urlsplit

from engine.bases.presets import PRESETS
from engine.errors import BaseGated, BaseMissing, FinetuiError, HubUnreachable

T = TypeVar("T")

_LOCAL = "with a copy on this machine: finetui bases add /path/to/the/folder"
_SEARCH_SECONDS = 5.0
_LOGIN = "hf auth login, or set HF_TOKEN"


def asking_for(hub_id: str, step: Callable[[], T]) -> T:
    """Do something that asks the hub for a model, and name what goes wrong.

    Raises:
        BaseMissing: The hub has no such model.
        BaseGated: It is given only to those who were granted access.
        HubUnreachable: The hub can't be reached, or does not answer as it should.
    """
    import httpx
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        return step()
    except FinetuiError:
        raise
    except HFValidationError as error:
        raise _missing(hub_id, near=False) from error
    except HfHubHTTPError as error:
        raise _answered(hub_id, error) from error
    except OfflineModeIsEnabled as error:
        raise _offline(hub_id) from error
    except (httpx.HTTPError, LocalEntryNotFoundError) as error:
        raise _unreachable(hub_id, error) from error


def _answered(hub_id: str, error: Any) -> FinetuiError:
    """Name an answer of the hub that is an error."""
    from huggingface_hub.errors import (
        DisabledRepoError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    status = int(getattr(error.response, "status_code", 0))
    if isinstance(error, GatedRepoError):
        return _gated(hub_id)
    # Mirrors of the hub leave out the header; the client knows the hub's own address alone.
    if isinstance(error, RepositoryNotFoundError) or (status == 401 and not _token_from()):
        return _missing(hub_id, near=True)
    if isinstance(error, RevisionNotFoundError):
        return BaseMissing(
            f"the hub has {hub_id}, but not its branch main: it may have no files yet",
            hint=f"look at {_page(hub_id)}",
        )
    if isinstance(error, DisabledRepoError):
        return BaseMissing(
            f"the hub has disabled access to {hub_id}", hint=f"see why at {_page(hub_id)}"
        )
    if status == 401:
        return HubUnreachable(
            f"{_host()} does not accept the token ({_token_from()})",
            hint=f"make a new one at {_endpoint()}/settings/tokens, then: {_LOGIN}",
        )
    if status == 403:
        return BaseGated(
            f"the token ({_token_from()}) may not read {hub_id}",
            hint=f"give the token read access at {_endpoint()}/settings/tokens",
        )
    if status == 429:
        return HubUnreachable(
            f"{_host()} refuses further requests for now (429)",
            hint=f"wait some minutes; a token raises the limit: {_LOGIN}",
        )
    reason = getattr(error.response, "reason_phrase", "") or "no reason given"
    return HubUnreachable(
        f"{_host()} refused {hub_id}: {status} {reason}",
        hint=f"try again later; what was downloaded is kept. {_LOCAL[0].upper()}{_LOCAL[1:]}",
    )


def _gated(hub_id: str) -> BaseGated:
    token = _token_from()
    if token:
        return BaseGated(
            f"{hub_id} is gated, and the account of the token ({token}) has no access to it",
            hint=f"ask for access at {_page(hub_id)}, then try again",
        )
    return BaseGated(
        f"{hub_id} is gated: the hub gives it only to accounts that were granted access",
        hint=f"ask for access at {_page(hub_id)}, then log in with: {_LOGIN}",
    )


def _missing(hub_id: str, *, near: bool) -> BaseMissing:
    found = _near(hub_id) if near else []
    if found:
        hint = f"did you mean {' or '.join(found)}?"
    else:
        hint = "check the id's spelling: it is owner/model"
    token = _token_from()
    if near and not token:
        hint += f" If it is private, log in with: {_LOGIN}"
    private = ", or it is private to others" if token and near else ""
    return BaseMissing(f"the hub has no model {hub_id}{private}", hint=hint)


def _near(hub_id: str) -> list[str]:
    """Return known ids like one that is not there: of the presets, and by asking the hub."""
    known = {preset.hub_id.lower(): preset.hub_id for preset in PRESETS.values() if preset.hub_id}
    known |= {model.lower(): model for model in _searched(hub_id.rpartition("/")[2])}
    return [known[name] for name in get_close_matches(hub_id.lower(), list(known), n=2, cutoff=0.7)]


def _searched(name: str) -> list[str]:
    import httpx

    try:
        answer = httpx.get(
            f"{_endpoint()}/api/models",
            params={"search": name, "limit": "10"},
            timeout=_SEARCH_SECONDS,
        )
        found = answer.json() if answer.status_code == 200 else []
    except (httpx.HTTPError, ValueError):
        return []
    ids = [entry.get("id") for entry in found if isinstance(entry, dict)]
    return [model for model in ids if isinstance(model, str)]


def _offline(hub_id: str) -> HubUnreachable:
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    name = next((name for name in names if os.environ.get(name)), names[0])
    return HubUnreachable(
        f"the hub can't be reached for {hub_id}: {name} is set",
        hint=f"unset it; or {_LOCAL}",
    )


def _unreachable(hub_id: str, error: Exception) -> HubUnreachable:
    import httpx

    text = _words(error)
    where = f"{_host()} can't be reached for {hub_id}"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return HubUnreachable(
            f"{where}: its certificate can't be verified",
            hint="behind a company's proxy, set SSL_CERT_FILE to its certificates",
        )
    proxies = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    proxy = next((name for name in proxies if os.environ.get(name)), "")
    if proxy and _endpoint().startswith("https"):
        way = f"check the proxy in {proxy}"
    elif os.environ.get("HF_ENDPOINT"):
        way = f"check HF_ENDPOINT ({_endpoint()})"
    else:
        way = "check the network"
    if isinstance(error, httpx.TimeoutException) or "timed out" in text:
        why = "it did not answer in time"
    elif "Connection refused" in text:
        why = "the connection was refused"
    elif any(word in text for word in ("Name or service", "resolve", "name resolution", "getaddr")):
        why = "its name can't be resolved"
    else:
        why = "the connection failed"
    return HubUnreachable(f"{where}: {why}", hint=f"{way}; or {_LOCAL}")


def _words(error: BaseException | None) -> str:
    """Return the words of an exception and of those that led to it."""
    words: list[str] = []
    while error is not None and len(words) < 10:
        words.append(f"{type(error).__name__} {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(words)


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _host() -> str:
    return urlsplit(_endpoint()).netloc or _endpoint()


def _page(hub_id: str) -> str:
    return f"{_endpoint()}/{hub_id}"


def _token_from() -> str:
    """Return where the token comes from that the hub was shown; empty where there is none."""
    from huggingface_hub import get_token

    if not get_token():
        return ""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return name
    return "of hf auth login"
