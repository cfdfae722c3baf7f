"""Looks into graphs."""


def above(operation):
    """Returns every operation that must run before this one."""
    found, pending = set(), [operation]
    while pending:
        one = pending.pop()
        for other in [tensor.op for tensor in one.inputs] + list(one.control_inputs):
            if other not in found:
                found.add(other)
                pending.append(other)
    return found
