"""A bare llama.cpp server in a process of its own.

``child.py GGUF SOCKET CONTEXT SLOTS ALIAS [vectors]``; its key is the first line that it is given.
"""

from __future__ import annotations

import sys

import xllamacpp


def main(gguf: str, socket: str, context: int, slots: int, alias: str, vectors: bool) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = gguf
    parameters.hostnames = [socket]
    parameters.api_keys = [sys.stdin.readline().strip()]
    parameters.model_alias = {alias}
    parameters.n_ctx = context * slots
    parameters.n_parallel = slots
    parameters.n_threads_http = slots + 16
    parameters.n_gpu_layers = 0
    parameters.warmup = False
    parameters.no_extra_bufts = True
    parameters.fit_params = False
    parameters.ui = False
    parameters.endpoint_slots = True  # so that a test sees which are free
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    if vectors:
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    print("ready", flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    _, gguf, socket, context, slots, alias, *more = sys.argv
    main(gguf, socket, int(context), int(slots), alias, bool(more))
