"""TFX components: artifacts in, artifacts out. They hold no mathematics and no training loops."""
