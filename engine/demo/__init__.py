"""The demo stage: bundled sources, and the whole loop on them."""

from __future__ import annotations

from engine.demo.bundle import add_bundled, data_dir, prepare

__all__ = ["add_bundled", "data_dir", "prepare"]
