"""The language of a sentence: 35,597 sentences in 85 languages, from django (`make install-languages`).

The sentences are those of django's translations. The teacher is a transformer that reads characters. The student has
every second block of it, and begins with their weights (docs/languages.md).
"""

from limbeck import Feature, Label, Task
from limbeck.tasks.languages import data, models, preprocessing

TASK = Task(
    name="languages",
    features=(Feature(data.TEXT, "text"),),
    label=Label(data.LANGUAGE, classes=data.LANGUAGES, kind="text"),
    preprocessing_fn=preprocessing.preprocessing_fn,
    build_teacher=models.build_teacher,
    build_student=models.build_student,
    initialise_student=models.initialise_student,
    hints=models.HINTS,
    metrics=models.metrics,
    write_data=data.write,
    slices=((data.LANGUAGE,),),
)
