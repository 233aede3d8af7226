"""Words that are known whole, by their beginning or by their ending."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Folded words, some known by their beginning ("j'*") or ending ("*avo") alone."""

    exact: frozenset[str] = frozenset()
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    def __contains__(self, word: str) -> bool:
        if word in self.exact:
            return True
        if self.begins and word.startswith(self.begins) and word not in self.begins:
            return True
        return bool(self.ends) and word.endswith(self.ends) and word not in self.ends
