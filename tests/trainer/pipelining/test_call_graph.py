"""Cuts and joints of random graphs, against brute force: paths that are searched one by one."""

import random

import pytest

from limbeck.trainer.pipelining.call_graph import Call, CallGraph


def random_graph(seed):
    """A graph whose first call reads the input, 0; call i makes value i + 1, and nothing is made in vain."""
    draw = random.Random(seed)
    size = draw.randint(2, 9)
    takes = [{0}, *({draw.randint(max(1, i - 2), i) for _ in range(draw.randint(1, 2))} for i in range(1, size))]
    used = set().union(*takes)
    # The last call takes what nobody else takes.
    takes[-1] |= {value for value in range(1, size) if value not in used}
    calls = tuple(Call(frozenset(some), frozenset([i + 1])) for i, some in enumerate(takes))
    return CallGraph(frozenset([0]), calls, frozenset([size]))


def reaches_the_end(graph, without):
    """Whether a path leads from the input to the output around a value."""
    reached = {0} - {without}
    for call in graph.calls:
        if call.takes & reached:
            reached |= call.gives - {without}
    return bool(reached & graph.wanted)


@pytest.mark.parametrize("seed", range(200))
def test_a_joint_is_where_all_paths_meet(seed):
    graph = random_graph(seed)
    crossing = {next(iter(graph.crossing(position))) for position in graph.joints()}
    articulation = {value for value in range(1, len(graph.calls)) if not reaches_the_end(graph, value)}
    assert crossing == articulation


@pytest.mark.parametrize("seed", range(200))
def test_what_crosses_a_cut_is_all_that_the_rest_needs(seed):
    graph = random_graph(seed)
    for position in graph.cuts():
        there = graph.crossing(position) | graph.given
        for call in graph.calls[position:]:
            assert call.takes <= there
            there |= call.gives
        assert graph.wanted <= there
        needed = frozenset().union(*(call.takes for call in graph.calls[position:])) | graph.wanted
        assert graph.crossing(position) <= needed


def test_calls_that_share_a_variable_stay_together():
    chain = [Call(frozenset([i]), frozenset([i + 1]), frozenset([i % 4])) for i in range(6)]
    # Calls 0 and 4, and calls 1 and 5, share a variable.
    graph = CallGraph(frozenset([0]), tuple(chain), frozenset([6]))
    assert graph.cuts() == ()
    graph = CallGraph(frozenset([0]), tuple(chain[:4]), frozenset([4]))
    assert graph.cuts() == graph.joints() == (1, 2, 3)


def test_a_skip_is_carried_and_is_no_joint():
    """0 -> 1 -> 2 -> 3, and 1 is read again at the end: two values cross behind the second call."""
    calls = (
        Call(frozenset([0]), frozenset([1])),
        Call(frozenset([1]), frozenset([2])),
        Call(frozenset([2, 1]), frozenset([3])),
    )
    graph = CallGraph(frozenset([0]), calls, frozenset([3]))
    assert [set(graph.crossing(position)) for position in graph.cuts()] == [{1}, {1, 2}]
    assert graph.joints() == (1,)


def test_a_graph_out_of_order_is_refused():
    with pytest.raises(ValueError, match="not there yet"):
        CallGraph(frozenset([0]), (Call(frozenset([2]), frozenset([1])),), frozenset([1]))
    with pytest.raises(ValueError, match="no call makes"):
        CallGraph(frozenset([0]), (Call(frozenset([0]), frozenset([1])),), frozenset([2]))
