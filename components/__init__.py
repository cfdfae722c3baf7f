"""TFX components: they read and write artifacts, and contain no mathematics and no training loops."""
