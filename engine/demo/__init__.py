"""The demo stage: bundled sources, and the whole loop on them."""
