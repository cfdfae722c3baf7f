"""How TFX's ModelBlessing says whether a model is blessed.

TFX has the same names in `tfx.components`, which imports every component of TFX. This import would take longer than the
work of the gate. A test checks that the names equal those of TFX.
"""

# Custom properties of the artifact.
BLESSED = "blessed"
CURRENT_MODEL, CURRENT_MODEL_ID = "current_model", "current_model_id"
# Empty files in it.
BLESSED_FILE, NOT_BLESSED_FILE = "BLESSED", "NOT_BLESSED"
