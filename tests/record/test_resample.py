"""Intervals by organisation: the arithmetic by hand, and coverage where organisations differ."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.record.resample import cluster_weights, interval, weighted_means


def test_every_resample_draws_as_many_clusters_as_there_are() -> None:
    drawn = cluster_weights(7, np.random.default_rng(1), 4000)
    assert drawn.shape == (4000, 7)
    assert (drawn.sum(axis=1) == 7).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(drawn.var(axis=0), 6 / 7, atol=0.08)
    np.testing.assert_array_equal(drawn, cluster_weights(7, np.random.default_rng(1), 4000))


def test_means_and_resampled_means_by_hand() -> None:
    values = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])
    weight, cluster = np.array([1.0, 3.0, 2.0]), np.array([0, 0, 1])
    drawn = np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    means, resampled = weighted_means(values, weight, cluster, drawn)
    np.testing.assert_allclose(means, [19 / 6, 190 / 6])
    by_hand = np.array([19 / 6, 7 / 4, 6, (3 * 7 + 12) / (3 * 4 + 2)])
    np.testing.assert_allclose(resampled, np.column_stack([by_hand, 10 * by_hand]))


def test_a_resample_without_any_of_the_items_has_no_mean() -> None:
    _, resampled = weighted_means(np.ones((2, 1)), np.ones(2), np.array([2, 2]), np.array([[2.0, 1.0, 0.0], [0, 0, 3]]))
    np.testing.assert_array_equal(resampled, [[np.nan], [1.0]])


def test_an_interval_is_central_and_passes_over_what_has_no_value() -> None:
    values = np.append(np.arange(101.0), [np.nan, np.inf])
    assert interval(values) == pytest.approx((5, 95))
    assert interval(values, 0.5) == pytest.approx((25, 75))
    assert np.isnan(interval(np.full(3, np.nan))).all()


def test_intervals_by_organisation_cover_where_intervals_by_item_do_not() -> None:
    rng = np.random.default_rng(20260406)
    cluster = np.repeat(np.arange(30), 20)
    items = np.arange(cluster.size)
    covered = {"organisation": 0, "item": 0}
    worlds = 200
    for _ in range(worlds):
        values = (rng.normal(0, 1, 30)[cluster] + rng.normal(0, 0.5, cluster.size))[:, None]
        for by, groups in (("organisation", cluster), ("item", items)):
            drawn = cluster_weights(groups.max() + 1, rng, 300)
            low, high = interval(weighted_means(values, np.ones(cluster.size), groups, drawn)[1][:, 0])
            covered[by] += low <= 0 <= high
    assert 0.82 <= covered["organisation"] / worlds <= 0.96
    assert covered["item"] / worlds < 0.5
