"""The engine that answers now, and every change of it."""
