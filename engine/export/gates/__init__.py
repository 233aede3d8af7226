"""What an export has to prove before its files get their names: docs/gates.md has each gate."""

from engine.export.gates.model import GATES, Gate, GateInput, refuse
from engine.export.gates.run import run_gates

__all__ = ["GATES", "Gate", "GateInput", "refuse", "run_gates"]
