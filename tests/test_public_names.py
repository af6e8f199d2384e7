import ast
import os
import re
import subprocess
import sys

import pytest

import mnist_mlp


@pytest.mark.parametrize("name", mnist_mlp.__all__)
def test_a_public_name_is_there(name):
    assert getattr(mnist_mlp, name)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mnist_mlp' has no attribute 'Writer'"):
        _ = mnist_mlp.Writer


def test_importing_the_package_imports_no_other():
    code = "import sys; before = set(sys.modules); import mnist_mlp; print({*sys.modules} - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.split(".")[0] for name in ast.literal_eval(result.stdout)}
    assert imported - sys.stdlib_module_names == {"mnist_mlp"}


@pytest.mark.parametrize("set_by_user, policy", [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "active"}, "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(set_by_user, policy):
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    environment |= {"OMP_DISPLAY_ENV": "true", **set_by_user}
    command = [sys.executable, "-c", "import mnist_mlp, torch"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert re.search(f"OMP_WAIT_POLICY ?= ?'?{policy}", result.stderr)


@pytest.mark.parametrize(
    ("imports", "set_by_user", "expected"),
    [("mnist_mlp", {}, "AUTO,STRICT"), ("mnist_mlp", {"MKL_CBWR": "AVX2"}, "AVX2"), ("torch, mnist_mlp", {}, "None")],
)
def test_products_are_the_same_on_any_number_of_threads_if_it_is_asked_in_time(imports, set_by_user, expected):
    environment = {key: value for key, value in os.environ.items() if key != "MKL_CBWR"} | set_by_user
    command = [sys.executable, "-c", f"import os, {imports}; print(os.environ.get('MKL_CBWR'))"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == expected
