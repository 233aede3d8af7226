from __future__ import annotations

import pytest

from engine.errors import AddressRefused
from engine.sources.memory import token
from engine.sources.memory.address import origin_of, parse, same_origin
from engine.sources.memory.choices import choices_of
from engine.sources.memory.export import exported
from tests.sources.memory.app import TOKEN

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "url", "origin"),
    [
        ("http://localhost:8000", "http://localhost:8000/api/finetune/export", ":8000"),
        ("HTTP://LocalHost:8000/", "http://localhost:8000/api/finetune/export", ":8000"),
        ("https://brain.example", "https://brain.example/api/finetune/export", ":443"),
        ("https://brain.example:443", "https://brain.example/api/finetune/export", ":443"),
        ("http://127.0.0.1/v2/dump?user=7", "http://127.0.0.1/v2/dump?user=7", ":80"),
        ("http://[::1]:9/", "http://[::1]:9/api/finetune/export", ":9"),
    ],
)
def test_addresses(text: str, url: str, origin: str) -> None:
    found = parse(text)
    assert found.url == url
    assert found.origin.endswith(origin)
    assert origin_of(url) == found.origin
    assert "?" not in found.shown


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"http://localhost:8000/export?token={TOKEN}", TOKEN),
        (f"http://localhost:8000/export?a=1&api_key={TOKEN}", TOKEN),
        ("https://mara:hunter2@brain.example/", "hunter2"),
        ("https://hunter2@brain.example", "hunter2"),
        (f"https://brain.example/{JWT}/export", JWT),
        (f"https://brain.example/export?q={JWT}", JWT),
        ("https://brain.example/e?s=9f86d081884c7d659a2feaa0c55ad015", "9f86d081"),
        ("https://brain.example/e?9f86d081884c7d659a2feaa0c55ad015", "9f86d081"),
        ("https://brain.example/e#access_token=hunter2", "hunter2"),
        ("https://brain.example/e?PASSWORD=hunter2", "hunter2"),
    ],
)
def test_an_address_with_a_secret_is_refused_without_showing_it(text: str, secret: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        parse(text)
    assert secret not in f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "text",
    [
        "ftp://localhost/x",
        "http://",
        "http:///export",
        "http://host:port",
        "http://host:99999",
        "http://host:0",
        "http://[::1",
        "http://host /x",
        "http://host\\@other/",
        "http://host\t/x",
        "http://host\r\nHost: other",
        "localhost:8000",
        "",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        parse(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("host", "clear"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("127.8.9.1", False),
        ("[::1]", False),
        ("192.168.1.5", True),
        ("brain.example", True),
        ("localhost.example", True),
        ("127.0.0.1.example", True),
        ("2130706433", True),
        ("0.0.0.0", True),
    ],
)
def test_which_hosts_are_this_machine(host: str, clear: bool) -> None:
    assert parse(f"http://{host}:8000").clear is clear
    assert parse(f"https://{host}:8000").clear is False


def test_a_token_does_not_travel_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(token.VARIABLE, TOKEN)
    with pytest.raises(AddressRefused) as caught:
        exported("http://brain.example:8000", choices_of({}), lambda: None)
    assert "insecure=yes" in caught.value.hint
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/file", "http://localhost:8000/file"),
        ("file?sig=9f86d081884c7d659a2feaa0c55ad015", "http://localhost:8000/api/finetune/file"),
        ("http://LOCALHOST:8000", "http://localhost:8000/"),
        ("//localhost:8000/x#part", "http://localhost:8000/x"),
        ("https://localhost:8000/x", None),
        ("http://localhost/x", None),
        ("http://127.0.0.1:8000/x", None),
        ("//other.example/x", None),
        ("http://localhost:8000@other.example/", None),
        ("http://name@localhost:8000/", None),
        ("javascript:alert(1)", None),
        ("http://[", None),
    ],
)
def test_where_an_app_may_point_to(target: str, url: str | None) -> None:
    found = same_origin(parse("http://localhost:8000"), target)
    assert (found.url.partition("?")[0] if found else None) == url
