"""Vaults: folders of Markdown notes, as Obsidian and Logseq write them, or anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.models import Document
from engine.sources import logseq, people
from engine.sources.base import Detection, Option, Reading, Survey
from engine.sources.dates import date_in
from engine.sources.files import Item, Refused, decode, walk
from engine.sources.markdown import is_media
from engine.sources.notes import Note, parse_note
from engine.sources.pasted import Chat, find_chat
from engine.sources.templates import unfilled
from engine.sources.transcripts import Run, find_people

_NOTE_SUFFIXES = (".md", ".markdown")
_TEMPLATE_FOLDERS = frozenset(
    {"template", "templates", "vorlage", "vorlagen", "sabloane", "șabloane"}
)
# Papers that lie in any folder, and make no vault of it.
_PAPERS = frozenset({"readme", "license", "licence", "changelog", "contributing"})
_PAGES_OF_FOLDERS = frozenset({"index", "_index"})
_ATTACHMENT = ("attachment", "it is not a Markdown note")
_DRAWING_SUFFIX = ".excalidraw.md"
_OTHER_FILES = {
    ".canvas": ("canvas", "a canvas of Obsidian; only notes are read"),
    ".base": ("base", "a base of Obsidian, which shows other notes; only notes are read"),
    ".excalidraw": ("drawing", "a drawing of Excalidraw; only notes are read"),
    ".org": ("org", "an Org file; only Markdown is read"),
}
_SAMPLE = 200
_SAMPLE_BYTES = 4096


class VaultReader:
    """Reads each note as a document: its body, with what its frontmatter says."""

    kind = "vault"
    label = "a folder of Markdown notes"
    version = 4
    options: tuple[Option, ...] = (
        Option(
            "take",
            "what becomes of a note: reflections, decisions and learnings (thoughts), questions"
            " with their answers (qa), other sections under their headings (sections)",
            default="thoughts,qa",
            choices=(
                "thoughts,qa",
                "thoughts,qa,sections",
                "thoughts,sections",
                "thoughts",
                "qa,sections",
                "qa",
                "sections",
            ),
        ),
        Option("app", "which app the notes are written with", choices=("obsidian", "logseq")),
    )

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise a folder by its notes; ``.obsidian``, frontmatter and dated names add to it."""
        notes = survey.with_suffix(*_NOTE_SUFFIXES)
        if survey.is_file and notes:
            return Detection(self.kind, 0.6, "one Markdown note")
        notes = [note for note in notes if _stem(note).lower() not in _PAPERS]
        if not notes:
            return None
        share = len(notes) / sum(not is_media(item.name) for item in survey.items)
        sample = notes[:: max(1, len(notes) // _SAMPLE)][:_SAMPLE]
        fronted = sum(_has_frontmatter(note) for note in sample)
        dated = sum(bool(date_in(_stem(note))) for note in notes)
        of = f"{fronted} of {len(notes)} notes" if len(sample) == len(notes) else ""
        of = of or f"{fronted} of {len(sample)} notes looked at ({len(notes):,} in all)"
        why = [f"frontmatter in {of}" if fronted else _count(len(notes), "note")]
        score = 0.1 + 0.5 * share + 0.2 * (fronted > len(sample) / 4)
        if dated >= max(3, len(notes) // 20):
            why.append("daily notes")
            score += 0.1
        found: dict[str, str] = {}
        if ".obsidian" in survey.hidden:
            why.append("an .obsidian folder")
            found["app"] = "obsidian"
            score += 0.25
        if any(item.name == logseq.CONFIG for item in survey.items):
            why.append("a Logseq graph")
            # Where both apps are used, each note is looked at for itself.
            found = {} if found else {"app": "logseq"}
            score += 0.25
        return Detection(self.kind, min(round(score, 2), 1.0), ", ".join(why), found)

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield the notes. Templates, attachments and hidden files are left out, each reported."""
        folder = Path(root)
        for item in walk(folder, reading, skip_folder=_other_folders(folder)):
            if item.name.lower().endswith(_DRAWING_SUFFIX):
                reading.skip(item.name, 0, *_OTHER_FILES[".excalidraw"])
            elif item.suffix in _NOTE_SUFFIXES:
                yield item
            else:
                reading.skip(item.name, 0, *_OTHER_FILES.get(item.suffix, _ATTACHMENT))

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield the note, if anything stands in it."""
        document = _read_note(item, reading)
        if document is not None:
            yield document


def _read_note(item: Item, reading: Reading) -> Document | None:
    def skip(code: str, reason: str, line: int = 0) -> None:
        reading.skip(item.name, line, code, reason)

    text = decode(item.data())
    if not text.strip():
        skip("empty", "the note is empty")
        return None
    marks = unfilled(text)
    if marks is not None:
        if marks.is_template:
            skip("template", "placeholders of a template stand in it, and little else")
            return None
        text = marks.text
        skip("template-mark", _marked(marks.lines), marks.lines[0])
    note = _parsed(item, text, reading.options.get("app", ""))
    if note.problem:
        skip(note.problem_code, f"{note.problem}; the note itself was read", note.problem_line)
    if "excalidraw-plugin" in note.metadata:
        skip(*_OTHER_FILES[".excalidraw"])
        return None
    body = note.body
    chat = find_chat(body)
    if chat is not None:
        first = note.body_line + chat.start
        skip("pasted-chat", _pasted(chat, first), first)
        body = _blanked(body, chat)
    between = find_people(body)
    for run in between:
        first = note.body_line + run.start
        said = _count(run.messages, "message")
        where = f"lines {first} to {first + run.end - run.start - 1}"
        skip(people.CODE, f"{said} of a chat between people stand there, {where}", first)
        body = _blanked(body, run)
    if not body.strip():
        if chat is None and not between:
            skip("empty", "nothing stands below the frontmatter")
        return None
    return Document(
        source_id=reading.source_id,
        path=item.name,
        title=note.title,
        content_hash=item.digest(),
        text=body,
        tags=note.tags,
        date=note.date,
        start_line=note.body_line,
        metadata=note.metadata,
    )


def _parsed(item: Item, text: str, app: str) -> Note:
    """Take a note apart; a Logseq page is turned into Markdown as other apps write it first."""
    stem = _name(item)
    if not logseq.is_page(item, text, app):
        return parse_note(text, stem)
    name, space = logseq.page_name(stem)
    page = logseq.to_markdown(text)
    note = parse_note(page.text, name)
    tags = dict.fromkeys(note.tags)
    for key in ("tags", "type"):
        tags.update(dict.fromkeys(logseq.names(page.properties.get(key, ""))))
    metadata = {**page.properties, **note.metadata}
    aliases = ", ".join(logseq.names(page.properties.get("alias", "")))
    metadata.pop("tags", None)
    if aliases:
        metadata["aliases"] = aliases
    if space:
        metadata["namespace"] = space
    return note._replace(
        title=page.properties.get("title") or note.title,
        tags=tuple(tags),
        date=note.date or date_in(page.properties.get("date", "")) or date_in(stem),
        metadata=MappingProxyType(metadata),
    )


def _pasted(chat: Chat, first: int) -> str:
    last = first + chat.end - chat.start - 1
    answers = _count(chat.answers, "answer")
    return f"a chat with an assistant is pasted there, lines {first} to {last}, with {answers}"


def _marked(lines: Sequence[int]) -> str:
    more = f", and {len(lines) - 1:,} more" if len(lines) > 1 else ""
    return (
        f"a template's mark was never filled in there; its sentence{more} was left out, "
        "the note itself was read"
    )


def _blanked(body: str, chat: Chat | Run) -> str:
    lines = body.split("\n")
    lines[chat.start : chat.end] = [""] * (chat.end - chat.start)
    return "\n".join(lines)


def _stem(item: Item) -> str:
    """Return a note's name: its file's, or its folder's where the file is the folder's page."""
    folders, _, name = item.name.rpartition("/")
    stem = name.rpartition(".")[0]
    # Hugo and other makers of sites call a page by its folder.
    return folders.rpartition("/")[2] if folders and stem in ("index", "_index") else stem


def _name(item: Item) -> str:
    """Return the name of a note: that of its file, or of the folder whose page it is."""
    stem = _stem(item)
    folder = item.name.rpartition("/")[0].rpartition("/")[2]
    return folder if folder and stem in _PAGES_OF_FOLDERS else stem


def _has_frontmatter(item: Item) -> bool:
    try:
        head = item.head(_SAMPLE_BYTES).removeprefix(b"\xef\xbb\xbf")
    except Refused:
        return False
    return re.match(rb"\s{0,3}---[ \t]*\r?\n", head) is not None


def _other_folders(root: Path) -> Callable[[str], tuple[str, str] | None]:
    """Return the test for folders whose notes are none: templates, and Logseq's own files."""
    named: set[str] = set()
    for file in ("templates.json", "plugins/templater-obsidian/data.json"):
        try:
            settings = json.loads((root / ".obsidian" / file).read_text("utf-8"))
            value = settings.get("folder") or settings.get("templates_folder")
        except (OSError, ValueError, AttributeError, RecursionError):
            continue
        if isinstance(value, str) and value.strip("/"):
            named.add(value.strip("/").casefold())
    is_graph = (root / logseq.CONFIG).is_file()

    def test(folder: str) -> tuple[str, str] | None:
        name = folder.rpartition("/")[2].casefold().lstrip("_ 0123456789-")
        if name in _TEMPLATE_FOLDERS or folder.casefold() in named:
            return "template", "it lies in a folder of templates"
        if is_graph and folder == logseq.SETTINGS:
            return "logseq", "Logseq keeps its settings and backups there"
        return None

    return test


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
