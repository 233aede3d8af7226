"""Chroma databases: semantic caches, and questions and answers stored for search."""

from __future__ import annotations

from engine.sources.cache.reader import CacheReader

__all__ = ["CacheReader"]
