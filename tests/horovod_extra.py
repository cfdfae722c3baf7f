"""Whether the extra `horovod` is there to test with. Building it takes minutes."""

from __future__ import annotations

import pytest

from limbeck.strategies.horovod import Horovod

needs_horovod = pytest.mark.skipif(
    not Horovod().is_installed, reason="Horovod is not installed: `make install-horovod` builds it"
)
