"""Where Ollama listens: the forms of OLLAMA_HOST, after the table of its own tests."""

from __future__ import annotations

import pytest

from engine.errors import OllamaAddressInvalid, UsageError
from engine.export.ollama.address import address
from engine.export.ollama.names import checked, proposed, same


# From `TestHost` of Ollama's envconfig/config_test.go; addresses that mean "all" are this machine.
@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("1.2.3.4:1234", "http://1.2.3.4:1234"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        ("[::1]", "http://[::1]:11434"),
        ("[::]", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::1]:1337", "http://[::1]:1337"),
        (" 1.2.3.4 ", "http://1.2.3.4:11434"),
        ('"1.2.3.4"', "http://1.2.3.4:11434"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("https://1.2.3.4", "https://1.2.3.4:443"),
        ("https://1.2.3.4:4321", "https://1.2.3.4:4321"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("example.com/ollama", "http://example.com:11434/ollama"),
    ],
)
def test_forms(text: str, url: str) -> None:
    assert address(text, {}).shown == url
    assert address(None, {"OLLAMA_HOST": text}).shown == url


@pytest.mark.parametrize(
    "text",
    ["http://:66000", "host:x", "host:0", "ftp://host", "a b", "ho\nst", "http://h?key=secret",
     "ho\\st", "http://user:secret@example.com", "-x", "[12", "host:١١"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(OllamaAddressInvalid) as caught:
        address(text, {})
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"


def test_a_login_is_kept_to_itself() -> None:
    found = address("https://me:pa%3Ass@example.com", {})
    assert found.login == ("me", "pa:ss")
    assert "pa" not in f"{found.shown}{found!r}".replace("path", "")


@pytest.mark.parametrize("name", ["notes", "me/notes", "notes:q4_k_m", "reg.io:5000/me/a.b-c:v1.0"])
def test_names(name: str) -> None:
    assert checked(name).startswith(name)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b/c/d", "a:", "a:b:c", "a" * 81, "ä", "../a"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        checked(name)


def test_a_proposed_name_is_one() -> None:
    for name in ("My Notes, 2.0!", "…", "20261128-204133-a6f3", "a" * 100):
        checked(proposed(name))
        checked(proposed(name, "q4_k_m"))
    assert proposed("My Notes, 2.0!", "Q8_0") == "my-notes-2.0:q8_0"


def test_one_model_may_have_several_names() -> None:
    assert same("Notes", "registry.ollama.ai/library/notes:latest")
    assert not same("notes:q8_0", "notes")
