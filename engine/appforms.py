"""The forms of the marks that :mod:`engine.appmarks` takes out, as patterns."""

from __future__ import annotations

import re

TURN = r"turn\d+[a-z]+\d+"
# Without a word for citing before it, only the sources that are known make a mark.
BARE = (
    r"turn\d+(?:search|view|news|image|file|fetch|product|forecast|finance|sports|time|maps?|video"
    r"|reddit|academia|business|click|open|find|calculator|msearch|context|weather|youtube|local)\d+"
)
WORDS = "filecite|memcite|cite|navlist|entity|image_group|genui|video|url|i"

# -- characters of the private use area ---------------------------------------------------

CLOSED = re.compile("\ue200(?P<word>[A-Za-z_]*)(?P<rest>(?:\ue202[^\ue200\ue201\ue202]*)*)\ue201")
UNCLOSED = re.compile(
    f"\ue200(?:[A-Za-z_]*(?:\ue202[^\\s\ue200-\ue206]*)+|(?:{WORDS})(?![A-Za-z]))|\ue202{TURN}"
)
# The glyphs of a patched font at these places stand apart from the words.
AROUND = re.compile("\ue203(?=\\S)[^\ue203\ue204]+(?<=\\S)\ue204")
PRIVATE = "\ue200\ue201\ue202\ue203\ue204\ue205\ue206"
LONE = re.compile("[\ue200-\ue206]")
ENTITY = re.compile(r'^\s*\[\s*"[^"]*"\s*,\s*"((?:[^"\\]|\\.)*)"')

# -- marks that can be read ---------------------------------------------------------------

