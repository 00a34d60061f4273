"""One thread a process, set before anything imports torch: several that share a few cores mostly wait for each other."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
