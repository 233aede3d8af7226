"""Synthetic data: questions and answers made of templates with slots and choices."""

from __future__ import annotations

from engine.sources.synthetic.reader import SyntheticReader, look
from engine.sources.synthetic.shipped import shipped, shipped_names, write_template

__all__ = ["SyntheticReader", "look", "shipped", "shipped_names", "write_template"]
