"""The languages task with a student that begins with weights of its own: `--task benchmarks/languages/from_scratch.py`.

All else is the same. So the difference to the task itself is what the teacher's blocks are worth as a beginning.
"""

from __future__ import annotations

import dataclasses

from limbeck.tasks import languages

TASK = dataclasses.replace(languages.TASK, name="languages-from-scratch", initialise_student=None)
