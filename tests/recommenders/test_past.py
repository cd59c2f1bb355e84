import numpy as np

from metalearn.recommenders import PastTasks


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
