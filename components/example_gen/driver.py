"""ExampleGen's driver, which tells data apart by what they hold.

TFX's own takes number, size and time of the files. So data that were copied with their times (tar, rsync -a) and happen
to be as long were taken for those before and a stale student was served, while a mere `touch` trained everything again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tfx.components.example_gen import driver, input_processor
from tfx.proto import example_gen_pb2, range_config_pb2

from components.example_gen.files import matching, open_file

_PIECE_BYTES = 1 << 20


class ContentDriver(driver.FileBasedDriver):
    """Finds spans and versions as TFX's driver does; the fingerprint is of the content."""

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> input_processor.InputProcessor:
        """Called by TFX."""
        return _ContentProcessor(input_base_uri or "", list(splits), range_config)


class _ContentProcessor(input_processor.FileBasedInputProcessor):
    def __init__(
        self,
        base: str,
        splits: list[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None,
    ) -> None:
        super().__init__(base, splits, range_config)
        self._base, self._patterns = base, {split.name: split.pattern for split in splits}

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Called by TFX: a line a split, with the digest of names and contents of its files."""
        patterns = {
            name: self.get_pattern_for_span_version(pattern, span, version)
            for name, pattern in self._patterns.items()
        }
        return "\n".join(
            f"split:{name},sha256:{digest(self._base, one)}" for name, one in sorted(patterns.items())
        )


def digest(base: str, pattern: str) -> str:
    """SHA-256, in hexadecimal, of the files that a pattern means: of their names and contents.

    Args:
      base: folder or URI.
      pattern: relative to `base`.

    Raises:
      DataError: where there are no files, or one cannot be read.
    """
    total = hashlib.sha256()
    for path in matching(base, pattern):
        content = hashlib.sha256()
        with open_file(path) as file:
            while piece := file.read(_PIECE_BYTES):
                content.update(piece)
        total.update(f"{path.rpartition('/')[2]}\0{content.hexdigest()}\n".encode())
    return total.hexdigest()
