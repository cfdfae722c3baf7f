"""Requests that wait together are one call of the model, and get the answers that they would get alone."""

import asyncio
import threading

import numpy as np
import pytest

from limbeck.server.batching import Batches, Gatherer

NUMBERS = np.arange(40, dtype=np.float32).reshape(20, 2)


class Model:
    """Sums pairs. The first call goes on until it is let go; a call with a negative number fails."""

    def __init__(self):
        self.sizes, self.go_on = [], threading.Event()

    def __call__(self, arrays):
        first = not self.sizes
        self.sizes.append(len(arrays["x"]))
        if first:
            assert self.go_on.wait(60)
        if (arrays["x"] < 0).any():
            raise ValueError("a negative number")
        upper = np.array([text.upper() for text in arrays["text"]], object)
        return {"sum": arrays["x"].sum(axis=1), "upper": upper}


def request(place, rows=1):
    text = np.empty(rows, object)
    text[:] = [f"t{one}".encode() for one in range(place, place + rows)]
    return {"x": NUMBERS[place : place + rows], "text": text}


async def asked(model, requests, batches=None):
    """Asks for the first, and for the others while it is answered. Returns the answers and failures."""
    gatherer = Gatherer(model, batches or Batches(4, 0))
    tasks = [asyncio.create_task(gatherer(one)) for one in requests[:1]]
    while not model.sizes:
        await asyncio.sleep(0.001)
    tasks += [asyncio.create_task(gatherer(one)) for one in requests[1:]]
    await asyncio.sleep(0)
    model.go_on.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_what_arrives_during_a_call_is_the_next_one():
    model = Model()
    answers = asyncio.run(asked(model, [request(place) for place in range(8)]))
    assert model.sizes == [1, 4, 3]
    for place, answer in enumerate(answers):
        assert answer["sum"].tolist() == [NUMBERS[place].sum()]
        assert answer["upper"].tolist() == [f"T{place}".encode()]


def test_requests_of_several_examples_keep_their_rows_and_a_large_one_is_not_split():
    model, sizes = Model(), [1, 2, 2, 9, 1, 3]
    places = np.cumsum([0, *sizes])
    answers = asyncio.run(asked(model, [request(p, n) for p, n in zip(places, sizes, strict=False)]))
    assert model.sizes == [1, 4, 9, 4]
    for place, size, answer in zip(places, sizes, answers, strict=False):
        assert answer["sum"].tolist() == NUMBERS[place : place + size].sum(axis=1).tolist()


def test_a_wrong_request_fails_alone():
    model, wrong = Model(), request(2)
    wrong["x"] = -wrong["x"]
    answers = asyncio.run(asked(model, [request(0), request(1), wrong, request(3)]))
    assert model.sizes == [1, 3, 1, 1, 1]
    assert str(answers.pop(2)) == "a negative number"
    assert [answer["sum"].tolist() for answer in answers] == [[NUMBERS[place].sum()] for place in (0, 1, 3)]


def test_examples_of_other_sizes_are_another_call():
    model = Model()
    wide = {"x": np.ones([1, 5], np.float32), "text": np.array([b"wide"], object)}
    answers = asyncio.run(asked(model, [request(0), request(1), wide, request(2)]))
    assert model.sizes == [1, 1, 1, 1]
    assert answers[2]["sum"].tolist() == [5.0]


def test_a_request_waits_for_others_when_it_shall():
    """The wait is so long that the test ends only if the fourth request ends it."""
    model = Model()
    model.go_on.set()

    async def four():
        gatherer = Gatherer(model, Batches(4, 1e6))
        return await asyncio.gather(*[gatherer(request(place)) for place in range(4)])

    answers = asyncio.run(four())
    assert model.sizes == [4]
    assert [answer["sum"].tolist() for answer in answers] == [[NUMBERS[place].sum()] for place in range(4)]


def test_a_client_that_has_gone_stops_nobody():
    model = Model()

    async def run():
        gatherer = Gatherer(model, Batches(4, 0))
        first = asyncio.create_task(gatherer(request(0)))
        while not model.sizes:
            await asyncio.sleep(0.001)
        second, third = (asyncio.create_task(gatherer(request(place))) for place in (1, 2))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        model.go_on.set()
        return await third

    assert asyncio.run(run())["sum"].tolist() == [NUMBERS[2].sum()]


@pytest.mark.parametrize(("size", "milliseconds"), [(0, 0), (1, -1), (1, float("nan"))])
def test_batches_without_sense_are_refused(size, milliseconds):
    with pytest.raises(ValueError, match="at least 1 example and wait at least 0 ms"):
        Batches(size, milliseconds)
