"""Questions: titles whole and quoted, cleaned of what is no part of them, plain sentences.

What is expected is written by hand, by the rubric in ``docs/questions.md``.
"""

from __future__ import annotations

import pytest

from engine.extract.languages import languages
from engine.extract.questions import (
    Subject,
    in_context,
    is_question,
    on_card,
    question,
    wordings,
)
from engine.extract.topics import clean_heading, clean_title, date_phrase, is_date_like

TEXT = "I looked at the kiln and then at the kiln again, and I put it off until Sunday."
FACTS = "Check the builds. Update the version, then push the tag to the server."


def _ask(heading: str = "", title: str = "", text: str = TEXT, **more: str) -> str:
    subject = Subject(
        kind=more.get("kind", "reflection"),
        heading=heading,
        title=title,
        date=more.get("date", ""),
        language=more.get("language", "en"),
    )
    return question(subject, text)


@pytest.mark.parametrize(
    ("heading", "title", "part"),
    [
        # A short title may be a topic, and stands whole behind "about".
        ("", "The night shift", "“The night shift”"),
        ("", "0012-the-old-kiln", "“the old kiln”"),
        ("Hosting Platforms", "", "“Hosting Platforms”"),
        ("Rejection", "My summer", "“Rejection” in your note “My summer”"),
        ("Puppet certificate management", "7. Certificates", "“Puppet certificate management”"),
        ("", "The “old” kiln", "“The ‘old’ kiln”"),
        # A sentence, a command, a clause, a preposition: by where it stands.
        ("", "ADR-7: Use Redis for sessions", "in your note “Use Redis for sessions”"),
        ("", "This Changes Everything. Again", "in your note “This Changes Everything. Again”"),
        ("What This Changes", "Systems", "under “What This Changes” in your note “Systems”"),
        ("5. The System Is Never Done", "Work", "under “The System Is Never Done”"),
        ("On Labour", "Economics", "under “On Labour” in your note “Economics”"),
        ("Follow the tests", "Smoke", "under “Follow the tests” in your note “Smoke”"),
        ("Why I said no to the job", "", "under “Why I said no to the job”"),
        ("The night I was afraid", "", "under “The night I was afraid”"),
        ("Update tests/", "How do I add a filter?", "in your note “How do I add a filter?”"),
        # Days and names of parts of them.
        ("May 3rd", "Research log of the bee", "under “May 3rd” in your note “Research log of"),
        ("Wanda's last day", "2025-03-14", "“Wanda's last day”"),
        ("Morning", "2025-03-14", "under “Morning” on 14 March 2025"),
        ("What went well", "2025-03-14", "under “What went well” on 14 March 2025"),
        ("2025-03-14", "Diary of a potter", "on 14 March 2025"),
        # A heading that only says the kind leaves the note's title, or its date.
        ("Reflection", "The kiln", "“The kiln”"),
        ("Reflection", "2025-03-14", "on 14 March 2025"),
        ("Decision: the old boat", "", "“the old boat”"),
        ("Reflection on my slow hands", "", "under “Reflection on my slow hands”"),
        # A question without its note.
        ("Good offsets?", "Carbon credits", "under “Good offsets?” in your note “Carbon credits”"),
    ],
)
def test_a_title_is_used_whole_or_not_at_all(heading: str, title: str, part: str) -> None:
    asked = _ask(heading, title, date="2025-03-14" if "2025" in title + heading else "")
    assert part in asked
    assert asked[-1] in "?.”"
    assert not asked.endswith(("??", "”?”", ".."))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("11. Migration strategy", "Migration strategy"),
        ("2.3.1 Results", "Results"),
        ("2025-03-14 The kiln", "The kiln"),
        ("The kiln (2025-03-14)", "The kiln"),
        ("202503141530 The kiln", "The kiln"),
        ("Decision - the boat", "the boat"),
        ("ADR-001 - Names of blocks", "Names of blocks"),
        ("a-name-in-dashes", "a name in dashes"),
        ("Note-taking", "Note-taking"),
        ("3.5 years in a boat", "3.5 years in a boat"),
        ("7 habits", "7 habits"),
        ("De ce T4? {.unnumbered}", "De ce T4?"),
        ("Results {#sec-results .important}", "Results"),
        ("🌱 The `kiln` 🔥", "The kiln"),
        (":seedling: The kiln", "The kiln"),
        ("The kiln #craft/clay", "The kiln"),
        ("What the kiln says:", "What the kiln says"),
        ("“The kiln”", "The kiln"),
        ("A title that was cut in the mid…", ""),
        ("See https://example.org/a", ""),
        ("word " * 40, ""),
        ("Untitled 3", ""),
        ("README", ""),
        ("Tuesday 2 January", ""),
        ("Week 7", ""),
        ("2025-03-14", ""),
        ("Notes", ""),
        ("Daily note", ""),
        ("", ""),
        # A year is no number of a section, and a link is its text.
        ("2024: the year of the boat", "2024: the year of the boat"),
        ("[The mill](https://example.org/mill) and [[Rope|the rope]]", "The mill and the rope"),
        ("第 12 篇：搬家", "第 12 篇：搬家"),
        ("写在前面：", "写在前面"),
    ],
)
def test_titles_are_cleaned(title: str, expected: str) -> None:
    assert clean_title(title) == expected
    if expected:
        # What is not the note's name but a section's is cleaned by the same rules.
        assert clean_heading(clean_title(title)) == expected


