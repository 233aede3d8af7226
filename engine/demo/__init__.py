"""The demo stage: bundled sources, and the whole loop on them."""

from __future__ import annotations

from engine.demo.bundle import data_dir, prepare

__all__ = ["data_dir", "prepare"]
