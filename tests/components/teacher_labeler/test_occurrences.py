"""Numbers of rows of equal content over several files, against a count of all of them in one place."""

from __future__ import annotations

import collections

from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.teacher_labeler.occurrences import Occurrences, first_numbers

IDS = st.sampled_from([b"a", b"b", b"cc", b"0123456789abcdef"])


@given(st.lists(st.lists(IDS, max_size=6), max_size=5))
def test_each_file_goes_on_where_those_before_it_ended(files: list[list[bytes]]):
    found = first_numbers([Occurrences.of(ids) for ids in files])
    assert len(found) == len(files)
    before: collections.Counter[bytes] = collections.Counter()
    for ids, first in zip(files, found, strict=True):
        assert first == {one: before[one] for one in set(ids) if before[one]}
        before.update(ids)


def test_contents_that_occur_once_are_not_named():
    files = [Occurrences.of([b"%d-%d" % (file, row) for row in range(1000)]) for file in range(3)]
    assert first_numbers(files) == [{}, {}, {}]
