"""Dialogs: each returns what was chosen, and changes nothing by itself."""
