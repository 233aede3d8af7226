"""The server that other programs ask: one address, whatever model and engine stand behind it."""
