from mnist_mlp.runs.settings import first_difference, flatten


def test_flat_settings_have_dotted_keys_and_an_empty_group_its_own():
    nested = {"seed": 0, "model": {"hidden_sizes": [8], "deep": {"er": None}}, "scheduler": {}}
    assert flatten(nested) == {"seed": 0, "model.hidden_sizes": [8], "model.deep.er": None, "scheduler": {}}


def test_equal_settings_have_no_difference():
    assert first_difference({}, {}) is None
    assert first_difference({"seed": 0, "model.dropout": 0.1}, {"model.dropout": 0.1, "seed": 0}) is None


def test_the_first_difference_is_the_shallowest_then_the_first_by_name():
    before = {"a.b": 1, "a.c": 1, "seed": 0}
    assert first_difference(before, {"a.b": 2, "a.c": 2, "seed": 1}) == "seed"
    assert first_difference(before, {"a.b": 2, "a.c": 2, "seed": 0}) == "a.b"


def test_a_setting_that_only_one_of_them_has_is_a_difference():
    assert first_difference({"seed": 0}, {}) == "seed"
    assert first_difference({}, {"seed": 0}) == "seed"
    assert first_difference({}, {"checkpoint": None}) is None  # not set means null


def test_text_of_older_runs_equals_the_value_of_now():
    sizes = "model.hidden_sizes"
    assert first_difference({"seed": "0", sizes: "[64, 64]"}, {"seed": 0, sizes: [64, 64]}) is None
    assert first_difference({"model.dropout": "0.1"}, {"model.dropout": 0.2}) == "model.dropout"


def test_a_class_may_move_to_another_module_but_not_change():
    before = {"model._target_": "mnist_mlp.model.MLP"}
    assert first_difference(before, {"model._target_": "mnist_mlp.model.mlp.MLP"}) is None
    assert first_difference(before, {"model._target_": "mnist_mlp.model.mlp.Other"}) == "model._target_"
