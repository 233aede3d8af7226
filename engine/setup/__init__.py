"""finetui's own installation, in parts: what is there, what is lacking, and how it gets there.

It runs before anything is installed, so it imports the standard library alone.
"""

from engine.setup.launch import fix, go_on, install_here, wait_for, want
from engine.setup.parts import CORE, NEEDS, PARTS, Part
from engine.setup.place import Place
from engine.setup.state import (
    FIX,
    Lacking,
    PartState,
    Setup,
    lacking,
    lacking_in,
    lasting,
    left_s,
    require,
    setup_state,
)

__all__ = [
    "CORE",
    "FIX",
    "NEEDS",
    "PARTS",
    "Lacking",
    "Part",
    "PartState",
    "Place",
    "Setup",
    "fix",
    "go_on",
    "install_here",
    "lacking",
    "lacking_in",
    "lasting",
    "left_s",
    "require",
    "setup_state",
    "wait_for",
    "want",
]
