"""finetui's terminal app. It shows the engine's stages; it contains none of them."""
