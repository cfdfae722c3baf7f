"""The models of a run that compresses nothing."""

from limbeck.models import MODELS

TRAINED = tuple(name for name, model in MODELS.items() if not model.compressed)
