"""Exports of messages between people: recognised and named, and not read.

They look like conversations and are none with an assistant: nobody in them asks so that
another answers, and half of the words are somebody else's. Each is told by the fields or
lines that its program writes:

===================  ==========================================================================
Telegram             ``result.json`` of Telegram Desktop, one chat or all; its HTML export
Discord              DiscordChatExporter's JSON; ``messages.json`` and CSV of the data package
WhatsApp             ``_chat.txt``: a date in any locale's form, a time, a name and a colon
Signal               signal-export's ``data.json``; the JSONL of Signal's own export; signal-cli
Slack                a JSON file a channel and day
Messenger,           ``message_1.json`` of Meta's downloads, and Messenger's own JSON of
Instagram            encrypted chats
Skype, Google Chat,  the JSON of their exports
Hangouts, Matrix,
Snapchat, X
LINE, KakaoTalk      the text files that the apps write
SMS                  SMS Backup & Restore's XML
mail                 mbox, ``.eml``, Outlook's ``.msg`` and ``.pst``
===================  ==========================================================================
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.sources.base import Survey
from engine.sources.items import Item, Refused
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
_NAME = re.compile(r'"([^"\\\n]{1,60})"\s*:')
_SIGNS: Mapping[str, tuple[str, ...]] = {
    "Telegram": (
        "from_id text_entities", "from_id date_unixtime", "actor_id date_unixtime",
        "from text_entities", "personal_information chats",
    ),
    "Discord": (
        "guild channel exportedAt", "guild channel dateRange",
        "timestampEdited callEndedTimestamp", "ID Timestamp Contents",
    ),
    "Messenger or Instagram": ("sender_name timestamp_ms", "senderName isUnsent"),
    "Slack": ("client_msg_id ts", "user ts text team", "user ts text user_profile"),
    "Signal": (
        "sender body reactions quote", "chatItem authorId", "chatItem dateSent",
        "envelope sourceUuid", "envelope sourceNumber",
    ),
    "Skype": ("MessageList", "originalarrivaltime messagetype"),
    "Google Chat": ("creator user_type created_date", "creator topic_id created_date"),
    "Hangouts": ("gaia_id chat_message", "gaia_id conversation_state"),
    "Matrix": ("room_name room_creator", "sender event_id origin_server_ts"),
    "Snapchat": ("From IsSender",),
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
        ),
    }
)
"""One of the fields that such a record has, by which others are passed over fast."""
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
    return _by_names(names)


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
    if text.startswith("ID,Timestamp,Contents,Attachments"):
        return "Discord"
    if _MBOX.match(text) or _is_mail(text, item):
        return "mail"
    if is_discord(text):
        return "Discord"
    if is_imessage(text):
        return "iMessage"
    return "WhatsApp" if is_whatsapp(text) else ""


def _is_mail(text: str, item: Item) -> bool:
    """Say whether a text is one mail: its header is above the first empty line (RFC 5322)."""
    header = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    known = {hit[1] for hit in _HEADER.finditer(header)} & _MAIL_HEADERS
    least = 2 if item.suffix in (".eml", ".emlx") else 4
    return len(known) >= least and bool(known & {"From", "Received", "Return-Path"})
