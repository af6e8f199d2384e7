import json
import math

import pytest
from support.runs import SCORES

from mnist_mlp.runs.metrics import Metrics

ALL = Metrics(
    data="mnist",
    test_accuracy=0.98,
    test_loss=0.07,
    test_calibration_error=0.01,
    val_accuracy=0.97,
    val_loss=0.08,
    best_epoch=3,
    epochs=5,
    parameters=7850,
    fit_seconds=2.5,
    seed=7,
    classes=["a", "ü"],
    temperature=1.2,
    threshold=0.4,
    warning="digits instead of mnist",
    others={"val_f1": 0.9},
)


def read(**changes: object) -> Metrics:
    return Metrics.from_json(json.dumps(SCORES | changes))


@pytest.mark.parametrize("metrics", [ALL, Metrics(**SCORES)])
def test_reads_what_it_writes(metrics):
    assert Metrics.from_json(metrics.to_json()) == metrics


def test_a_warning_is_written_only_where_there_is_one():
    assert "warning" in json.loads(ALL.to_json())
    assert "warning" not in json.loads(Metrics(**SCORES).to_json())


def test_what_a_callback_logs_cannot_take_the_place_of_a_run_s_own_figures():
    metrics = Metrics(**SCORES, others={"threshold": 0.01, "epochs": 3.5, "values": 2.0})
    written = Metrics.from_json(metrics.to_json())
    assert (written.threshold, written.epochs) == (Metrics(**SCORES).threshold, Metrics(**SCORES).epochs)
    assert metrics.value("threshold") == written.threshold and metrics.value("values") == 2
    assert metrics.value("to_json") is None


def test_older_files_lack_some_keys_and_newer_ones_have_more():
    metrics = read(new_in_version_9=[1])
    assert metrics == Metrics(**SCORES)
    assert (metrics.data, metrics.classes, metrics.temperature, metrics.threshold) == (None, None, 1, 0.5)


BOUNDS = {
    "test_accuracy": (0, 1),
    "test_loss": (-math.inf, math.inf),
    "test_calibration_error": (0, 1),
    "val_accuracy": (0, 1),
    "val_loss": (-math.inf, math.inf),
    "best_epoch": (1, math.inf),
    "epochs": (1, math.inf),
    "parameters": (1, math.inf),
    "fit_seconds": (0, math.inf),
    "seed": (0, math.inf),
    "temperature": (0.01, 100),
    "threshold": (0, 1),
}
WRONG = {key: ["1", [1], {}, True, math.nan] for key in BOUNDS}
WRONG |= {key: [1, ["a"], True] for key in ("data", "warning", "monitor", "mode")}
WRONG |= {"own_digits": ["12", 12, True, [12]]}
WRONG |= {"on_white": ["true", 1, [True], {}]}
WRONG |= {"classes": ["0123456789", [0, 1], [None], {"0": 1}, 3]}
for key, (low, high) in BOUNDS.items():
    WRONG[key] += [bound + step for bound, step in ((low, -0.001), (high, 0.001)) if math.isfinite(bound)]


def test_every_key_has_its_wrong_values_here():
    assert WRONG.keys() == Metrics.__dataclass_fields__.keys() - {"others"}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_by_its_key(key, value):
    with pytest.raises(ValueError, match=f"^{key}: must be "):
        read(**{key: value})


@pytest.mark.parametrize("key", BOUNDS)
def test_the_bounds_themselves_are_allowed(key):
    for bound in BOUNDS[key]:
        assert getattr(read(**{key: bound}), key) == bound


OPTIONAL = {"data", "test_calibration_error", "val_accuracy", "val_loss", "best_epoch", "epochs", "parameters"}
OPTIONAL |= {"own_digits", "monitor", "mode", "seed", "classes", "warning", "on_white", "test_loss"}


@pytest.mark.parametrize("key", WRONG)
def test_null_is_allowed_for_what_may_be_unknown(key):
    if key in OPTIONAL:
        assert getattr(read(**{key: None}), key) is None
    else:
        with pytest.raises(ValueError, match=f"^{key}: must be a number"):
            read(**{key: None})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"test_accuracy": 0.9}', "[" * 100_000, b"\xff"])
def test_damaged_text_is_refused(text):
    with pytest.raises(ValueError, match="^damaged, or without a finished run's scores$"):
        Metrics.from_json(text)
