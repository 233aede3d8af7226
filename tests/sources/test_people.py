"""Exports of messages between people, in the forms that the apps and exporters document."""

from __future__ import annotations

import json
import mailbox
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SourceBetweenPeople
from engine.models import Skipped
from engine.sources import detect, read

TELEGRAM = {
    "name": "Ana", "type": "personal_chat", "id": 42,
    "messages": [
        {"id": 1, "type": "message", "date": "2024-05-10T10:30:00", "date_unixtime": "1715326200",
         "from": who, "from_id": f"user{number}", "text": "Are you there?",
         "text_entities": [{"type": "plain", "text": "Are you there?"}]}
        for number, who in enumerate(("Ana", "Dan"))
    ],
}  # fmt: skip
DISCORD = {
    "guild": {"id": "0", "name": "Direct Messages", "iconUrl": ""},
    "channel": {"id": "1", "type": "DirectTextChat", "name": "ana", "topic": None},
    "dateRange": {"after": None, "before": None},
    "exportedAt": "2024-10-26T10:22:32.1307262-05:00",
    "messages": [
        {"id": "1", "type": "Default", "timestamp": "2023-03-30T16:44:50.473-05:00",
         "timestampEdited": None, "callEndedTimestamp": None, "isPinned": False, "content": "hi",
         "author": {"id": "1", "name": "ana", "discriminator": "0000", "isBot": False}},
    ],
    "messageCount": 1,
}  # fmt: skip
META = {
    "participants": [{"name": "Ana"}, {"name": "Dan"}],
    "messages": [{"sender_name": "Ana", "timestamp_ms": 1700000000000, "content": "hi"},
                 {"sender_name": "Dan", "timestamp_ms": 1700000000001, "content": "hello"}],
    "title": "Ana", "is_still_participant": True, "thread_path": "inbox/ana_1",
}  # fmt: skip
SLACK = [
    {"client_msg_id": "3d0a24a2-1c1a-4b6f-9f43-8f9d0d9a1111", "type": "message", "text": "hi",
     "user": "U04ABCDEF", "ts": "1753420800.123456", "team": "T04ABCDEF"},
    {"type": "message", "subtype": "channel_join", "ts": "1753420801.123456", "user": "U2",
     "text": "joined"},
]  # fmt: skip
SIGNAL: list[dict[str, Any]] = [
    {"date": "2024-05-10 10:30:00", "sender": who, "body": "hi", "quote": "", "sticker": "",
     "reactions": [], "attachments": []}
    for who in ("Me", "Ana")
]  # fmt: skip
FULL = {
    "about": "Here is the data you requested.",
    "personal_information": {"user_id": 1, "first_name": "Dan"},
    "chats": {"about": "This is your chat list.", "list": [TELEGRAM]},
}


