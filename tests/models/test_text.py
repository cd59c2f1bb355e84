import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from metalearn.models import get_model
from metalearn.models.preprocessing import TableCleaner, dense_preprocessing, tree_preprocessing
from metalearn.models.text import TextEncoder, texts
from metalearn.task import ProblemType

PRAISE = ("splendid", "delicious", "marvellous", "tasty")
BLAME = ("stale", "broken", "awful", "rancid")
FILLING = (
    "the",
    "parcel",
    "came",
    "on",
    "a",
    "Monday",
    "and",
    "we",
    "opened",
    "it",
    "in",
    "our",
    "kitchen",
    "with",
    "care",
)


def reviews(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Write sentences of ten words, one of which tells whether the writer was content."""
    rng = np.random.default_rng(seed)
    content = rng.integers(0, 2, n)
    sentences = [" ".join([*rng.choice(FILLING, 9), rng.choice(PRAISE if good else BLAME)]) for good in content]
    return pd.DataFrame({"review": pd.Series(sentences, dtype=object)}), content


def test_words_tell_the_class_of_rows_not_seen() -> None:
    X, y = reviews()
    encoder = TextEncoder("binary").fit(X, y)
    other, truth = reviews(seed=1)
    assert encoder.transform(other).shape == (200, 1)
    assert roc_auc_score(truth, encoder.transform(other)[:, 0]) > 0.99


def test_pairs_of_words_are_read() -> None:
    rng = np.random.default_rng(0)
    content = rng.integers(0, 2, 200)
    said = np.where(content, "not bad but good", "not good but bad")  # the same words
    X = pd.DataFrame({"said": [f"{' '.join(rng.choice(FILLING, 5))} {text}" for text in said]}, dtype=object)
    assert roc_auc_score(content, TextEncoder("binary").fit_transform(X, content)[:, 0]) > 0.99


def test_what_was_learned_by_heart_does_not_count() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"noise": [" ".join(rng.choice(FILLING, 6)) + f" row{i}" for i in range(300)]}, dtype=object)
    y = rng.integers(0, 2, 300)
    encoder = TextEncoder("binary")
    fitted = roc_auc_score(y, encoder.fit_transform(X, y)[:, 0])
    assert abs(fitted - 0.5) < 0.1


def test_identifiers_become_zeros() -> None:
    X, y = pd.DataFrame({"id": [f"C{i:05d}" for i in range(200)]}, dtype=object), np.arange(200) % 2
    assert not TextEncoder("binary").fit_transform(X, y).any()
    assert not TextEncoder("binary").fit(X, y).transform(X).any()


@pytest.mark.parametrize("family", ["linear", "svm"])
@pytest.mark.parametrize("n", [497, 500])
def test_a_column_of_identifiers_spoils_no_model(family: str, n: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n, 2))
    y = values[:, 0] + values[:, 1] / 2 + rng.normal(0, 0.5, n) > 0
    X = pd.DataFrame({"customer": [f"C{i:05d}" for i in range(n)], "usage": values[:, 0], "balance": values[:, 1]})
    spec = get_model(family)
    model = spec.build(spec.default(ProblemType.BINARY), ProblemType.BINARY).fit(X, y)
    assert roc_auc_score(y, model.predict_proba(X)[:, 1]) > 0.9


def test_names_are_read_by_their_words() -> None:
    rng = np.random.default_rng(0)
    title = rng.choice(["Mr.", "Mrs."], 300)
    X = pd.DataFrame({"name": [f"{rng.choice(FILLING)}{i}, {t} {rng.choice(FILLING)}" for i, t in enumerate(title)]})
    assert (
        roc_auc_score(title == "Mr.", dense_preprocessing(ProblemType.BINARY).fit_transform(X, title == "Mr.")[:, -1])
        > 0.9
    )


def test_each_class_has_a_column_of_its_own() -> None:
    X, y = reviews()
    names = np.array(["bad", "good"], dtype=object)[y]
    names[:20] = "unread"
    encoder = TextEncoder(ProblemType.MULTICLASS)
    assert encoder.fit_transform(X, names).shape == (200, 3)
    assert list(encoder.get_feature_names_out()) == ["review_bad", "review_good", "review_unread"]
    assert list(TextEncoder("binary").fit(X, y).get_feature_names_out()) == ["review"]


def test_numbers_are_explained_in_their_own_unit() -> None:
    X, y = reviews()
    small, large = (TextEncoder("regression").fit_transform(X, y * factor) for factor in (1.0, 1000.0))  # from the mean
    assert np.allclose(1000 * small, large, rtol=1e-3, atol=1)
    assert np.corrcoef(small[:, 0], y)[0, 1] > 0.8


def test_columns_are_read_one_by_one() -> None:
    X, y = reviews()
    both = X.assign(other=reviews(seed=3)[0]["review"])
    alone = TextEncoder("binary").fit_transform(X, y)
    assert np.allclose(TextEncoder("binary").fit_transform(both, y)[:, :1], alone)
    assert np.allclose(TextEncoder("binary").fit_transform(both[["other", "review"]], y)[:, 1:], alone)


@pytest.mark.parametrize(
    "odd", ["", " ... ", "\ud800 half a character", "a\0b", "<b>&amp;</b>", "x" * 100_000, "ﬁancé", "🙂 🙂"]
)
def test_odd_text_is_encoded(odd: str) -> None:
    X, y = reviews(60)
    X.loc[3, "review"] = odd
    found = TextEncoder("binary").fit_transform(X, y)
    assert np.isfinite(found).all()


def test_text_without_spaces_is_read_by_signs() -> None:
    rng = np.random.default_rng(0)
    content = rng.integers(0, 2, 200)
    signs = np.array(list("的一是在人有我他这中大来上国和地到说"))
    texts_ = ["".join(rng.choice(signs, 12)) + ("很好吃" if good else "不新鲜") for good in content]
    X = pd.DataFrame({"评论": texts_}, dtype=object)
    assert roc_auc_score(content, TextEncoder("binary").fit_transform(X, content)[:, 0]) > 0.95


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows_are_enough(n: int) -> None:
    X, _ = reviews(n)
    assert np.isfinite(TextEncoder("regression").fit_transform(X, np.arange(n, dtype=float))).all()


def test_it_can_be_cloned_and_gives_the_same_again() -> None:
    X, y = reviews()
    encoder = TextEncoder("binary")
    assert np.array_equal(encoder.fit_transform(X, y), clone(encoder).fit_transform(X, y))


@pytest.mark.parametrize("make", [tree_preprocessing, dense_preprocessing])
def test_pipelines_read_text_and_count_it(make: object) -> None:
    X, y = reviews()
    frame = X.assign(number=np.arange(200.0))
    out = pd.DataFrame(make(ProblemType.BINARY).fit_transform(frame, y))  # type: ignore[operator]
    assert out.shape == (200, 4)  # the number, characters, words, what they say
    assert out.dtypes.map(lambda dtype: dtype.kind).eq("f").all()
    assert np.abs(np.corrcoef(out.iloc[:, -1], y)[0, 1]) > 0.8


def test_the_cleaner_passes_text_on_as_plain_objects() -> None:
    X, _ = reviews(60)
    X.loc[5, "review"] = None
    clean = TableCleaner().fit_transform(X)
    assert texts(clean) == ["review.text"]
    assert clean.loc[5, "review.text"] == ""
    assert (
        TableCleaner().fit_transform(X.astype("string[pyarrow]"))["review.text"].tolist()
        == clean["review.text"].tolist()
    )


@pytest.mark.parametrize("family", ["linear", "lightgbm", "knn"])
def test_models_learn_from_text_alone(family: str) -> None:
    X, y = reviews(300)
    spec = get_model(family)
    model = spec.build(spec.default(ProblemType.BINARY), ProblemType.BINARY).fit(X.iloc[:200], y[:200])
    assert roc_auc_score(y[200:], model.predict_proba(X.iloc[200:])[:, 1]) > 0.9
