"""Stylesheets of the terminal app, one a screen, shipped with the package."""
