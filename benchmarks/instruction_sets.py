"""All contestants of a benchmark kept to fewer instructions than the processor has, to see what a smaller one does."""

from __future__ import annotations

import os
import sys

# What each library reads when it is loaded. onnxruntime has nothing of the kind: its kernels choose by themselves.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "",
}
XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
FREE = ("our export in onnxruntime",)


def start_restricted(isa: str, module: str) -> None:
    """Start `python -m module` again with its arguments in place of this process, where it is not kept to `isa`, native
    or avx2, yet: libraries look once, when they are loaded.
    """
    restricted = AVX2 | {"XLA_FLAGS": f"{XLA} --xla_cpu_max_isa=AVX2"}
    wanted = restricted if isa == "avx2" else {"XLA_FLAGS": XLA}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], os.environ | wanted)


def in_use() -> dict[str, str]:
    """The instructions that torch's and our own kernels are compiled for here, as they say themselves."""
    import torch

    from lambda_core.compiled import instructions

    return {"torch": torch.backends.cpu.get_cpu_capability(), "ours": instructions()}
