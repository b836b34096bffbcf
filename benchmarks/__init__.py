"""Speed and memory, measured side by side: `python -m benchmarks [NAME …]`.

BLAS gets one thread: figures are per CPU second, and threads that wait for work spin.
"""

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # read when NumPy is first imported
