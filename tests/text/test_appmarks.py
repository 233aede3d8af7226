"""Marks of chat apps, in the forms that their exports hold, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.appcode import as_block
from engine.appmarks import hollow, marks_in, taken, without_numbers

# The private-use characters that ChatGPT writes: begin, end, between, and around what is cited.
B, E, S, OPEN, CLOSE = "\ue200", "\ue201", "\ue202", "\ue203", "\ue204"
FENCED = "```\n{}\n```\n"
MOBILE = (
    "Viewing artifacts created via the Analysis Tool web feature preview isn{}t yet supported "
    "on mobile."
)
DEVICE = "This block is not supported on your current device yet."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Rain{B}cite{S}turn0search1{S}turn0search2{E}.", "Rain."),
        (f"{OPEN}Rain.{CLOSE} {B}cite{S}turn0search1{E}\n\nMore", "Rain.\n\nMore"),
        (f'In {B}entity{S}["city","Cluj","Romania"]{E} today', "In Cluj today"),
        (f"See {B}url{S}the page{S}https://example.org{E}", "See the page"),
        (f"A {B}filecite{S}turn0file1{S}L3-L9{E} and {B}i{S}turn0image1{E} b", "A and b"),
        (f"{B}navlist{S}See also{S}turn0news1{E}\n\nWords", "\n\nWords"),
        (f"| {B}cite{S}turn1search0{E} | x |", "| | x |"),
        (f"It rains {B}cite{S}turn0search1 and more follows.", "It rains and more follows."),
        (f"It rains {B}cite", "It rains"),
        (f'{B}genui{S}{{"math_block_v2":{{"content":"x^2"}}}}{E} so x is 3.', "$$x^2$$ so x is 3."),
        (f'{B}product_entity{S}["turn0product1","Sony WH"]{E} is good', "Sony WH is good"),
        (f"At {B}link_title{S}The Book{S}turn0search4{E} now", "At The Book now"),
        (f"Look: {B}video{S}Rain, a film{S}turn0search4{E} end", "Look: Rain, a film end"),
        (f"As {B}math{S}x^2{E} here", "As x^2 here"),
        (f'In {B}entity{S}["city","Cluj {B}cite{S}turn0search1{E}"]{E} now', "In Cluj now"),
        (f'In {B}entity{S}["city","Baia Mare","Romania"] now', "In Baia Mare now"),
        (f"Rain cite{S}turn0search1{E} falls.", "Rain falls."),
        ('The city entity["city","Cluj","Romania"] is old.', "The city Cluj is old."),
        ('image_group{"query":["cats","dogs"],"layout":"bento"}Cats purr.', "Cats purr."),
        ('It is product_entity["turn0product1","Sony WH"].', "It is Sony WH."),
        ("Look: videoRain, a filmturn0search4 end", "Look: Rain, a film end"),
        ("Today forecastturn0forecast0 it rains", "Today it rains"),
        ("navlistMore newsturn0news1,turn0news2\n\nWords", "\n\nWords"),
        ("It runs【turn0file1†L1-L2】.", "It runs."),
        (":codex-terminal-citation[x]{line_range_start=1 terminal_chunk_id=a} Done", "Done"),
        (
            "<search_quality_reflection>Good.</search_quality_reflection>"
            "<search_quality_score>4</search_quality_score>\n\nDeep.",
            "\n\nDeep.",
        ),
        ('<immersive> id="x" type="text" title="T"\nWords\n</immersive>', "Words"),
        ("The model pays \ufffc and more.", "The model pays and more."),
        (f"So {S}turn0search0 and \\ue202turn0news1 it is.", "So and it is."),
        ("Rain in the evening. citeturn0search0turn0news2", "Rain in the evening."),
        ("Rain (turn0search3, turn0search8).", "Rain."),
        ("North【8†source】【10†source】. East【4:0†notes.pdf】.", "North. East."),
        ("It runs【F:src/a.py†L1-L4】【1fe02c†L1-L2】.", "It runs."),
        ("Done 【turn0search4】.", "Done."),
        ("Rain :contentReference[oaicite:0]{index=0}.", "Rain."),
        ("Rain [oai_citation:1‡met.ie](https://met.ie).", "Rain."),
        ("Rain[web:1][attached_file:2] here.", "Rain here."),
        ("水很深[citation:1][citation:3]。", "水很深。"),
        ("[cite_start]It is deep[cite: 4, 12-13]. [cite_start]Yes", "It is deep. Yes"),
        ("It is deep[^1^][^2^].", "It is deep."),
        ("It is deep[REF]0,1[/REF].", "It is deep."),
        ("Deep[^1_2].\n\n[^1_2]: https://example.org\n", "Deep.\n\n\n"),
        ('Deep <grok:render card_id="a"><argument name="id">1</argument></grok:render>.', "Deep."),
        ('<cite index="1-2">Bees dance</cite> to tell.', "Bees dance to tell."),
        ("Deep. <oai-mem-citation>x</oai-mem-citation>", "Deep."),
        ("![plot](sandbox:/mnt/data/a.png)\nDeep.", "\nDeep."),
        ("See [the sheet](sandbox:/mnt/data/a b.xlsx) now.", "See the sheet now."),
        ("Saved at sandbox:/mnt/data/plan.xlsx now", "Saved at plan.xlsx now"),
        (
            'Here:\n\n:::writing{variant="email" id="5"}\nDear Ana,\n:::\n\nWarmer?',
            "Here:\n\nDear Ana,\n\nWarmer?",
        ),
        (":::writing{id=1}\n:::contextList{}\nA\n:::\nB\n:::\nC", "A\nB\nC"),
        ("::contextList{items=2}\nWords", "Words"),
        (":::writing{id=1}\nNever closed", "Never closed"),
        (f"It is four.\n{FENCED.format(DEVICE)}Sure?", "It is four.\nSure?"),
        (f"A\n{FENCED.format(MOBILE.format(chr(39)))}B", "A\nB"),
        (f"A\n{MOBILE.format(chr(0x2019))}\nB", "A\nB"),
        (
            'Here.\n\n<antArtifact identifier="b" type="text/markdown" title="B">\n# Bees\n'
            "</antArtifact>\n\nOk?",
            "Here.\n\n# Bees\n\nOk?",
        ),
        (
            '<xaiArtifact artifact_id="1" title="a.py" contentType="text/python">\nimport os\n',
            "```python\nimport os\n```",
        ),
    ],
)
def test_marks_are_taken_out_and_words_stay(text: str, left: str) -> None:
    found = taken(text)
    assert found.text == left
    assert taken(left).text == left
    assert not list(marks_in(left))


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize(
    "text",
    [
        "【注意】请看【1】，见【第三章†】",
        "Icons: \ue203 git, \ue204 tag, \ue0b0 line; \uf8ff",
        "export PS1='\ue200 \ue0b0'",
        "Use `re.sub(r'【\\d+†source】', '', text)`.",
        "```python\nMARK = '[citation:1] turn0search1 <antArtifact>'\n```",
        'A mark such as "【12†source】" or “[cite: 1]” is a citation.',
        f"The app says “{DEVICE}” on a phone, and {DEVICE}",
        ":::note\nA container of Docusaurus.\n:::\n\n::youtube{id=1}",
        "```md\n:::writing{id=1}\nx\n:::\n```",
        "In turn1player2 or (turn3black1)",
        "We turn 0 degrees; return turn2; see [^1] and [1][2] and a[citation needed].",
        f"```python\ns = '{B}cite{S}turn0search1{E}'\n```",
        "Use [REF]name[/REF] for a name, and <immersive-reader>.",
        "A <cite>book</cite>, <immersiveness>, sandbox: a place to play",
        "https://lh3.googleusercontent.com/a/b.png",
        "std::vector<int>::iterator, Context::contextList{};",
    ],
)
def test_what_only_looks_like_a_mark_stays(text: str, role: str) -> None:
    assert taken(text, "user" if role == "user" else "assistant").text == text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Why does it write 【12†source】 behind sentences?", "【12†source】 cites a file."),
        ("What is 【12†source】?", "It is 【12†source】."),
        ("Write XML with a tag antArtifact.", '<antArtifact identifier="a">x</antArtifact>'),
        ("What is a sandbox link?", "A link such as sandbox:/mnt/data/a.csv points to a file."),
        ("What does `turn0search1` mean?", "turn0search1 is the second result."),
    ],
)
def test_who_asks_for_a_mark_is_answered_with_it(question: str, answer: str) -> None:
    asked = taken(question, "user")
    assert asked.text == question
    assert taken(answer, "assistant", asked.spoken).text == answer


def test_what_a_person_pasted_is_cleaned() -> None:
    assert taken("You said: rain【12†source】. More?", "user").text == "You said: rain. More?"


@pytest.mark.parametrize(
    ("text", "is_hollow"),
    [
        (f"Here is the page.\n{FENCED.format(MOBILE.format(chr(39)))}", True),
        (f"I'll write it.\n{FENCED.format(DEVICE)}", True),
        # A search or a thought, after which the answer follows.
        (f"{FENCED.format(DEVICE)}\nThe answer is 4.", False),
        ("Done: [Download](sandbox:/mnt/data/a.xlsx)", True),
        ("It costs four lei. " * 30 + "[Download](sandbox:/mnt/data/a.xlsx)", False),
        ("Words. " * 90 + "http://googleusercontent.com/immersive_entry_chip/0", True),
        ('I made it: <antArtifact identifier="a"/>', True),
        ("The answer is 4【1†a】.", False),
    ],
)
def test_an_answer_is_hollow_whose_content_went_elsewhere(text: str, is_hollow: bool) -> None:
    assert hollow(taken(text)) is is_hollow


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Rain is due[1][2]. Sun [3] later.", "Rain is due. Sun later."),
        ("Take `a[1]` or [2](https://example.org) or [9].", None),
        ("[1]: https://example.org", None),
        ("Rain[4].", None),
    ],
)
def test_numbers_are_marks_where_there_are_sources(text: str, left: str | None) -> None:
    assert without_numbers(text, 3) == (left or text)
    assert without_numbers(text, 0) == text


def test_code_of_a_document_stands_in_a_fence() -> None:
    assert as_block("x = 1", "code/python") == "```python\nx = 1\n```"
    assert as_block("x", "application/vnd.ant.code", "rust") == "```rust\nx\n```"
    assert as_block("# T", "text/markdown") == as_block("# T", "document") == "# T"


@given(
    st.text(alphabet=st.sampled_from("\ue200\ue201\ue202\ue203\ue204cite turn0sarh1【†】[]`:\n"))
)
def test_any_text_is_taken_twice_as_once(text: str) -> None:
    once = taken(text, "user")
    assert taken(once.text, "user").text == once.text or once.spoken
