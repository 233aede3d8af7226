"""How a server changes its engines."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.gateway.changing.room import Room


@dataclass(frozen=True, slots=True)
class Rules:
    """How engines are changed; times in seconds.

    Attributes:
        idle_s: How long a model may be unused before it is unloaded; 0 for ever.
        drain_s: How long an engine that is to end may take for the requests it has.
        stop_s: How long the end of the server may take for them.
        probe_s: How long the first answer may take.
        wait_s: The wait before an engine that ended is started again; it doubles each time.
        longest_wait_s: The longest such wait.
        settled_s: An engine that served so long begins anew with the shortest wait.
        tries: Loads in a row that may fail before the model is given up.
        look_s: How often idleness and loans are looked at.
        hung_s: How long an engine with requests may keep silent and compute nothing before it is
            ended and started again; see :mod:`engine.gateway.changing.pulse`.
        room: The memory that engines may take.
    """

    idle_s: float = 0.0
    drain_s: float = 120.0
    stop_s: float = 30.0
    probe_s: float = 120.0
    wait_s: float = 0.5
    longest_wait_s: float = 30.0
    settled_s: float = 60.0
    tries: int = 5
    look_s: float = 1.0
    hung_s: float = 20.0
    room: Room = field(default_factory=Room)

    def wait(self, failures: int) -> float:
        """Return the wait before an engine is started again after so many failures in a row."""
        if not failures:
            return 0.0
        # A float has no room for twice that often.
        return min(self.longest_wait_s, self.wait_s * 2.0 ** min(failures - 1, 64))
