"""The signatures of a version, and the choice of the one that a request is for."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping

from limbeck.server.tensors import Array, RequestError, TensorInfo, batch_of

Arrays = Mapping[str, Array]
DEFAULT, BY_FEATURES = "serving_default", "serving_tensors"


@dataclasses.dataclass(frozen=True)
class Signature:
    """One function of a SavedModel.

    Attributes:
      name: its name.
      inputs: what it takes.
      outputs: what it returns.
      call: arrays by name -> arrays by name, on the event loop, which it must not block.
      answered: called for each answered request of a client, with the signature and its inputs.
    """

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    call: Callable[[Arrays], Awaitable[dict[str, Array]]]
    answered: Callable[[Signature, Arrays], None] | None = None

    @property
    def names(self) -> set[str]:
        """The names of its inputs."""
        return {one.name for one in self.inputs}

    async def answer(self, values: Mapping[str, object]) -> dict[str, Array]:
        """Returns the outputs for the values of a request. Raises RequestError if they do not fit."""
        if set(values) != self.names:
            raise RequestError(
                f"the signature '{self.name}' takes {sorted(self.names)}; received {sorted(values)}"
            )
        arrays = {one.name: one.array(values[one.name]) for one in self.inputs}
        batch_of(arrays)
        outputs = await self.call(arrays)
        if self.answered is not None:
            await asyncio.to_thread(self.answered, self, arrays)
        return outputs


def choose(signatures: Mapping[str, Signature], given: Collection[str], asked: str | None) -> Signature:
    """Returns the signature that a request is for.

    Args:
      signatures: all signatures of a version, by name.
      given: the names of the inputs in the request.
      asked: the name of a signature in the request; None chooses by the names of the inputs.

    Raises:
      RequestError: if there is no such signature, or if none takes these inputs.
    """
    if asked is not None:
        if asked not in signatures:
            raise RequestError(f"there is no signature '{asked}': give one of {sorted(signatures)}")
        return signatures[asked]
    for name in (DEFAULT, BY_FEATURES):
        if name in signatures and signatures[name].names == set(given):
            return signatures[name]
    raise RequestError(f"the inputs must be {sorted(usual(signatures).names)}; received {sorted(given)}")


def usual(signatures: Mapping[str, Signature]) -> Signature:
    """Returns the signature that metadata describe: the one with a tensor for each feature, if there is one."""
    return signatures.get(BY_FEATURES) or signatures[DEFAULT]
