"""Read a data set of the hub and print what it gives: ``python -m … ADDRESS [NAME=VALUE…]``.

Runs as a child, because the hub's library takes its address and whether it is offline
from the environment when it is imported.
"""

from __future__ import annotations

import json
import sys

from engine.errors import FinetuiError
from engine.models import Skipped
from engine.sources import Reading, Refused, reader_of


def main(address: str, options: dict[str, str]) -> dict[str, object]:
    reader = reader_of("instructions")
    skipped: list[Skipped] = []
    reading = Reading("s", options, skipped.append)
    documents: list[object] = []
    items: list[tuple[str, int, int, str]] = []
    try:
        for item in reader.items(address, reading):
            items.append((item.name, item.size, item.mtime_ns, item.digest()))
            try:
                for document in reader.read(item, reading):
                    said = [(turn.role, turn.content) for turn in document.turns]
                    documents.append((document.path, said, dict(document.metadata)))
            except Refused as refused:
                reading.skip(item.name, 0, refused.code, refused.reason)
    except FinetuiError as error:
        return {"error": error.as_dict()}
    return {
        "items": items,
        "documents": documents,
        "skipped": [(skip.path, skip.code, skip.reason) for skip in skipped],
    }


if __name__ == "__main__":
    pairs = dict(argument.split("=", 1) for argument in sys.argv[2:])
    print(json.dumps(main(sys.argv[1], pairs)))
