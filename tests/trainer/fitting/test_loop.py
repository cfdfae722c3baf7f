"""Compares the loop with softmax regression in float64 NumPy, on the same batches."""

import time

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TaskError, TrainingFailedError
from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.input_pipeline import PerReplicaPipeline
from limbeck.trainer.data.order import Order
from limbeck.trainer.distillation.losses import mean_part
from limbeck.trainer.fitting.differentiation import WholeModel
from limbeck.trainer.fitting.evaluation import Evaluation
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.hooks import Hooks, Validation
from limbeck.trainer.fitting.loop import fit
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.process.preemption import PreemptedError
from tests.trainer import packed

COUNT, CLASSES = 43, 4
# 129 positions in 17 steps: the last batch holds one example.
ORDER = Order(COUNT, 8, epochs=3, seed=1)
RATE = 0.05


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed.pack_all(tmp_path_factory.mktemp("loop") / "packed", packed.examples(COUNT, CLASSES))


@pytest.fixture
def strategy():
    return tf.distribute.OneDeviceStrategy("/cpu:0")


def loss(logits, targets, counts):
    return mean_part(packed.OBJECTIVE.hard_loss(logits, targets["label"]), counts.labelled)


def dataset(folder, start=0):
    def split(features, counts, seeds):
        return {"x": features["x"]}, {"label": features["label"]}, counts

    return batches(folder, ORDER, (0,), 1, packed.SPEC, start=start).map(split)


def inputs(strategy, folder, start=0):
    return PerReplicaPipeline(strategy, lambda context: dataset(folder, start))


def built(strategy, optimizer):
    tf_keras.utils.set_random_seed(3)
    with strategy.scope():
        x = tf_keras.Input([packed.WIDTH], name="x")
        model = tf_keras.Model({"x": x}, tf_keras.layers.Dense(CLASSES, bias_initializer="ones")(x))
        return model, {"sgd": tf_keras.optimizers.SGD, "adam": tf_keras.optimizers.Adam}[optimizer](RATE)


class InGroups:
    """A step that does three at once, and notes how many it was given."""

    together = 3

    def __init__(self, step):
        self.step, self.given = step, []

    def run_together(self, batches):
        self.given.append(len(batches))
        return [self.step.run(*batch) for batch in zip(batches)]


def trained(strategy, folder, optimizer, clip_norm=None, around=lambda step: step, **options):
    """Returns the initial weights, the final weights, the result of `fit`, and its reports."""
    model, update = built(strategy, optimizer)
    initial, reports = model.get_weights(), []
    fitted = fit(
        around(GradientStep(strategy, model, update, WholeModel(model, loss), clip_norm)),
        inputs(strategy, folder),
        steps=ORDER.steps,
        hooks=Hooks(report=reports.append),
        **options,
    )
    return initial, model.get_weights(), fitted, reports


class Sgd:
    def __call__(self, gradient):
        return RATE * gradient


class Adam:
    """Adam of Kingma and Ba (2015), with epsilon at Keras' place."""

    def __init__(self):
        self.first, self.second, self.steps = 0.0, 0.0, 0

    def __call__(self, gradient):
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        # Keras computes these in float32, in which 1 - 0.999 has only four digits.
        first_bias, second_bias = (1 - np.float32(beta) ** np.float32(self.steps) for beta in (0.9, 0.999))
        rate = RATE * np.sqrt(second_bias, dtype=float) / first_bias
        return rate * self.first / (np.sqrt(self.second) + 1e-7)


def reference(initial, folder, update, clip_norm=np.inf):
    """Returns the final weights, and the loss and the gradient norm of each step."""
    parameters = [values.astype(float) for values in initial]
    updates, losses, norms = [update() for _ in parameters], [], []
    for inputs, targets, _ in dataset(folder).as_numpy_iterator():
        known = targets["label"] != -1
        x, labels = inputs["x"][known].astype(float), targets["label"][known]
        logits = x @ parameters[0] + parameters[1]
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        count = max(len(labels), 1)
        losses.append(-np.log(probabilities[np.arange(len(labels)), labels]).sum() / count)
        error = (probabilities - np.eye(CLASSES)[labels]) / count
        gradients = [x.T @ error, error.sum(axis=0)]
        norms.append(np.sqrt(sum((gradient**2).sum() for gradient in gradients)))
        gradients = [gradient * min(1, clip_norm / max(norms[-1], 1e-30)) for gradient in gradients]
        parameters = [
            values - change(gradient)
            for values, gradient, change in zip(parameters, gradients, updates, strict=True)
        ]
    return parameters, losses, norms


