"""The child that merges: ``python -m engine.export.merge BASE OUT [--adapter DIR]``.

Without an adapter it writes the base with plain weights, which one stored in 4 bits has not.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.errors import FinetuiError
from engine.export.full import no_room
from engine.export.steps import say_failure

# Read when numpy and torch are loaded. Blocks of a tensor are what is computed at the same time;
# and where peft has to merge, it does so in the machine's memory, since a GPU may be in use.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "",
    "ROCR_VISIBLE_DEVICES": "",
}


def main(arguments: list[str] | None = None) -> int:
    """Merge, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--adapter", type=Path, default=None)
    parser.add_argument("--template", type=Path, default=None, help="for a base without its own")
    parser.add_argument(
        "--trained-on",
        type=Path,
        default=None,
        help="the packed base of which BASE is the original",
    )
    parser.add_argument("--halves", action="store_true", help="layers as float16, to convert them")
    parser.add_argument("--passing", action="store_true", help="do not flush it to the disk")
    options = parser.parse_args(arguments)
    os.environ.update(_ENVIRONMENT)
    from engine.export.merge.merging import merge

    try:
        merge(
            options.base,
            options.out,
            adapter=options.adapter,
            template=options.template,
            trained_on=options.trained_on,
            halves=options.halves,
            durable=not options.passing,
        )
    except FinetuiError as error:
        say_failure(error)
        return 1
    except OSError as error:
        if (full := no_room(error, "during the merge")) is None:
            raise
        say_failure(full)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
