"""Knowledge distillation: the mathematics, apart from strategies, files and loops."""
