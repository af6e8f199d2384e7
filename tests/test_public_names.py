import ast
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
