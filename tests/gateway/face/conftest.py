"""An engine and a server that this folder's tests share; no test ends them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.face.serving import BareEngine, OneModel, Running, running
from tests.support.shared import made_once
from tests.support.tiny_gguf import write_model

# A chat's turns as they are, and tools in front, which the embedded base's template leaves out.
TEMPLATE = """\
{%- if tools %}<|im_start|>system
Call functions of these:
<tools>
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}</tools>
as:
<tool_call>
{"name": <name>, "arguments": <object>}
</tool_call><|im_end|>
{% endif %}{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% endif %}\
{% for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


@pytest.fixture(scope="package")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        folder.mkdir()
        write_model(folder / "tiny.gguf", context=4096, template=TEMPLATE)

    return made_once(tmp_path_factory, "gguf-of-the-face", make) / "tiny.gguf"


@pytest.fixture(scope="package")
def engine(gguf: Path) -> Iterator[BareEngine]:
    started = BareEngine(gguf, "tiny:f16")
    yield started
    started.kill()


@pytest.fixture(scope="package")
def server(engine: BareEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(OneModel([engine]), tmp_path_factory.mktemp("server")) as started:
        yield started
