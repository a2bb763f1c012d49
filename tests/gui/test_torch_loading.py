"""PyTorch is loaded beside the viewer without holding it up."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc, sys
collected = []
gc.callbacks.append(lambda phase, info: collected.append(info["generation"]))
from napari_medsynth.widgets.torch_loading import load_torch
assert "torch" not in sys.modules
collected.clear()
load_torch()
assert not collected, collected
assert gc.isenabled() and not gc.get_freeze_count()
assert float(sys.modules["torch"].ones(3).sum()) == 3
load_torch()
"""


def test_it_is_imported_without_a_collection_of_garbage_and_works():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
