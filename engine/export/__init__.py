"""Export: a run's adapter merged into its base, as GGUF files that were seen to answer."""
