"""The store: a workspace's database, behind typed methods.

:class:`Store` is the only class that other stages use. All SQL of finetui is in
this package; what crosses its border are the frozen values of ``engine.models``.
"""

from __future__ import annotations

from engine.store.facade import Store

__all__ = ["Store"]
