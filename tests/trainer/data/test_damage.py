"""What is found while examples are read reaches whoever trains, and replaces nothing that says its own cause."""

import pytest
import tensorflow as tf

from limbeck.errors import DamagedDataError, PassingFaultError, TaskError
from limbeck.trainer.data import damage
from limbeck.trainer.process.preemption import PreemptedError


def read(error):
    """Reads by tf.data what cannot be read; TensorFlow makes an error of its own of it."""

    def look_up(_number):
        with damage.noting(DamagedDataError, PassingFaultError):
            raise error

    numbers = tf.data.Dataset.range(1).map(lambda number: tf.numpy_function(look_up, [number], tf.int64))
    next(iter(numbers))


@pytest.mark.parametrize("error", [DamagedDataError("row 7 is damaged"), PassingFaultError("a copy is damaged")])
def test_the_error_itself_is_raised_and_not_the_one_of_tensorflow(error):
    with pytest.raises(tf.errors.UnknownError):
        read(error)
    with pytest.raises(type(error)) as caught, damage.told():
        read(error)
    assert caught.value is error


def test_other_errors_of_reading_are_left_alone():
    with pytest.raises(tf.errors.UnknownError), damage.told():
        read(RuntimeError("another"))


def test_what_was_found_before_is_forgotten():
    with pytest.raises(tf.errors.UnknownError):
        read(DamagedDataError("of an earlier training"))
    with pytest.raises(ZeroDivisionError), damage.told():
        _ = 1 / 0


@pytest.mark.parametrize("error", [PreemptedError("asked to end"), TaskError("the task's own")])
def test_an_error_that_says_its_cause_passes_also_where_damage_was_read_ahead(error):
    with pytest.raises(type(error), match=str(error)), damage.told():
        with pytest.raises(tf.errors.UnknownError):
            read(DamagedDataError("of a later step"))
        raise error
