"""Pointing a person's own configuration file at an export: one value changes, nothing else."""

from engine.export.pointing.point import Pointed, check, point

__all__ = ["Pointed", "check", "point"]
