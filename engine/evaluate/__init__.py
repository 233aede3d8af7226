"""Evaluation: base against tuned, asked the same, judged blind, and counted."""
