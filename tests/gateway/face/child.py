"""A bare llama.cpp server in a process of its own: ``child.py GGUF SOCKET CONTEXT SLOTS ALIAS``."""

from __future__ import annotations

import sys

import xllamacpp


def main(gguf: str, socket: str, context: int, slots: int, alias: str) -> None:
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
    server = xllamacpp.Server(parameters)
    print("ready", flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
