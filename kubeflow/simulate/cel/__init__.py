"""The part of the Common Expression Language that conditions of pipelines use.

KFP evaluates `triggerPolicy.condition` over the executor input. Two of its ways decide what a pipeline does: a key
that is missing is an error, not false; and a number never equals a bool.
"""
