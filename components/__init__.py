"""TFX components: artifacts in, artifacts out. No mathematics and no training loops live here."""
