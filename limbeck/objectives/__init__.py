"""What a model learns and how it is judged, with one file for each kind of label.

A kind of label decides more than a loss: the shape of the label, what the model must end in, what is served, and which
figure the gate compares. If each part of the pipeline implemented its own share, a new kind of label would need an edit
of all parts. Here a kind is one class, a subclass of `objective.Objective`. `registry.objective_of` finds it for a
label.
"""
