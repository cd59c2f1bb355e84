from dataclasses import replace

import numpy as np

from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.past import _left_out_errors


def test_half_of_the_usual_meta_features_describe_a_table(past: PastTasks) -> None:
    known = past.table.meta_features[0].copy()
    names = past.table.meta_feature_names
    known[names.index("sometimes")] = np.nan  # most past tasks lack it too
    assert past.describes(known)
    known[names.index("noise")] = np.nan
    assert past.describes(known)
    known[names.index("kind")] = np.nan
    assert not past.describes(known)


def test_similarity_counts_less_for_a_table_of_which_little_is_known(past: PastTasks) -> None:
    known = past.table.meta_features[0]
    hidden = np.full_like(known, np.nan)
    learned = past.similarity.weights(known)
    sure, unsure = past.prior(known, learned).weights, past.prior(hidden, learned).weights
    top = int(learned.argmax())
    assert 1 / past.table.n_tasks < unsure[top] < sure[top]
    np.testing.assert_allclose([unsure.sum(), sure.sum()], 1)


def test_a_task_left_out_is_expected_from_other_families_alone(past: PastTasks) -> None:
    table = past.table
    i = 4
    apart = table.family != table.family[i]
    wild = replace(table, losses=np.where(apart[:, None], table.losses, 0.49))
    vars(wild)["working"] = np.where(apart[:, None], table.working, 3.0).astype(np.float32)
    means = []
    for known in (past, replace(past, table=wild)):
        prior = known.prior(table.meta_features[i], known.similarity.left_out(np.array([i]))[0], apart)
        assert prior.weights[~apart].sum() == 0
        assert prior.weights.sum() > 1 - 1e-9
        means.append(
            known.query(table.meta_features[i], n=1, observed={}, allowed=np.ones(12, dtype=bool), prior=prior).mean
        )
    np.testing.assert_array_equal(*means)


def test_errors_on_a_past_task_know_nothing_of_its_family(table: PerformanceTable) -> None:
    past = PastTasks.fit(table)
    i, shifted = 10, replace(table)
    vars(shifted)["working"] = table.working + np.where(table.family == table.family[i], 1.0, 0.0)[:, None].astype(
        np.float32
    )
    moved = _left_out_errors(shifted, past.similarity)
    np.testing.assert_allclose(moved[i], past.errors[i] + 1.0, atol=1e-5)
