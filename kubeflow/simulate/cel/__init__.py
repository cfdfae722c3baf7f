"""The part of the Common Expression Language that conditions of pipelines use.

KFP evaluates `triggerPolicy.condition` over the executor input. Two of its rules matter for pipelines: a missing key is
an error, not false; and a number never equals a bool.
"""
