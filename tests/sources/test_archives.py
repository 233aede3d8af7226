from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.models import Skipped
from engine.sources import archives
from engine.sources.archives import members
from engine.sources.base import Reading
from engine.sources.files import Item, Refused
from tests.support.hashes import hashes


def _zip(path: Path, files: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in files:
                archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return path


def _members(path: Path, prefix: str = "") -> tuple[dict[str, Item], dict[str, str]]:
    skipped: list[Skipped] = []
    found = members(Item.of(path, path.name), Reading("s", on_skip=skipped.append), prefix=prefix)
    return {item.name: item for item in found}, {skip.path: skip.code for skip in skipped}


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_members_are_read_without_unpacking(tmp_path: Path, method: int) -> None:
    path = _zip(tmp_path / "a.zip", [("b/c.json", b"[1]"), ("a.json", b'{"a": 1}' * 999)], method)
    before = hashes(tmp_path)
    found, skipped = _members(path, "a.zip/")
    assert list(found) == ["a.zip/a.json", "a.zip/b/c.json"]
    assert not skipped
    item = found["a.zip/a.json"]
    assert (item.size, item.path, item.suffix) == (8 * 999, None, ".json")
    assert item.mtime_ns == path.stat().st_mtime_ns
    # Each stream is one of its own, and they can be read in turns.
    with item.open() as one, item.open() as two, found["a.zip/b/c.json"].open() as three:
        assert one.read(8) == two.read(8) == b'{"a": 1}'
        assert three.read() == b"[1]"
        assert one.read(8) == b'{"a": 1}'
    assert item.data() == b'{"a": 1}' * 999
    assert hashes(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../up.json", "unsafe-name"),
        ("a/../../up.json", "unsafe-name"),
        ("..\\up.json", "unsafe-name"),
        ("/etc/passwd.json", "unsafe-name"),
        ("\\\\server\\share.json", "unsafe-name"),
        ("C:\\up.json", "unsafe-name"),
        ("C:/up.json", "unsafe-name"),
        ("a\x00b.json", "unsafe-name"),
        ("./", "unsafe-name"),
        (".DS_Store", "hidden"),
        ("__MACOSX/._a.json", "hidden"),
        ("inner.zip", "nested-archive"),
    ],
)
def test_names_that_are_refused(tmp_path: Path, name: str, code: str) -> None:
    path = _zip(tmp_path / "a.zip", [("good.json", b"[]")])
    # A name with a NUL is cut short by the library that writes, so it is put in afterwards.
    stand_in = "x" * len(name.encode())
    _zip(path, [("good.json", b"[]"), (stand_in, b"data")])
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), name.encode()))
    found, skipped = _members(path)
    assert list(found) == ["good.json"]
    assert list(skipped.values()) == [code]


def test_the_last_of_two_members_of_one_name_is_read(tmp_path: Path) -> None:
    files = [("a.json", b"first"), ("./a.json", b"second"), ("b//c.json", b"x"), ("b/c.json", b"y")]
    found, skipped = _members(_zip(tmp_path / "a.zip", files))
    assert {name: item.data() for name, item in found.items()} == {
        "a.json": b"second",
        "b/c.json": b"y",
    }
    assert set(skipped.values()) == {"duplicate-name"}


def test_links_and_encrypted_members_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.json")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("secret.json", "[]")
        archive.writestr("good.json", "[]")
    data = bytearray(path.read_bytes())
    # The bit that says that a member is encrypted, in its entry of the central directory.
    at = data.rindex(b"secret.json") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 8] |= 1
    path.write_bytes(data)
    found, skipped = _members(path)
    assert list(found) == ["good.json"]
    assert skipped == {"link.json": "link", "secret.json": "encrypted"}


def test_a_member_that_packs_too_well_is_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_MEMBER_BYTES", 100_000)
    files = [("bomb.json", b" " * 2_000_000), ("good.json", b"[]")]
    found, skipped = _members(_zip(tmp_path / "a.zip", files))
    assert list(found) == ["good.json"]
    assert skipped == {"bomb.json": "zip-bomb"}


def test_an_archive_whose_members_add_up_to_too_much_is_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_TOTAL_BYTES", 1_000_000)
    files = [(f"{number}.json", b" " * 2_000_000) for number in range(40)]
    with pytest.raises(Refused) as caught:
        _members(_zip(tmp_path / "a.zip", files))
    assert caught.value.code == "zip-bomb"


def test_members_that_lie_over_one_another_are_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE_TOTAL_BYTES", 1_000_000)
    path = _zip(tmp_path / "a.zip", [("0.json", b"x" * 100_000 + bytes(range(256)) * 40)])
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    entry, end = data[at:-22], data[-22:]
    many = b"".join(entry.replace(b"0.json", b"%06x" % number) for number in range(2000))
    head = end[:8] + struct.pack("<HHL", 2000, 2000, len(many)) + end[16:]
    path.write_bytes(data[:at] + many + head)
    with pytest.raises(Refused) as caught:
        _members(path)
    assert caught.value.code == "zip-bomb"


def test_what_a_member_claims_of_its_size_is_not_relied_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _zip(tmp_path / "a.zip", [("a.json", b" " * 1_000_000)])
    small, large = struct.pack("<L", 1_000), struct.pack("<L", 1_000_000)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = small
    path.write_bytes(data)
    found, _ = _members(path)
    assert found["a.json"].size == 1000
    with pytest.raises(Refused) as caught:
        found["a.json"].data()
    assert caught.value.code == "damaged-archive"
    # And the other way round: the stream itself counts what comes out of it.
    data[at + 24 : at + 28] = large
    path.write_bytes(data)
    found, _ = _members(path)
    monkeypatch.setattr(archives, "FREE_MEMBER_BYTES", 1000)
    monkeypatch.setattr(archives, "MAX_RATIO", 2)
    with found["a.json"].open() as stream, pytest.raises(Refused) as caught:
        stream.read()
    assert caught.value.code == "zip-bomb"


def test_a_damaged_member_costs_itself_alone(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", [("a.json", bytes(range(256)) * 99), ("b.json", b"[]")])
    data = bytearray(path.read_bytes())
    data[60:80] = b"\xff" * 20
    path.write_bytes(data)
    found, skipped = _members(path)
    assert not skipped
    with pytest.raises(Refused) as caught:
        found["a.json"].data()
    assert caught.value.code == "damaged-archive"
    assert found["b.json"].data() == b"[]"


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_an_archive_that_is_cut_off(tmp_path: Path, cut: float) -> None:
    path = _zip(tmp_path / "a.zip", [("a.json", bytes(range(256)) * 99)])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(Refused) as caught:
        _members(path)
    assert caught.value.code == "damaged-archive"


def test_a_pointer_in_the_place_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(Refused) as caught:
        _members(path)
    assert caught.value.code == "lfs-pointer"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_an_archive_damaged_anywhere_ends_with_a_reason(
    tmp_path: Path, data: st.DataObject
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", '[{"a": 1}]' * 20)
        archive.writestr("b/c.json", "[]")
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    code = ""
    try:
        found, skipped = _members(path)
        assert found or skipped
        for item in found.values():
            try:
                item.data()
            except Refused as refused:
                code = refused.code
    except Refused as refused:
        code = refused.code
    assert code in ("", "damaged-archive", "encrypted", "zip-bomb", "too-large", "changing")
