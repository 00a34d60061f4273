"""One thread a process, set before torch is imported: several that share few cores mostly wait for each other."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
