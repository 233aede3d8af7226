"""Exports of messages between people: recognised and named, and not read.

They look like conversations and are none with an assistant: nobody in them asks so that
another answers, and half of the words are somebody else's. Each is told by the fields or
lines that its program writes:

===================  ==========================================================================
Telegram             ``result.json`` of Telegram Desktop, one chat or all; its HTML export
Discord              DiscordChatExporter's JSON, CSV and text; ``messages.json`` and CSV of the
                     data package
WhatsApp             ``_chat.txt``: a date in any locale's form, a time, a name and a colon
Signal               signal-export's ``data.json``; the JSONL of Signal's own export; the desktop
                     app's messages; signal-cli
Slack                a JSON file a channel and day
Messenger,           ``message_1.json`` of Meta's downloads, and Messenger's own JSON of
Instagram            encrypted chats
Skype, Google Chat,  the JSON of their exports
Hangouts, Matrix,
Snapchat, X
Tinder               ``data.json`` of its download
LINE, KakaoTalk,     the text files that the apps and imessage-exporter write
iMessage
LinkedIn, Viber,     the CSV of their exports
WeChat
SMS                  SMS Backup & Restore's XML
mail                 mbox, ``.eml``, Outlook's ``.msg`` and ``.pst``
===================  ==========================================================================

Others are told by the names of who wrote each message, none of which is an assistant's, and by
the lines of a chat that was written down; see :mod:`engine.sources.transcripts`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.sources.base import Survey
from engine.sources.items import Item, Refused
from engine.sources.messages import ROLES
from engine.sources.transcripts import find_people, is_discord, is_imessage, is_whatsapp

CODE = "between-people"
"""The code with which such a record is left out."""

HINT = (
    "finetui learns from chats with an assistant, from notes, and from prompts with answers: "
    "put what you want to teach into a CSV or JSONL table with the columns prompt and answer"
)

NOTE = "note"
"""Stands for the app of a note whose lines are messages."""

NOTES = (".md", ".markdown")
_LOOK_AT = 60
_LISTS = ("messages", "conversations", "conversation", "chat")
_ASKED = frozenset(
    ("role", "prompt", "question", "answer", "response", "instruction", "output", "completion")
)
_NAME = re.compile(r'"([^"\\\n]{1,60})"\s*:')
_SIGNS: Mapping[str, tuple[str, ...]] = {
    "Telegram": (
        "from_id text_entities", "from_id date_unixtime", "actor_id date_unixtime",
        "from text_entities", "personal_information chats",
    ),
    "Discord": (
        "guild channel exportedAt", "guild channel dateRange",
        "timestampEdited callEndedTimestamp", "ID Timestamp Contents", "author content isBot",
    ),
    "Messenger or Instagram": ("sender_name timestamp_ms", "senderName isUnsent"),
    "Slack": ("client_msg_id ts", "user ts text team", "user ts text user_profile"),
    "Signal": (
        "sender body reactions quote", "chatItem authorId", "chatItem dateSent",
        "envelope sourceUuid", "envelope sourceNumber", "conversationId sent_at type",
    ),
    "Skype": ("MessageList", "originalarrivaltime messagetype"),
    "Google Chat": ("creator user_type created_date", "creator topic_id created_date"),
    "Hangouts": ("gaia_id chat_message", "gaia_id conversation_state"),
    "Matrix": ("room_name room_creator", "sender event_id origin_server_ts"),
    "Snapchat": ("From IsSender",),
    "Tinder": ("match_id sent_date",),
    "X": ("dmConversation", "messageCreate senderId"),
}  # fmt: skip
"""The fields, one set or more, by which the JSON of an app is told."""
_NAMES = tuple((app, frozenset(sign.split())) for app, signs in _SIGNS.items() for sign in signs)
_TELEGRAM_TYPES = frozenset(
    {
        *("personal_chat", "bot_chat", "saved_messages", "private_group", "private_supergroup"),
        *("public_supergroup", "private_channel", "public_channel"),
    }
)
_HELD_IN = frozenset(
    {
        *(
            "messages",
            "MessageList",
            "conversations",
            "chats",
            "ID",
            "sender",
            "sender_name",
            "from_id",
        ),
        *(
            "chatItem",
            "envelope",
            "From",
            "dmConversation",
            "event_id",
            "ts",
            "creator",
            "sender_id",
            "Messages",
            "sent_at",
            "senderName",
        ),
    }
)
"""One of the fields that such a record has, by which others are passed over fast."""
_TABLES: Mapping[str, tuple[str, ...]] = {
    "Discord": ("id timestamp contents attachments", "authorid author date content attachments"),
    "LinkedIn": ("conversation_id from to date content",),
    "WeChat": ("talkerid issender strcontent", "is_sender talker strcontent"),
    NOTE: (
        "sender date message", "sender date text", "sender timestamp message",
        "from to date message", "sender timestamp text", "sender time message",
        "from to date text", "sender time text",
        "sender_name date text", "sender_name date message", "datetime sender message",
    ),
}  # fmt: skip
"""The columns, in lower case, by which the CSV of an app is told."""
# Viber's has no header: a date, a time, a name, a number, the words.
_VIBER = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4},\d{1,2}:\d{2}(?::\d{2})?,[^,\n]+,\+?\d*,")
_ROLES = frozenset(ROLES) - {"me"}
_SENDERS = ("sender", "sender_name", "senderName")
_SAID_IN = ("text", "message", "body", "content")
_SENDER = re.compile(r'"(?:sender|sender_name|senderName)"\s*:\s*"([^"\\\n]{1,60})"')
_JSON = re.compile(r"\s*(?:\{\s*\"|\[\s*[\[{])")
_SLACK_TIME = re.compile(r'"ts"\s*:\s*"\d{10}\.\d{6}"')
_TELEGRAM_TYPE = re.compile(rf'"type"\s*:\s*"(?:{"|".join(sorted(_TELEGRAM_TYPES))})"')

_HEADER = re.compile(r"^([A-Z][A-Za-z0-9-]{1,40}):[ \t]?\S", re.MULTILINE)
_MAIL_HEADERS = frozenset(
    {
        *("From", "To", "Subject", "Date", "Message-ID", "Message-Id", "MIME-Version", "Received"),
        *("Return-Path", "Content-Type", "Delivered-To", "Reply-To", "Cc", "DKIM-Signature"),
    }
)
_MBOX = re.compile(r"^From \S+.*\d{4}.*\n(?:>?[A-Z][\w-]*:.*\n)")
_OUTLOOK = (b"!BDN", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def described(app: str) -> str:
    """Return what an export of an app is, for a person."""
    known = {"mail": "a mailbox", NOTE: "a chat that was written down"}
    what = known.get(app) or f"{_article(app)} {app} export"
    return f"{what}: messages between people, which finetui doesn't read yet"


def _article(app: str) -> str:
    return "an" if app[0] in "AEIOi" or app in ("SMS", "X") else "a"


def app_of(fields: Mapping[str, Any]) -> str:
    """Return the app whose export of messages between people a record is, or nothing."""
    if _HELD_IN.isdisjoint(fields):
        return ""
    names = set(map(str, fields))
    for value in fields.values():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict):
            names |= set(map(str, inner))
            for held in inner.values():
                first = held[0] if isinstance(held, list) and held else held
                if isinstance(first, dict):
                    names |= set(map(str, first))
    if isinstance(fields.get("messages"), list) and fields.get("type") in _TELEGRAM_TYPES:
        return "Telegram"
    return _by_names(names) or _by_senders(fields)


def _by_senders(fields: Mapping[str, Any]) -> str:
    """Return whether each message names who wrote it, and never an assistant or a user."""
    if not _ASKED.isdisjoint(fields):
        return ""
    listed = next((held for key in _LISTS if isinstance(held := fields.get(key), list)), [fields])
    senders: set[str] = set()
    for message in listed[:_LOOK_AT]:
        if not isinstance(message, dict) or not any(key in message for key in _SAID_IN):
            return ""
        named = next((message[key] for key in _SENDERS if message.get(key)), None)
        if not isinstance(named, str):
            return ""
        senders.add(named)
    return NOTE if senders and not any(map(_is_role, senders)) else ""


def _is_role(name: str) -> bool:
    return not _ROLES.isdisjoint(re.findall(r"\w+", name.lower()))


def _by_names(names: set[str]) -> str:
    return next((app for app, sign in _NAMES if sign <= names), "")


def recognised(survey: Survey) -> str:
    """Return the app of which a surveyed place holds messages between people, or nothing.

    In a folder or an archive it is the app of most files that are told so.
    """
    found: Counter[str] = Counter()
    for item in survey.items[: 1 if survey.is_file else _LOOK_AT]:
        app = _app_of_file(item, alone=survey.is_file)
        if app:
            found[app] += 1
        item.forget()
    return found.most_common(1)[0][0] if found else ""


def all_of_people(notes: Sequence[Item]) -> str:
    """Return of which app notes are the chats between people, where all of them are such."""
    found: Counter[str] = Counter()
    for item in notes[:_LOOK_AT]:
        app = _app_of_file(item, alone=True)
        item.forget()
        if not app:
            return ""
        found[app] += 1
    return found.most_common(1)[0][0] if found else ""


def _of_note(text: str) -> str:
    """Return the app of a note that is a chat between people, and little else."""
    runs = find_people(text)
    lines = text.split("\n")
    for run in runs:
        lines[run.start : run.end] = [""] * (run.end - run.start)
    rest = sum(bool(line.strip(" -#>*")) for line in lines)
    return NOTE if rest < sum(run.messages for run in runs) else ""


def _app_of_file(item: Item, *, alone: bool = False) -> str:
    try:
        head = item.head()
    except Refused:
        return ""
    if head.startswith(_OUTLOOK) and item.suffix in (".pst", ".ost", ".msg"):
        return "mail"
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    if _JSON.match(text):
        return _of_json(text)
    if item.suffix in NOTES:
        return _of_note(text) if alone else ""
    return _of_text(text, item)


def _of_json(text: str) -> str:
    names = set(_NAME.findall(text))
    if _TELEGRAM_TYPE.search(text) and "messages" in names:
        return "Telegram"
    if _SLACK_TIME.search(text) and names >= {"type", "text"} and "role" not in names:
        return "Slack"
    senders = set(_SENDER.findall(text))
    if len(senders) > 1 and names & set(_SAID_IN) and not any(map(_is_role, senders)):
        return _by_names(names) or NOTE
    return _by_names(names)


def _of_text(text: str, item: Item) -> str:
    start = text.lstrip("\u200e\u200f\r\n ")
    if start.startswith("window.YTD.direct_message"):
        return "X"
    if start.startswith("[LINE]"):
        return "LINE"
    if re.match(r"\S*.{0,60}(?:KakaoTalk Chats|카카오톡 대화)", start):
        return "KakaoTalk"
    if "<smses" in text[:2000]:
        return "SMS"
    if start[:1] == "<":
        return "Telegram" if 'class="page_wrap"' in text and "userpic" in text else ""
    if item.suffix in (".csv", ".tsv") and (app := _of_table(text)):
        return app
    if _MBOX.match(text) or _is_mail(text, item):
        return "mail"
    if is_discord(text):
        return "Discord"
    if is_imessage(text):
        return "iMessage"
    return "WhatsApp" if is_whatsapp(text) else ""


def _of_table(text: str) -> str:
    if len(_VIBER.findall(text[:4000])) > 1 and _VIBER.match(text):
        return "Viber"
    header = text.partition("\n")[0].lower()
    cells = {cell.strip("\"' \r").replace(" ", "_") for cell in re.split(r"[,;\t]", header)}
    if cells & _ASKED:
        return ""
    return next(
        (app for app, signs in _TABLES.items() for sign in signs if cells >= set(sign.split())), ""
    )


def _is_mail(text: str, item: Item) -> bool:
    """Say whether a text is one mail: its header is above the first empty line (RFC 5322)."""
    header = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    known = {hit[1] for hit in _HEADER.finditer(header)} & _MAIL_HEADERS
    least = 2 if item.suffix in (".eml", ".emlx") else 4
    return len(known) >= least and bool(known & {"From", "Received", "Return-Path"})
