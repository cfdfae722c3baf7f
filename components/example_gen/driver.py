"""Compares input data by content.

TFX's own driver compares the size and the modification time of files. So if data were only touched or copied,
everything runs again. And different data with the same size and time (unpacked by tar, copied by rsync -a) are not
noticed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Any

from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.proto import example_gen_pb2, range_config_pb2

from limbeck.components.example_gen.files import UnreachableError, matching, open_file
from limbeck.components.example_gen.object_stores import file_functions
from limbeck.errors import DataError
from limbeck.settings import trial

# The execution property with the place of further rows without a label.
UNLABELLED = "data_unlabelled"
_PIECE_BYTES = 1 << 20


class ContentDriver(FileBasedDriver):
    """Resolves spans as TFX does. The fingerprint of the input is a digest of its files' content."""

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> FileBasedInputProcessor:
        """Called by TFX."""
        file_functions()
        if trial.read(os.environ) is not None:
            # `check` reads little of large data, and caches nothing, so it needs no digest of all data.
            return FileBasedInputProcessor(input_base_uri, splits, range_config)
        return _ContentProcessor(input_base_uri, splits, range_config)

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Called by TFX. Adds a line for the unlabelled data to the fingerprint."""
        resolved = dict(super().resolve_exec_properties(exec_properties, pipeline_info, component_info))
        if (unlabelled := resolved.get(UNLABELLED)) and trial.read(os.environ) is None:
            resolved[utils.FINGERPRINT_PROPERTY_NAME] += f"\n{UNLABELLED},sha256:{files_digest(unlabelled, '')}"
        return resolved


class _ContentProcessor(FileBasedInputProcessor):
    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Called by TFX. Returns a line for each split."""
        return "\n".join(
            f"split:{split.name},sha256:"
            + files_digest(self._input_base_uri, self.get_pattern_for_span_version(split.pattern, span, version))
            for split in self._splits
        )


def files_digest(base: str, pattern: str) -> str:
    """Returns the SHA-256, in hexadecimal, of the content of the files that match a pattern below a folder.

    An empty pattern stands for the place itself, as in `limbeck.components.example_gen.files.matching`.

    Names and times of the files do not count. If there are no files, or if they cannot be read, returns the digest of
    an empty text. The executor then says what is wrong.
    """
    try:
        files = sorted(_digest_of(path) for path in matching(base, pattern))
    except UnreachableError:
        # The files may be readable in a moment. Then the digest of an empty text would be wrong.
        raise
    except DataError:
        files = []
    return hashlib.sha256("".join(files).encode()).hexdigest()


def _digest_of(path: str) -> str:
    total = hashlib.sha256()
    with open_file(path) as file:
        while piece := file.read(_PIECE_BYTES):
            total.update(piece)
    return total.hexdigest()
