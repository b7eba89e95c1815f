"""What the tests of the plug-ins have in common beside their fixtures. Brings the programs of the
end-to-end tests and the example engine within reach of import."""

import os
import sys
import time
from pathlib import Path

# Before numpy is imported: products this small only wait for each other's threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "examples" / "engine")]


def eventually(condition):
    """Waits until the condition holds, and fails when it never does."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
