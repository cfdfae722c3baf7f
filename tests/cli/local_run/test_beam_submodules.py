"""Submodules that are kept are those that cloudpickle finds."""

from __future__ import annotations

import concurrent.futures
import json
import os
import sys
import types
import xml.etree.ElementTree
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import pytest
from cloudpickle import cloudpickle_fast

from limbeck.cli.local_run.beam_submodules import remembered


def pool() -> Any:
    return concurrent.futures.ThreadPoolExecutor


def tree() -> Any:
    return xml.etree.ElementTree.Element, json.decoder.JSONDecoder


def nothing() -> int:
    return os.getpid()


def found(function: Callable[..., Any], *values: Any) -> list[types.ModuleType]:
    modules: list[types.ModuleType] = cloudpickle_fast._find_imported_submodules(function.__code__, values)
    return modules


PACKAGES = (concurrent, xml, json, beam, os, "text", None)


@pytest.mark.parametrize("function", [pool, tree, nothing])
def test_they_are_those_that_cloudpickle_finds(function: Callable[..., Any]):
    expected = found(function, *PACKAGES)
    assert bool(expected) == (function is not nothing)
    with remembered():
        for _ in range(2):
            assert found(function, *PACKAGES) == expected


def test_a_submodule_that_is_imported_later_is_found(monkeypatch: pytest.MonkeyPatch):
    late = types.ModuleType("concurrent.ThreadPoolExecutor")
    with remembered():
        assert late not in found(pool, concurrent)
        monkeypatch.setitem(sys.modules, late.__name__, late)
        assert late in found(pool, concurrent)
        monkeypatch.delitem(sys.modules, late.__name__)
        assert late not in found(pool, concurrent)


def test_a_function_is_pickled_to_the_same_bytes_and_cloudpickle_is_as_before():
    stock = cloudpickle_fast._find_imported_submodules
    # A function of this module would be pickled by its name.
    function = types.FunctionType(pool.__code__, {"concurrent": concurrent, "__name__": "__main__"}, "pool")
    expected = cloudpickle_fast.dumps(function)
    with remembered():
        assert cloudpickle_fast._find_imported_submodules is not stock
        assert cloudpickle_fast.dumps(function) == expected
    assert cloudpickle_fast._find_imported_submodules is stock