@pytest.mark.parametrize(
    ("asked", "title", "text", "expected"),
    [
        ("Is it worth keeping a boat?", "", TEXT, "Is it worth keeping a boat?"),
        ("How do I make a release?", "", FACTS, "How do I make a release?"),
        ("What do I owe the sea?", "", TEXT, "You ask yourself “What do I owe the sea?” What is"),
        ("How can I help you?", "Work", TEXT, "You ask yourself “How can I help you?” What is"),
        ("Why?", "Selling the boat", FACTS, "About “Selling the boat”: Why?"),
        ("Is one even possible?", "Utopia", FACTS, "About “Utopia”: Is one even possible?"),
        ("Why does clay shrink in the heat?", "Kilns", FACTS, "Why does clay shrink in the heat?"),
        ("3. Why clay? {.unnumbered}", "Kilns", FACTS, "Why clay?"),
        ("What is a kiln", "Kilns", FACTS, "What is a kiln?"),
    ],
)
def test_a_heading_that_asks_is_used_as_it_is(
    asked: str, title: str, text: str, expected: str
) -> None:
    assert in_context(asked, title, "en", text).startswith(expected)
    assert _ask(asked, title, text).startswith(expected)


def test_what_is_no_question_is_not_put_as_one() -> None:
    assert is_question("Which knot holds?", "en")
    assert not is_question("First sketch?", "en")
    assert is_question("Kommst du mit?", "de")
    assert on_card("Which knot is for two ropes", "x", "en") == "Which knot is for two ropes?"
    assert "flashcard “bowline”" in on_card("bowline", "a loop", "en")


def test_dates_are_written_out() -> None:
    assert date_phrase("2025-03-14", "en") == "on 14 March 2025"
    assert date_phrase("2025-W07", "en") == "in the week of 10 February 2025"
    assert date_phrase("2025-03", "en") == "in March 2025"
    assert date_phrase("2025-03-14", "de") == "am 14. März 2025"
    assert date_phrase("2025-03-14", "ro") == "pe 14 martie 2025"
    assert date_phrase("2025-W60", "en") == date_phrase("", "en") == ""
    assert is_date_like("Saturday, 4. Mai")


def test_wording_varies_and_is_stable() -> None:
    asked = {_ask("", "The kiln", text=f"{TEXT} {number}") for number in range(50)}
    assert asked == {
        template.format(topic="“The kiln”")
        for template in languages()["en"].asking.templates["reflection.topic"]
    }
    assert _ask("", "The kiln") == _ask("", "The kiln")


def test_parts_of_a_section_are_asked_for_differently() -> None:
    subject = Subject("reflection", "The kiln", "", "", "en")
    asked = [question(subject, TEXT, part=part) for part in range(4)]
    assert len(set(asked)) == 4
    assert all("more" in further or "else" in further for further in asked[1:])