@pytest.mark.parametrize(
    ("name", "content", "app"),
    [
        ("result.json", TELEGRAM, "a Telegram export"),
        ("result.json", FULL, "a Telegram export"),
        ("general.json", DISCORD, "a Discord export"),
        ("messages.json", [{"ID": 1, "Timestamp": "2024-01-01 10:00:00", "Contents": "hi",
                            "Attachments": ""}], "a Discord export"),
        ("message_1.json", META, "a Messenger or Instagram export"),
        (
            "general.json",
            {"messages": [{"id": "1", "timestamp": "2024-05-10", "content": "hi",
                           "author": {"id": "1", "name": "ana", "isBot": False}}]},
            "a Discord export",
        ),
        (
            "data.json",
            {"Usage": {}, "Messages": [{"match_id": "Match 1", "messages": [
                {"to": 2, "from": "You", "message": "hi", "sent_date": "Mon, 06 May 2024"}]}]},
            "a Tinder export",
        ),
        ("chat.json", [{"sender": who, "text": "hi"} for who in ("Ana", "Dan", "Ana")],
         "a chat that was written down"),
        ("chat.json", {"messages": [{"sender": who, "text": "hi"} for who in ("Ana", "Dan")]},
         "a chat that was written down"),
        ("all.json", [{"id": "1", "conversationId": "c", "type": "incoming", "body": "hi",
                       "sent_at": 1715326200000}], "a Signal export"),
        ("2024-05-10.json", SLACK, "a Slack export"),
        ("data.json", SIGNAL, "a Signal export"),
    ],
)  # fmt: skip
def test_it_is_named_with_a_hint_and_none_of_it_is_read(
    tmp_path: Path, name: str, content: Any, app: str
) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(content))
    with pytest.raises(SourceBetweenPeople, match=f"is {app}: messages between people") as caught:
        detect(path)
    assert "prompt and answer" in caught.value.hint
    # A folder and the archive that an app hands out hold the same.
    (tmp_path / "inbox").mkdir()
    path.rename(tmp_path / "inbox" / name)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr(f"messages/{name}", json.dumps(content))
    for place in (tmp_path / "inbox", tmp_path / "export.zip"):
        with pytest.raises(SourceBetweenPeople, match=app):
            detect(place)
    skipped: list[Skipped] = []
    assert not list(read("conversations", tmp_path / "inbox", on_skip=skipped.append))
    assert skipped


@pytest.mark.parametrize(
    "form",
    [
        "12/31/23, 11:59\u202fPM - {}: {}",
        "31/12/2023, 23:59 - {}: {}",
        "31.12.23, 23:59 - {}: {}",
        "2023-12-31, 23:59 - {}: {}",
        "31-12-2023 23:59 - {}: {}",
        "31/12/23, 11:59 p.\u00a0m. - {}: {}",
        "2023. 12. 31. 오후 11:59, {} : {}",
        "2023/12/31 23:59 - {}: {}",
        "2023/12/31, 下午11:59 - {}: {}",
        "٣١/١٢/٢٠٢٣، ١١:٥٩ م - {}: {}",
        "[31/12/2023, 23:59:01] {}: {}",
        "\u200e[12/31/23, 11:59:01\u202fPM] {}: {}",
        "[31.12.23, 23:59:01] {}: {}",
        "[12.3.2022 klo 14.08.18] {}: {}",
    ],
)
def test_whatsapp_in_the_forms_of_many_locales(tmp_path: Path, form: str) -> None:
    said = [("Ana Pop", "hi"), ("+40 721 000 000", "hello\nand a second line"), ("Ana Pop", "😀")]
    path = tmp_path / "_chat.txt"
    path.write_text("\n".join(form.format(*one) for one in said), "utf-8")
    with pytest.raises(SourceBetweenPeople, match="a WhatsApp export"):
        detect(path)


BARS = "=" * 62
IMESSAGE = "May 10, 2024 10:30:00 AM (Read by you after 1 second)\n{}\nhi\n\n"


