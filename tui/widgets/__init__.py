"""Widgets that more than one screen uses. None of them reads the store or knows the app."""
