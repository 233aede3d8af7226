"""llama.cpp's own server: ``python -m engine.export.gates.server GGUF SOCKET CONTEXT``.

Runs as a child, since llama.cpp ends its process on some files. It listens on a Unix socket in a
folder that only its owner enters, asks for the key that the first line of its standard input has,
says "ready", and ends when that input does.
"""

from __future__ import annotations

import sys


def main(gguf: str, socket: str, context: int) -> None:
    """Serve until standard input ends."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = gguf
    parameters.hostnames = [socket]
    parameters.api_keys = [sys.stdin.readline().strip()]
    parameters.n_ctx = context
    parameters.n_parallel = 1
    parameters.n_gpu_layers = 0
    parameters.warmup = False
    parameters.no_extra_bufts = True  # no second copy of the weights for faster computing
    parameters.fit_params = False
    parameters.ui = False
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    print("ready", flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