@pytest.mark.parametrize("code", list(languages()))
def test_every_template_can_be_filled(code: str) -> None:
    asking = languages()[code].asking
    opening, closing = asking.quotes
    for name, templates in asking.templates.items():
        assert len(set(templates)) == len(templates) >= 2, name
        for template in templates:
            assert opening not in template, template
            assert template[-1] in "?.？。" or template.endswith("{question}"), template
    for kind in ("reflection", "decision", "learning", "section"):
        known = _ask("", "Xyzzy", kind=kind, language=code)
        assert f"{opening}Xyzzy{closing}" in known
        assert _ask("", "", kind=kind, language=code) in asking.templates[f"{kind}.plain"]
        dated = date_phrase("2025-03-14", code)
        assert dated in _ask("", "", kind=kind, language=code, date="2025-03-14")
    assert _ask("Xyzzy", "Plugh", language=code).count(opening) == 2


@pytest.mark.parametrize("language", ["en", "it", "nl"])
def test_what_is_asked_again_does_not_say_the_same_twice(language: str) -> None:
    subject = Subject("section", "", "The old kiln", "", language)
    asked = list(wordings(subject, TEXT, part=1))
    first = question(subject, TEXT)
    again = next(one for one in asked if one.startswith(first))
    assert set(again.removeprefix(first).lower().split()).isdisjoint(first.lower().split())
    assert not any(one.startswith(f"{other} ") for one in asked for other in asked)


def test_a_chinese_question_in_which_the_writer_speaks_is_quoted() -> None:
    subject = Subject("section", "我该怎么办？", "工作", "", "zh")
    assert (
        question(subject, "我觉得我应该先停下来想一想。")
        == "你问自己：“我该怎么办？”你的答案是什么？"
    )
    titled = Subject("section", "", "年过完了", "", "zh")
    assert "在笔记“年过完了”里" in question(titled, "今天上班了。")


@pytest.mark.parametrize(
    ("heading", "language"),
    [
        # Headings in another language than the text, by script or by their small words.
        ("¿Dónde está?", "en"),
        ("哪里？", "en"),
        ("What is a pot", "ro"),
        ("What is the lesson?", "de"),
        ("Why React?", "ru"),
        # What is said behind the mark, or in brackets, is no question.
        ("Where is it? – a guide", "en"),
        ("Where is it?: the mill", "en"),
        ("La suma de todo (¿o nada?)", "es"),
        # It goes on from something that the note's title does not stand for.
        ("But what did the player create?", "en"),
        ("En de rest?", "nl"),
    ],
)
def test_a_heading_that_cannot_be_put_as_a_question_is_quoted(heading: str, language: str) -> None:
    opening, closing = languages()[language].asking.quotes
    asked = _ask(heading, "Plugh", FACTS, language=language, kind="section")
    assert f"{opening}{heading}{closing}" in asked
    assert f"{opening}Plugh{closing}" in asked


@pytest.mark.parametrize(
    ("heading", "asked"),
    [
        ("TODO: where is clay found???", "Where is clay found?"),
        ("2. Step 3: what makes clay shrink?", "What makes clay shrink?"),
        ("FAQ: is clay a mineral?", "Is clay a mineral?"),
        ("Question 4: is clay a mineral?", "Is clay a mineral?"),
        ("[ ] is clay a mineral?", "Is clay a mineral?"),
        ("What did we fire here?", "About “Kilns”: What did we fire here?"),
    ],
)
def test_a_heading_that_asks_has_no_label(heading: str, asked: str) -> None:
    assert _ask(heading, "Kilns", FACTS) == asked


@pytest.mark.parametrize(
    "heading",
    [
        "I wrote this on the train. Nobody reads it anyway",
        "记录保存一下。方便查找",
        "好久没写总结类的东西了，今天是八月一号",
        "Step 2.5",
        "v1.2.0",
    ],
)
def test_sentences_and_versions_name_no_section(heading: str) -> None:
    assert "in your note “Plugh”" in _ask(heading, "Plugh")
    assert heading not in _ask(heading, "Plugh")


def test_a_version_alone_is_no_title() -> None:
    assert "on 14 March 2025" in _ask("", "Version 2.0.0", date="2025-03-14")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("feat: store backups apart", "store backups apart"),
        ("fix(api)!: a race", "a race"),
        ("The kiln --2019.9.30", "The kiln"),
        ("14.3.2025 The kiln", "The kiln"),
        ("Update 9 (27 August 2017)", "Update 9"),
        ("搬家（2019年9月30日）", "搬家"),
        ("Wingspan (999 Games)", "Wingspan (999 Games)"),
    ],
)
def test_dates_and_kinds_of_changes_are_no_part_of_a_name(title: str, expected: str) -> None:
    assert clean_title(title) == expected
