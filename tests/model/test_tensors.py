"""PyTensor's array functions mean what NumPy's mean."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from forecast.model.latency import NUMPY
from forecast.model.tensors import TENSORS

AT = np.array([0.01, 0.5, 1.0, 2.5, 30.0])
SIGNED = np.concatenate([-AT, [0.0], AT])


def evaluated(expression: pt.TensorVariable) -> np.ndarray:
    return pytensor.function([], expression, mode="FAST_COMPILE")()


def test_both_namespaces_have_the_same_functions() -> None:
    assert set(vars(TENSORS)) == set(vars(NUMPY))


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "softplus", "log_ndtr"])
def test_functions_of_one_number_agree(name: str) -> None:
    at = AT if name.startswith("log") and name != "log_ndtr" else SIGNED
    found = evaluated(getattr(TENSORS, name)(pt.as_tensor(at)))
    np.testing.assert_allclose(found, getattr(NUMPY, name)(at), rtol=1e-12)


def test_sums_on_the_log_scale_agree() -> None:
    found = evaluated(TENSORS.logaddexp(pt.as_tensor(SIGNED), pt.as_tensor(-3 * SIGNED)))
    np.testing.assert_allclose(found, NUMPY.logaddexp(SIGNED, -3 * SIGNED), rtol=1e-12)


def test_choices_places_and_products_agree() -> None:
    matrix, vector = np.arange(33.0).reshape(3, 11), pt.as_tensor(SIGNED)
    np.testing.assert_allclose(evaluated(TENSORS.dot(pt.as_tensor(matrix), vector)), NUMPY.dot(matrix, SIGNED))
    for index in (np.array([4, 0, 0]), slice(2, 5)):
        np.testing.assert_array_equal(evaluated(TENSORS.take(vector, index)), NUMPY.take(SIGNED, index))
    found = evaluated(TENSORS.where(vector > 0, vector, -1.0))
    np.testing.assert_array_equal(found, NUMPY.where(SIGNED > 0, SIGNED, -1.0))


def test_values_are_added_at_places_that_may_repeat() -> None:
    into, index, values = np.zeros((2, 3)), np.array([2, 0, 2]), np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    expected = [[2.0, 0.0, 5.0], [16.0, 0.0, 40.0]]
    np.testing.assert_array_equal(NUMPY.add_at(into, index, values), expected)
    assert not into.any()
    for draw in range(2):
        found = evaluated(TENSORS.add_at(pt.as_tensor(into[draw]), index, pt.as_tensor(values[draw])))
        np.testing.assert_array_equal(found, expected[draw])


def test_numpy_takes_places_and_products_of_every_draw() -> None:
    draws, matrix = np.random.default_rng(1).normal(size=(7, 4)), np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(NUMPY.take(draws, np.array([3, 3, 1])), draws[:, [3, 3, 1]])
    np.testing.assert_allclose(NUMPY.dot(matrix, draws), [matrix @ draw for draw in draws])
