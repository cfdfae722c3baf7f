"""How TFX's ModelBlessing says whether a model is blessed.

TFX has the same names in `tfx.components`, which imports every component of TFX: a gate that decides in a second would
wait for that longer than it works. A test holds the names equal to TFX's.
"""

# Custom properties of the artifact.
BLESSED = "blessed"
CURRENT_MODEL, CURRENT_MODEL_ID = "current_model", "current_model_id"
# Empty files in it.
BLESSED_FILE, NOT_BLESSED_FILE = "BLESSED", "NOT_BLESSED"
