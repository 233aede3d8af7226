"""The headless front end: one module a group of verbs, each calling the stage's own function."""
