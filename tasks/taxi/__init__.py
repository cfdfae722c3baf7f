"""Chicago taxi trips: is the tip more than a fifth of the fare? 15,002 rows with gaps, from the examples of tfx.

The teachers are deep and cross networks, the student is a small network for a machine without an accelerator. No tip is
recorded if a passenger pays cash, so the way of payment decides most of the label: docs/taxi.md says how to read that.
"""

from pathlib import Path

from limbeck import Label, Task
from limbeck.tasks.taxi import data, models, preprocessing

TASK = Task(
    name="taxi",
    features=preprocessing.TRIP.features,
    label=Label(data.LABEL, objective="binary"),
    preprocessing_fn=preprocessing.preprocessing_fn,
    build_teacher=models.build_teacher,
    build_student=models.build_student,
    write_data=data.write,
    slices=(("payment_type",), ("trip_start_hour",)),
    schema=Path(__file__).with_name("schema.pbtxt"),
)
