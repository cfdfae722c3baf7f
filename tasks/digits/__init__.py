"""Handwritten digits: 1,797 images of 8x8 pixels, from scikit-learn.

The teachers learn from all training labels. The student sees 150 labels, and learns the other examples through its
teachers only. This is the case of a team with many examples and few labels for the small model.
"""

from limbeck import Feature, Label, Picture, Task
from limbeck.tasks.digits import data, models, preprocessing

TASK = Task(
    name="digits",
    features=(Feature("pixels", "number", shape=(64,)),),
    label=Label("digit", classes=tuple("0123456789"), visible_to_student="label_visible"),
    preprocessing_fn=preprocessing.preprocessing_fn,
    build_teacher=models.build_teacher,
    build_student=models.build_student,
    augment=preprocessing.shift_by_up_to_one_pixel,
    hints=(("hidden", "hidden"),),
    write_data=data.write,
    slices=(("digit",),),
    picture=Picture("image", rows=8, columns=8),
)