@pytest.mark.parametrize(("optimizer", "update"), [("sgd", Sgd), ("adam", Adam)])
@pytest.mark.parametrize("clip_norm", [None, 0.7])
def test_fit_equals_a_loop_written_by_hand(strategy, folder, optimizer, update, clip_norm):
    initial, final, fitted, _ = trained(strategy, folder, optimizer, steps_per_call=1, clip_norm=clip_norm)
    expected, losses, norms = reference(initial, folder, update, clip_norm or np.inf)
    assert max(np.abs(a - b).max() for a, b in zip(initial, final, strict=True)) > 0.05, "nothing was learnt"
    assert min(norms) < 0.7 < max(norms), "it was always clipped, or never"
    for values, wanted in zip(final, expected, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([point.loss for point in fitted.curve], losses, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose([point.gradient_norm for point in fitted.curve], norms, rtol=1e-4, atol=1e-6)
    assert {point.learning_rate for point in fitted.curve} == {np.float32(RATE)}
    assert (fitted.steps, fitted.examples) == (17, 129)
    assert fitted.seconds > 0


def test_steps_that_are_done_together_are_told_as_if_one_by_one(strategy, folder):
    """Seven steps a call are two groups of three, and one alone."""
    steps = []
    _, plain, single, reports = trained(strategy, folder, "adam", steps_per_call=7)
    _, grouped, several, told = trained(
        strategy, folder, "adam", steps_per_call=7, around=lambda step: steps.append(InGroups(step)) or steps[0]
    )
    assert set(steps[0].given) == {1, 3}
    for one, other in zip(plain, grouped, strict=True):
        np.testing.assert_array_equal(one, other)
    assert told == reports and (several.steps, several.examples) == (single.steps, single.examples)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_per_call_change_nothing_but_the_reports(strategy, folder, optimizer):
    _, one_by_one, single, _ = trained(strategy, folder, optimizer, steps_per_call=1)
    _, in_sevens, several, reports = trained(strategy, folder, optimizer, steps_per_call=7)
    for one, other in zip(one_by_one, in_sevens, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [(point.step, point.steps) for point in several.curve] == [(7, 17), (14, 17), (17, 17)]
    assert tuple(reports) == several.curve
    losses = [point.loss for point in single.curve]
    means = [np.mean(losses[:7]), np.mean(losses[7:14]), np.mean(losses[14:])]
    np.testing.assert_allclose([point.loss for point in several.curve], means, rtol=1e-5)
    assert several.examples == single.examples


def run(strategy, folder, *, start=Fitted(), model=None, optimizer=None, **options):  # noqa: B008
    """Trains from `start` on. Returns the result of `fit` and the model."""
    if model is None:
        model, optimizer = built(strategy, "sgd")
    step = GradientStep(strategy, model, optimizer, WholeModel(model, loss))
    fitted = fit(step, inputs(strategy, folder, start.steps), steps=ORDER.steps, start=start, **options)
    return fitted, model


def broken_at(step, value, gradient=0.0):
    """Returns a loss to which, at one step, `value` is added, and to its gradient `gradient`."""

    def broken(logits, targets, counts):
        now = tf.reduce_all(tf.equal(targets["step"], step))
        poison = tf.where(now, gradient, 0.0) * tf.cast(tf.reduce_sum(logits), tf.float32)
        return loss(logits, targets, counts) + tf.where(now, value, 0.0) + poison - tf.stop_gradient(poison)

    return broken


def stepped(folder):
    """Returns the batches. Among their targets is the number of their step, from 1."""
    return dataset(folder).enumerate(1).map(lambda step, batch: (batch[0], batch[1] | {"step": step}, batch[2]))


@pytest.mark.parametrize("step", [1, 5, 8, 17])
@pytest.mark.parametrize(("poison", "told"), [
    ((float("nan"), 0.0), r"the loss is nan, the gradient norm \d"),
    ((float("inf"), 0.0), r"the loss is inf, the gradient norm \d"),
    ((0.0, 1e30), r"the loss is [\d.]+, the gradient norm inf"),
])  # fmt: skip
def test_training_that_breaks_down_ends_and_names_the_exact_step(strategy, folder, step, poison, told):
    model, optimizer = built(strategy, "sgd")
    reports, saved = [], []
    with pytest.raises(
        TrainingFailedError, match=rf"broke down at step {step} of 17: {told}.*, the learning rate 0\.05\. Lower"
    ):
        fit(
            GradientStep(strategy, model, optimizer, WholeModel(model, broken_at(step, *poison))),
            PerReplicaPipeline(strategy, lambda context: stepped(folder)),
            steps=ORDER.steps,
            hooks=Hooks(report=reports.append, save=saved.append, save_every=1000),
            steps_per_call=5,
        )
    assert [progress.step for progress in reports] == [done for done in (5, 10, 15) if done < step]
    assert not saved


@pytest.mark.parametrize(("save_every", "steps_per_call"), [(4, 3), (4, 20), (5, 5), (100, 6)])
def test_it_saves_at_every_multiple_and_at_the_end(strategy, folder, save_every, steps_per_call):
    plain, expected = run(strategy, folder, steps_per_call=steps_per_call)
    saved = []
    hooks = Hooks(save=saved.append, save_every=save_every)
    fitted, model = run(strategy, folder, hooks=hooks, steps_per_call=steps_per_call)
    assert [one.steps for one in saved] == [*range(save_every, ORDER.steps, save_every), ORDER.steps]
    assert saved[-1] == fitted
    assert [one.examples for one in saved] == [min(8 * one.steps, 129) for one in saved]
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert plain.examples == fitted.examples


@pytest.mark.parametrize("interrupted", [4, 8])
def test_training_resumes_from_a_save_bit_for_bit(strategy, folder, interrupted):
    whole, expected = run(strategy, folder, hooks=Hooks(save=lambda so_far: None, save_every=4), steps_per_call=3)
    model, optimizer = built(strategy, "sgd")

    class KilledError(Exception):
        pass

    kept = []

    def save(so_far):
        kept.append(so_far)
        if so_far.steps == interrupted:
            raise KilledError

    hooks = Hooks(save=save, save_every=4)
    with pytest.raises(KilledError):
        run(strategy, folder, model=model, optimizer=optimizer, hooks=hooks, steps_per_call=3)
    fitted, _ = run(
        strategy, folder, model=model, optimizer=optimizer, hooks=hooks, steps_per_call=3, start=kept[-1]
    )
    assert (fitted.steps, fitted.examples, fitted.curve) == (whole.steps, whole.examples, whole.curve)
    assert fitted.seconds > kept[0].seconds
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_that_is_done_does_nothing_more(strategy, folder):
    done, model = run(strategy, folder)
    before, saved = model.get_weights(), []
    again, _ = run(
        strategy, folder, model=model, optimizer=tf_keras.optimizers.SGD(1.0), start=done,
        hooks=Hooks(save=saved.append),
    )  # fmt: skip
    assert (again, saved) == (done, [])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize(("polls", "step"), [(1, 5), (2, 7), (4, 14), (5, 17)])
def test_a_request_to_end_is_followed_after_a_save(strategy, folder, polls, step):
    asked, saved = [], []

    def stop_requested():
        asked.append(True)
        return len(asked) == polls

    hooks = Hooks(save=saved.append, save_every=7, stop_requested=stop_requested)
    with pytest.raises(PreemptedError, match=f"at step {step} of 17"):
        run(strategy, folder, hooks=hooks, steps_per_call=5)
    assert [one.steps for one in saved] == [multiple for multiple in (7, 14) if multiple < step] + [step]


@pytest.mark.parametrize("patience", [1, 2])
def test_training_ends_early_when_the_rule_says_so(strategy, folder, patience):
    losses = [0.9, 0.8, 0.85, 0.7, 0.7, 0.75, 0.6]
    given_losses, saved = iter(losses), []
    validation = Validation(
        lambda: Evaluation(next(given_losses), {"accuracy": 0.5}, 10), lambda done: (done // 2 + 1) * 2, patience
    )
    hooks = Hooks(validation=validation, save=saved.append)
    fitted, _ = run(strategy, folder, hooks=hooks, steps_per_call=3)
    evaluations = {1: 3, 2: 6}[patience]
    assert [(point.step, point.validation.loss) for point in fitted.curve if point.validation] == [
        (2 * number, value) for number, value in enumerate(losses[:evaluations], start=1)
    ]
    assert fitted.steps == 2 * evaluations
    assert saved == [fitted], "it is saved at its end"
    again, _ = run(strategy, folder, hooks=hooks, start=fitted)
    assert again == fitted, "what was over goes on"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_validation_loss_of_nan_ends_the_training(strategy, folder, value):
    hooks = Hooks(validation=Validation(lambda: Evaluation(value, 0.5, 10), ORDER.next_epoch_end, 1))
    with pytest.raises(TrainingFailedError, match=f"on the validation split is {value} after step 6"):
        run(strategy, folder, hooks=hooks)


def test_a_model_with_nothing_to_train_is_the_users_error(strategy, folder):
    model, optimizer = built(strategy, "sgd")
    model.trainable = False
    with pytest.raises(TaskError, match="nothing to train"):
        run(strategy, folder, model=model, optimizer=optimizer)


SLEEP_SECONDS = 0.3


def sleeping(value, when=True):
    """Returns a tensor that is there later than it might be."""
    slept = tf.numpy_function(lambda late: time.sleep(SLEEP_SECONDS * late), [tf.cast(when, tf.float64)], [])
    with tf.control_dependencies([slept]):
        return tf.identity(value)


class Slow:
    """A step that computes for longer than it needs to."""

    def __init__(self, step):
        self.step = step

    def run(self, batch):
        inputs, *others = batch
        return self.step.run(({"x": sleeping(inputs["x"])}, *others))


@pytest.mark.parametrize("what", ["batch", "step"])
def test_the_devices_time_is_told_apart(strategy, folder, what):
    """Only lower ends and the sum are certain on a machine with other work."""
    model, update = built(strategy, "sgd")
    step = GradientStep(strategy, model, update, WholeModel(model, loss))

    def source(_):
        def late(number, given):
            features, targets, counts = given
            return {"x": sleeping(features["x"], number == 2)}, targets, counts

        return dataset(folder).enumerate().map(late) if what == "batch" else dataset(folder)

    fitted = fit(Slow(step) if what == "step" else step, PerReplicaPipeline(strategy, source), steps=4)
    device = fitted.device
    assert device.computing > 0 and device.waiting > 0
    assert device.computing + device.waiting < fitted.seconds
    if what == "batch":
        assert device.waiting > SLEEP_SECONDS - device.computing
    else:
        assert device.computing > 4 * SLEEP_SECONDS
