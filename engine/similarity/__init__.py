"""Which examples say the same: embeddings and their cache, neighbours, clusters."""
