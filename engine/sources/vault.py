"""Vaults: folders of Markdown notes, with or without Obsidian."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.models import Document, Skipped, content_hash
from engine.sources.base import Detection, OnSkip, Progress, Survey
from engine.sources.files import Refused, decode, read_bytes, relative, walk
from engine.sources.markdown import fenced, is_media, without_code
from engine.sources.notes import date_in, parse_note

_NOTE_SUFFIXES = (".md", ".markdown")
_TEMPLATE_FOLDERS = frozenset(
    {"template", "templates", "vorlage", "vorlagen", "sabloane", "șabloane"}
)
_PLACEHOLDER = re.compile(
    r"<%[-_*+]?\s*tp\.|\{\{\s*(?:date|time|title|monday|sunday)\b[^{}]*\}\}", re.IGNORECASE
)
# Papers that lie in any folder, and make no vault of it.
_PAPERS = frozenset({"readme", "license", "licence", "changelog", "contributing"})
_SAMPLE = 200
_SAMPLE_BYTES = 4096


class VaultReader:
    """Reads each note as a document: its body, with what its frontmatter says."""

    kind = "vault"
    label = "a folder of Markdown notes"

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise a folder by its notes; ``.obsidian``, frontmatter and dated names add to it."""
        notes = survey.with_suffix(*_NOTE_SUFFIXES)
        if survey.is_file and notes:
            return Detection(self.kind, 0.6, "one Markdown note")
        notes = [note for note in notes if note.stem.lower() not in _PAPERS]
        if not notes:
            return None
        share = len(notes) / sum(not is_media(file.name) for file in survey.files)
        sample = notes[:: max(1, len(notes) // _SAMPLE)][:_SAMPLE]
        fronted = sum(_has_frontmatter(note) for note in sample)
        dated = sum(bool(date_in(note.stem)) for note in notes)
        of = f"{fronted} of {len(notes)} notes" if len(sample) == len(notes) else ""
        of = of or f"{fronted} of {len(sample)} notes looked at ({len(notes):,} in all)"
        why = [f"frontmatter in {of}" if fronted else _count(len(notes), "note")]
        score = 0.1 + 0.5 * share + 0.2 * (fronted > len(sample) / 4)
        if dated >= max(3, len(notes) // 20):
            why.append("daily notes")
            score += 0.1
        if ".obsidian" in survey.hidden:
            why.append("an .obsidian folder")
            score += 0.25
        return Detection(self.kind, min(round(score, 2), 1.0), ", ".join(why))

    def read(
        self, root: Path, source_id: str, *, progress: Progress, on_skip: OnSkip
    ) -> Iterator[Document]:
        """Yield the notes. Templates, attachments and hidden files are left out, each reported."""
        found = walk(
            root, on_skip=on_skip, source_id=source_id, skip_folder=_template_folders(root)
        )
        paths: list[Path] = []
        for path in found:
            if path.suffix.lower() in _NOTE_SUFFIXES:
                paths.append(path)
            else:
                name = relative(path, root)
                on_skip(Skipped(source_id, name, 0, "attachment", "it is not a Markdown note"))
        for done, path in enumerate(paths, 1):
            document = _read_note(path, relative(path, root), source_id, on_skip)
            if document is not None:
                yield document
            progress(done, len(paths))


def _read_note(path: Path, name: str, source_id: str, on_skip: OnSkip) -> Document | None:
    def skip(code: str, reason: str, line: int = 0) -> None:
        on_skip(Skipped(source_id, name, line, code, reason))

    try:
        data = read_bytes(path)
        text = decode(data)
    except Refused as refused:
        skip(refused.code, refused.reason)
        return None
    if not text.strip():
        skip("empty", "the note is empty")
        return None
    if _is_template(text):
        skip("template", "placeholders of a template stand in it")
        return None
    note = parse_note(text, Path(name).stem)
    if note.problem:
        skip("broken-yaml", f"{note.problem}; the note itself was read", note.problem_line)
    if not note.body.strip():
        skip("empty", "nothing stands below the frontmatter")
        return None
    return Document(
        source_id=source_id,
        path=name,
        title=note.title,
        content_hash=content_hash(data),
        text=note.body,
        tags=note.tags,
        date=note.date,
        start_line=note.body_line,
        metadata=note.metadata,
    )


def _is_template(text: str) -> bool:
    """Say whether a template's placeholders stand outside code, where they mean themselves."""
    if not _PLACEHOLDER.search(text):
        return False
    lines = text.split("\n")
    return any(
        _PLACEHOLDER.search(without_code(line))
        for line, code in zip(lines, fenced(lines), strict=True)
        if not code
    )


def _has_frontmatter(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            head = handle.read(_SAMPLE_BYTES).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return False
    return re.match(rb"\s{0,3}---[ \t]*\r?\n", head) is not None


def _template_folders(root: Path) -> Callable[[str], tuple[str, str] | None]:
    """Return the test for template folders: by usual names, and by Obsidian's own setting."""
    named: set[str] = set()
    for file in ("templates.json", "plugins/templater-obsidian/data.json"):
        try:
            settings = json.loads((root / ".obsidian" / file).read_text("utf-8"))
            value = settings.get("folder") or settings.get("templates_folder")
        except (OSError, ValueError, AttributeError, RecursionError):
            continue
        if isinstance(value, str) and value.strip("/"):
            named.add(value.strip("/").casefold())

    def test(folder: str) -> tuple[str, str] | None:
        name = folder.rpartition("/")[2].casefold().lstrip("_ 0123456789-")
        if name in _TEMPLATE_FOLDERS or folder.casefold() in named:
            return "template", "it lies in a folder of templates"
        return None

    return test


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