# Cited sources: the kinds of which a person may speak without quotation marks.
CITES = {
    "dagger": r"【(?:\d+(?::\d+)*|[0-9a-f]{6}|F:[^†】\n]{1,300})†[^】\n]{0,300}】",
    "turn": (
        rf"[\[(【]\s*(?:{BARE}[\s,;，、]*)+[\])】]"
        rf"|(?<![A-Za-z0-9_])(?:filecite|memcite|cite|navlist|image_group|i)?(?:{BARE}"
        r"(?:L\d+(?:-L?\d+)?)?)+(?![A-Za-z0-9_])"
        rf"|(?<![A-Za-z0-9_])(?:filecite|memcite|cite)(?:{TURN})+"
    ),
    "escaped": rf"(?:\\ue20[0-6])*\\ue202{TURN}(?:\\ue20[0-6])*",
    "oaicite": r":contentReference\[oaicite:\d+\](?:\{[^}\n]*\})?|\[oaicite:\d+\](?:\{[^}\n]*\})?",
    "linked": r"\[oai_citation:\d+‡[^\]\n]{0,300}\](?:\([^)\n]*\))?",
    "attached": r"\[(?:web|attached_file|code_file|generated_image|post):\d+(?:,\s*\d+)*\]",
    "citation": r"[\[【]citation:\s*\d+(?:\s*[,，]\s*(?:citation:)?\s*\d+)*[\]】]",
    "cited": r"\[cite:\s*\d[\d\s,–-]*\]|\[cite_(?:start|end)\]",
    "caret": r"\[\^\d{1,3}\^\]|\[\^\d{1,3}_\d{1,3}\](?!:)",
    "ref": r"\[REF\][^\[\]\n]{0,200}\[/REF\]",
}
OTHERS = {
    "grok": r"<grok:render\b(?:[^<]|<(?!grok:render)){0,2000}?(?:</grok:render>|/>)"
    r"|<grok-card\b[^<>]{0,500}(?:/>|>(?:</grok-card>)?)",
    "memory": r"<oai-mem-citation>(?:[^<]|<(?!oai-mem)){0,4000}?</oai-mem-citation>",
    "hidden": r'<span style="display:\s*none">(?:\[\^[\d_]+\])+</span>'
    r'|^<div align="center">⁂</div>$|^\[\^\d{1,3}_\d{1,3}\]:[^\n]*$',
    "within": r'<(?:antml:)?cite\s+index="[^"\n]*">'
    r"(?P<within>(?:[^<]|<(?!/?(?:antml:)?cite\b))*)</(?:antml:)?cite>",
    "image": r"!\[[^\[\]\n]{0,300}\]\((?:sandbox:|computer://?/?mnt/user-data)[^)\n]*\)",
    "link": r"\[(?P<link>[^\[\]\n]{0,300})\]\((?:sandbox:|computer://?/?mnt/user-data)[^)\n]*\)"
    r"|(?<![\w(/])(?:sandbox:/mnt/data|computer:///?mnt/user-data)/(?:[^\s)\]]*/)?(?P<file>[^\s/)\]]+)",
    "chip": r"\[?https?://(?:www\.)?googleusercontent\.com/(?:immersive_entry_chip"
    r"|(?:interactive_content_block|deep_research_confirmation_content))(?:/\w*)?\]?",
    "card": r"\[?https?://(?:www\.)?googleusercontent\.com/(?:image_collection|image_generation"
    r"|generated_image|youtube|map|map_location|map_location_reference|grounding|web_search|card"
    r"|flights|hotels|workspace|shopping|lmdx_image)(?:_content)?(?:/\w+)*\]?",
    "artifact": r"<(?P<tag>antArtifact|xaiArtifact|immersive)\b(?P<told>[^<>]{0,2000}?)"
    r"(?:/>|>(?P<made>.*?)(?:</(?P=tag)>|\Z))",
}
# Spaces before a mark, looked for once a run of them.
LEAD = r"(?P<lead>(?<![ \t])[ \t]*|)"
SEEN = re.compile(
    LEAD
    + r"(?:"
    + "|".join(f"(?P<_{kind}>{form})" for kind, form in {**CITES, **OTHERS}.items())
    + r")(?P<tail>[ \t]*)",
    re.DOTALL | re.MULTILINE,
)
# What a text of marks holds: looked for from the rarest, and most only behind a bracket.
BEHIND: dict[str, tuple[str, ...]] = {
    "【": ("【",),
    "⁂": ("⁂",),
    "[": ("oai_citation", "[web:", "_file:", "[generated_image:", "[post:", "oaicite", "citation:",
          "[cite", "[^", "[REF]"),
    "<": ("<grok", "<oai-mem", "display:", "cite index=", "Artifact", "<immersive"),
    "\\": ("\\ue202turn",),
}  # fmt: skip
ANYWHERE = ("sandbox:/", "/mnt/user-data/", "googleusercontent.com/")
PLACEHOLDER = re.compile(
    r"^[ \t]*+(?P<fence>`{3,})?+[ \t]*+\n?[ \t]*+"
    r"(?:(?P<any>This block is not supported on your current device yet\.)"
    r"|Viewing artifacts created via the Analysis Tool web feature preview isn['\u2019\u02bc]t yet "
    r"supported on mobile\.)"
    r"[ \t]*(?(fence)\n?[ \t]*(?P=fence)[ \t]*)$\n?",
    re.MULTILINE,
)
DIRECTIVE = re.compile(
    r"^[ \t>]*(?P<colons>:{2,4})(?:writing|[a-z]+[A-Z][A-Za-z]*)"
    r"(?:\[[^\]\n]*\])?(?:\{[^\n]*\})?[ \t]*$"
)
CLOSING = re.compile(r"^[ \t>]*:{3,4}[ \t]*$")
FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})")
CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*$.*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
QUOTES = dict(zip("\"'“”„«»‘’「『", "\"'”””»«’’」』", strict=True))
ENDS = frozenset(" \t\n.,;:!?…)]}»”’\"'。，、；：！？）】|*_")
# The rest of a sentence that asks: nobody cites a source for a question.
ASKED = re.compile(r"[^.!?\n。！？]*[?？]")
NAMED = re.compile(r"""\b(?:language|contentType|type)\s*=\s*["']([^"']*)["']""")
