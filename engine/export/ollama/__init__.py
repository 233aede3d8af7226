"""What Ollama is given of an exported model: the Modelfile, and the way into a running server."""
