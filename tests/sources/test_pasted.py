from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.pasted import find_chat
from tests.support.vaults import read_vault, write_files

OWN = "I asked it because nobody else was awake.\n\n"


@pytest.mark.parametrize(
    ("text", "first", "last", "answers"),
    [
        (OWN + "## Me\nq\n## ChatGPT\na\n## Me\nq\n## ChatGPT\na", 2, 9, 2),
        (OWN + "## mara\nq\n## chatgpt\na\n## mara\nq\n## chatgpt\na", 2, 9, 2),
        (OWN + "## mara\nq\n## chatgpt\na", 2, 5, 1),
        ("**User:** hello\n\n**Assistant:** hi\n", 0, 3, 1),
        ("🧑 **You:**\nq\n🤖 **ChatGPT:** a", 0, 2, 1),
        ("You said:\nq\n\nChatGPT said:\na", 0, 4, 1),
        ("###### You said:\nq\n###### Claude said:\na", 0, 3, 1),
        ("User: q\nAI: a\nUser: q\nAI: a", 0, 3, 2),
        ("> [!user]\n> q\n\n> [!assistant]\n> a", 0, 4, 1),
        ("## Ich\nq\n## Claude 3.5 Sonnet\n# Antwort\na\n\n## Mein Fazit\nown", 0, 5, 1),
        ("# Chat\n## You\nq\n## Gemini\na\n# After\nown", 1, 4, 1),
        ("## You\nq\n## GPT-4o\n```\n# code\n```\na\n\n---\n\nown", 0, 7, 1),
    ],
)
def test_chats(text: str, first: int, last: int, answers: int) -> None:
    chat = find_chat(text)
    assert chat is not None
    assert (chat.start, chat.end - 1, chat.answers) == (first, last, answers)


@pytest.mark.parametrize(
    "text",
    [
        "# Tools\n## ChatGPT\nI use it for letters.\n## Claude\nI use it for code.",
        "# Tools\n## Overview\na\n## ChatGPT\nb",
        "# Machines\n## AI\nx\n## Model\ny\n## Training\nz",
        "I told ChatGPT about it. Claude said: no.",
        "**Note:** the assistant was late.\n**You** are free.",
        "```\nUser: q\nAssistant: a\n```",
        "User: what Mara told me about ChatGPT",
        "",
    ],
)
def test_what_is_no_chat(text: str) -> None:
    assert find_chat(text) is None


def test_a_pasted_chat_is_left_out_and_reported(tmp_path: Path) -> None:
    chat = "## You\nq\n## ChatGPT\na long answer of a machine\n"
    root = write_files(
        tmp_path / "v",
        {"mixed.md": f"---\ntags: [x]\n---\n{OWN}{chat}\n## My thoughts\nmine\n", "only.md": chat},
    )
    (document,), skipped = read_vault(root)
    assert "machine" not in document.text
    assert document.text.startswith(OWN)
    # What follows stays at its line.
    assert document.text.split("\n").index("## My thoughts") + document.start_line == 11
    assert [(skip.path, skip.line, skip.code) for skip in skipped] == [
        ("mixed.md", 6, "pasted-chat"),
        ("only.md", 1, "pasted-chat"),
    ]


_PIECES = st.sampled_from([
    "## ", "You", "ChatGPT", "User: ", "Assistant: ", "**", "\n", "> ", "[!user]", "```\n",
    "---\n", " said:",
    "My thoughts", "words ",
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5), max_size=40).map("".join))
def test_a_chat_lies_inside_the_text(text: str) -> None:
    chat = find_chat(text)
    if chat is not None:
        assert 0 <= chat.start < chat.end <= len(text.split("\n"))
        assert chat.answers > 0
