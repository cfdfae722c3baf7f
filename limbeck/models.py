"""What the models of a run are called: in predictions, measurements, findings and the report."""

TEACHER = "teacher"
STUDENT = "student"
# The controls: the same student, trained as long, from the same initial weights, on other targets.
HARD_LABELS = "student_hard_labels"
PSEUDO_LABELS = "student_pseudo_labels"
CONTROLS = (HARD_LABELS, PSEUDO_LABELS)
MODELS = (TEACHER, STUDENT, *CONTROLS)
