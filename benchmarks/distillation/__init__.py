"""What does distillation pass on, and what do stored soft targets save?"""
