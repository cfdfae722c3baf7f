"""What a model learns and how it is judged, one file a kind of label.

A kind of label decides more than a loss: the shape of the label, what the model must end in, what is served, which
figure the gate compares. Where each part of the pipeline knows that for itself, another kind of label is an edit of
them all. Here a kind is one class, `objective.Objective`, and `registry.objective_of` finds that of a label.
"""
