import errno
import json
import math
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

from metalearn.estimators import MetaLearnClassifier, MetaLearnEstimator, MetaLearnRegressor, load_model, save_model
from metalearn.exceptions import InvalidInputError
from metalearn.models import models_for
from metalearn.task import ProblemType


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 90
    return pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "category": rng.choice(["a", "b", None], n),
            "many": [f"shop {i % 40}" for i in range(n)],
            "day": pd.date_range("2024-01-01", periods=n),
        }
    )


def fit(table: pd.DataFrame, family: str, target: Any) -> MetaLearnEstimator:
    numbers = np.asarray(target).dtype.kind == "f"
    kind = MetaLearnRegressor if numbers else MetaLearnClassifier
    return kind(n_trials=1, cv=2, families=[family]).fit(table, target)


def targets(n: int = 90) -> dict[ProblemType, Any]:
    rng = np.random.default_rng(1)
    return {
        ProblemType.BINARY: rng.choice([True, False], n),
        ProblemType.MULTICLASS: pd.Series(rng.choice(["x", "y", "z"], n), name="kind"),
        ProblemType.REGRESSION: rng.normal(size=n),
    }


@pytest.mark.parametrize("kind", list(ProblemType))
def test_what_is_read_predicts_and_tells_the_same(table: pd.DataFrame, kind: ProblemType, tmp_path: Path) -> None:
    model = fit(table, "lightgbm", targets()[kind])
    save_model(model, tmp_path / "model.skops")
    back = load_model(tmp_path / "model.skops")
    assert type(back) is type(model)
    np.testing.assert_array_equal(back.predict(table), model.predict(table))
    assert back.get_params() == model.get_params()
    assert back.explain() == model.explain()
    assert json.loads(back.to_json()) == json.loads(model.to_json())
    assert back.target_ == model.target_
    pd.testing.assert_frame_equal(back.leaderboard_, model.leaderboard_)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(ProblemType))
def test_every_family_can_be_written_and_read(table: pd.DataFrame, kind: ProblemType, tmp_path: Path) -> None:
    for name, spec in models_for(kind).items():
        if spec.is_available:
            model = fit(table, name, targets()[kind])
            save_model(model, tmp_path / "model.skops")
            np.testing.assert_array_equal(load_model(tmp_path / "model.skops").predict(table), model.predict(table))


def test_a_file_with_unknown_types_is_refused_unless_they_are_trusted(table: pd.DataFrame, tmp_path: Path) -> None:
    model = fit(table, "linear", targets()[ProblemType.BINARY])
    model.members_[0].pipeline.steps.append(("foreign", Foreign()))
    save_model(model, tmp_path / "model.skops")
    with pytest.raises(InvalidInputError, match=r"not known to be harmless.*Foreign"):
        load_model(tmp_path / "model.skops")
    assert load_model(tmp_path / "model.skops", trusted=[f"{Foreign.__module__}.Foreign"]).members_


class Foreign(PCA):
    """A type that no family of ours is made of."""


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"nothing of the sort"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"cannot be read|is not a model"):
        load_model(path)
    with pytest.raises(InvalidInputError, match="There is no file"):
        load_model(tmp_path / "absent.skops")


def test_another_skops_file_and_a_newer_model_are_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(PCA(), path)
    with pytest.raises(InvalidInputError, match="is not a model"):
        load_model(path)
    save_model(fit(table, "linear", targets()[ProblemType.BINARY]), path)
    with zipfile.ZipFile(path) as archive:
        schema = archive.read("schema.json").decode()
        others = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
    newer = schema.replace('\\\\\\"format\\\\\\": 1', '\\\\\\"format\\\\\\": 9').replace(
        '\\"format\\": 1', '\\"format\\": 9'
    )
    assert newer != schema
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", newer)
        for name, content in others.items():
            archive.writestr(name, content)
    with pytest.raises(InvalidInputError, match="Upgrade"):
        load_model(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["members"][0].update(weight="x"),
        lambda about: about["members"][0].update(weight=math.nan),
        lambda about: about["members"][0].update(weight=0),
        lambda about: about.update(n_features_in=10**9),
        lambda about: about.update(members=[]),
        lambda about: about.update(kind=["list"]),
    ],
)
def test_a_model_that_was_changed_is_refused(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    model = fit(table, "linear", targets()[ProblemType.BINARY])

    def changed(about: dict[str, Any]) -> str:
        change(about)
        return json.dumps(about)

    with monkeypatch.context() as patched:
        patched.setattr("metalearn.estimators.model_file.json", SimpleNamespace(dumps=changed))
        patched.setattr("metalearn.estimators.model_file._restored", lambda *_: None)
        save_model(model, tmp_path / "model.skops")
    with pytest.raises(InvalidInputError, match="is not a model"):
        load_model(tmp_path / "model.skops")


def test_where_results_go_does_not_come_from_a_file(table: pd.DataFrame, tmp_path: Path) -> None:
    model = fit(table, "linear", targets()[ProblemType.BINARY]).set_params(record_to=str(tmp_path / "kb"))
    save_model(model, tmp_path / "model.skops")
    assert load_model(tmp_path / "model.skops").record_to is None


def test_what_is_not_fitted_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not fitted"):
        save_model(MetaLearnClassifier(), tmp_path / "model.skops")


@pytest.mark.parametrize("form", [pd.Index, np.array, tuple, list])
def test_options_of_numpy_and_pandas_come_back(table: pd.DataFrame, form: Any, tmp_path: Path) -> None:
    options = {"n_trials": np.int64(1), "cv": np.int32(2), "categorical": form(["many"]), "blend": np.bool_(False)}  # noqa: FBT003
    model = MetaLearnClassifier(**options, families=["linear"]).fit(table, np.arange(90) % 2)
    save_model(model, tmp_path / "model.skops")
    params = load_model(tmp_path / "model.skops").get_params()
    assert (params["n_trials"], params["cv"], params["blend"]) == (1, 2, False)
    assert list(params["categorical"]) == ["many"]


def test_a_file_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    X = pd.DataFrame({"a": np.arange(60.0)})
    model = MetaLearnClassifier(families=["linear"], n_trials=1).fit(X, np.arange(60) > 30)
    with pytest.raises(InvalidInputError, match="cannot be written"):
        save_model(model, tmp_path / "absent" / "m.skops")


def test_a_disk_that_is_full_leaves_the_old_model_as_it_was(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fit(table, "linear", targets()[ProblemType.BINARY])
    path = tmp_path / "model.skops"
    save_model(model, path)
    before = path.read_bytes()

    def fill(_: object, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(skops.io, "dump", fill)
    with pytest.raises(InvalidInputError, match=r"No space left on device\. What was there is unchanged\."):
        save_model(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_that_cannot_be_read_back_is_not_written(tmp_path: Path) -> None:
    model = MetaLearnClassifier(n_trials=1, families=["gaussian_nb"]).fit(*load_iris(return_X_y=True))
    model.feature_names_in_ = np.array(["too", "few"])
    with pytest.raises(InvalidInputError, match="could not be read back"):
        save_model(model, tmp_path / "m.skops")
    assert list(tmp_path.iterdir()) == []