@pytest.mark.parametrize(
    ("name", "content", "app"),
    [
        (
            "general.txt",
            f"{BARS}\nGuild: G\nChannel: Text / general\n{BARS}\n\n"
            "[05/10/2024 10:30 AM] ana\nhi\n",
            "Discord",
        ),
        (
            "general.csv",
            "AuthorID,Author,Date,Content,Attachments,Reactions\n1,ana,2024-05-10,hi,,\n",
            "Discord",
        ),
        ("ana.txt", IMESSAGE.format("Ana") + IMESSAGE.format("Me"), "iMessage"),
        (
            "messages.csv",
            "CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,"
            "RECIPIENT PROFILE URLS,DATE,SUBJECT,CONTENT,FOLDER\n1,,Ana,,Dan,,2024-05-10,,hi,\n",
            "LinkedIn",
        ),
        (
            "ana.csv",
            "10/05/2024,10:30:00,Ana,+40721000000,hi\n10/05/2024,10:31:00,Me,+40721000001,yes\n",
            "Viber",
        ),
        (
            "ana.csv",
            "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,"
            "NickName,Sender\n1,2,1,0,0,1715326200,2,hi,2024-05-10 10:30:00,,Ana,ana\n",
            "WeChat",
        ),
        ("chat.txt", "\u0661\u200f/\u0662\u200f/\u0662\u0660\u0662\u0664\u060c "
         "\u0661\u0660:\u0660\u0660 \u0635 - Ana: hi\n" * 3, "WhatsApp"),
    ],
)  # fmt: skip
def test_the_text_and_the_tables_of_exporters(
    tmp_path: Path, name: str, content: str, app: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(SourceBetweenPeople, match=f"an? {app} export"):
            detect(place)


def test_mail(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ana@example.org", "dan@example.org", "Rope"
    mail["Date"] = "Fri, 10 May 2024 10:30:00 +0000"
    mail.set_content("Have you got the rope?\n")
    (tmp_path / "one.eml").write_bytes(bytes(mail))
    box = mailbox.mbox(tmp_path / "All mail.mbox")
    box.add(mail)
    box.close()
    for name in ("one.eml", "All mail.mbox"):
        with pytest.raises(SourceBetweenPeople, match="a mailbox"):
            detect(tmp_path / name)
    with pytest.raises(SourceBetweenPeople):
        detect(tmp_path)


def test_what_looks_a_little_like_it_is_none(tmp_path: Path) -> None:
    asked = {"role": "user", "content": "Who is from_id?"}
    talk = {"messages": [asked, {"role": "assistant", "content": "A field."}], "user": "dan"}
    (tmp_path / "talk.json").write_text(json.dumps(talk))
    assert detect(tmp_path / "talk.json").kind in ("conversations", "instructions")
    rows = [{"sender": who, "text": "hi"} for who in ("Ana", "assistant")] * 2
    (tmp_path / "rows.json").write_text(json.dumps({"messages": rows}))
    (tmp_path / "qa.csv").write_text("sender,date,message,answer\nAna,2024-05-10,Why?,So.\n" * 3)
    for name in ("rows.json", "qa.csv"):
        assert detect(tmp_path / name).kind in ("conversations", "instructions")
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(6):
        (notes / f"{number}.md").write_text(
            "31/12/2023, 23:59 - Ana: hi\n31/12/2023 10:00 - me: yes"
        )
    (notes / "result.json").write_text(json.dumps(TELEGRAM))
    assert detect(notes).kind == "vault"


@pytest.mark.parametrize(
    "form",
    [
        "[2024-02-01, 10:00] {}: {}",  # signal-export's chat.md
        "[1/2/24, 10:00:01 AM] {}: {}",
        "\u200f1\u200f/2\u200f/2024، 10:00 - {}: {}",
        "**{}** (10:00): {}",
    ],
)
def test_a_note_that_is_a_chat_gives_none_of_its_words(tmp_path: Path, form: str) -> None:
    said = [("Ana", "I have decided to leave"), ("Me", "Why?"), ("Ana", "It makes me\nsad"),
            ("Me", "I see")]  # fmt: skip
    (tmp_path / "Ana").mkdir()
    chat = tmp_path / "Ana" / "chat.md"
    chat.write_text("# Ana\n\n" + "\n".join(form.format(*one) for one in said), "utf-8")
    for place in (tmp_path, chat):
        with pytest.raises(SourceBetweenPeople):
            detect(place)
    (tmp_path / "day.md").write_text(
        "2024-02-01 10:00 - Mood: I am glad\n2024-02-01 12:00 - Mood: less so\n"
        "2024-02-01 18:00 - Mood: glad again\n2024-02-01 19:00 - Mood: tired"
    )
    skipped: list[Skipped] = []
    found = list(read("vault", tmp_path, on_skip=skipped.append))
    assert [(one.path, one.code) for one in skipped] == [("Ana/chat.md", "between-people")]
    texts = {one.path: one.text.strip() for one in found}
    assert texts["Ana/chat.md"] == "# Ana"
    assert texts["day.md"].count("Mood") == 4
