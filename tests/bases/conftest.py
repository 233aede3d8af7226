from __future__ import annotations

from tests.support.embedded import embedded_base_dir

__all__ = ["embedded_base_dir"]
