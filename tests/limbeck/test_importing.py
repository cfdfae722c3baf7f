"""What is imported for good is passed over by the garbage collector, and nothing else is."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, because nothing is ever given back to the collector.
PROGRAM = """
import gc
import weakref
from limbeck import importing

class Ring:
    def __init__(self):
        self.itself = self

with importing.for_good():
    assert not gc.isenabled()
    kept = weakref.ref(Ring())
assert gc.isenabled()
later = weakref.ref(Ring())
gc.collect()
assert kept() is not None and later() is None

gc.disable()
with importing.for_good():
    pass
assert not gc.isenabled()

gc.enable()
try:
    with importing.for_good():
        raise ImportError
except ImportError:
    assert gc.isenabled()
print("as told")
"""


def test_the_collector_passes_over_what_was_made_then_and_is_as_before():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout == "as told\n", done.stderr
