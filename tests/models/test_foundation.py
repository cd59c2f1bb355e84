"""Plumbing of the foundation models: real packages and architectures, tiny checkpoints with random weights.

No published weights can be had where these tests run, so nothing here says how well the models predict.
"""

import importlib.util
import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import metalearn as ml
from metalearn._installation import install_command
from metalearn.api import usable_models
from metalearn.exceptions import InvalidInputError, MissingExtraError
from metalearn.models import build_pipeline, get_model
from metalearn.models.foundation import CHECKPOINTS
from metalearn.space import Configuration
from metalearn.task import ProblemType

FAMILIES = ("tabicl", "tabpfn")
VARIABLES = ("METALEARN_CHECKPOINTS", "METALEARN_ALLOW_DOWNLOAD", "METALEARN_DEVICE")


def installed(family: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(family) is None, reason=f"{family} is not installed")


with_package = pytest.mark.parametrize(
    "family",
    [pytest.param(f, marks=[installed(f), pytest.mark.filterwarnings("ignore")]) for f in FAMILIES],
)


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide weights that the machine may have."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "TABPFN_MODEL_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny checkpoints with random weights, in the format of each package."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    if importlib.util.find_spec("tabicl"):
        _write_tabicl(torch, folder)
    if importlib.util.find_spec("tabpfn"):
        _write_tabpfn(torch, folder)
    return folder


def _write_tabicl(torch: ModuleType, folder: Path) -> None:
    from tabicl._model.tabicl import TabICL  # noqa: PLC0415 - optional

    small = {
        "embed_dim": 16,
        "col_num_blocks": 1,
        "col_nhead": 2,
        "col_num_inds": 8,
        "row_num_blocks": 1,
        "row_nhead": 2,
        "row_num_cls": 2,
        "icl_num_blocks": 1,
        "icl_nhead": 2,
        "zero_init": False,
    }
    for name, classes in zip(CHECKPOINTS["tabicl"], (10, 0), strict=True):
        config = {**small, "max_classes": classes}
        torch.save({"config": config, "state_dict": TabICL(**config).state_dict()}, folder / name)


def _write_tabpfn(torch: ModuleType, folder: Path) -> None:
    from tabpfn.architectures import tabpfn_v2  # noqa: PLC0415 - optional

    for name, classes in zip(CHECKPOINTS["tabpfn"], (10, 0), strict=True):
        buckets = {"num_buckets": 32} if not classes else {}
        config, _ = tabpfn_v2.parse_config(
            {"max_num_classes": classes, "emsize": 16, "nhead": 2, "nlayers": 1, "features_per_group": 2, **buckets}
        )
        model = tabpfn_v2.get_architecture(config)
        for parameter in model.parameters():  # some begin with zeros, by which every answer would be the same
            torch.nn.init.normal_(parameter, std=0.3)
        state = dict(model.state_dict())
        if not classes:
            state["criterion.borders"] = torch.linspace(-3, 3, 33)
            state["criterion.losses_per_bucket"] = torch.zeros(32)
        torch.save({"config": asdict(config), "state_dict": state}, folder / name)


@pytest.fixture
def weights(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("METALEARN_CHECKPOINTS", str(checkpoints))
    monkeypatch.setenv("METALEARN_DEVICE", "cpu")
    return checkpoints


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["x", "y", None], 60), "c": rng.normal(size=60)})
    frame.loc[3, "a"] = np.nan
    return frame


def target(table: pd.DataFrame, kind: ProblemType) -> pd.Series:
    if kind is ProblemType.REGRESSION:
        return table["c"] * 10
    labels = ["low", "high"] if kind is ProblemType.BINARY else ["low", "middle", "high"]
    return pd.Series(pd.qcut(table["c"], len(labels), labels=labels).astype(str))


@with_package
@pytest.mark.parametrize("kind", list(ProblemType))
def test_it_fits_predicts_and_is_restored_without_its_weights(
    family: str, kind: ProblemType, weights: Path, table: pd.DataFrame
) -> None:
    y = target(table, kind)
    configuration = get_model(family).default(kind)
    model = build_pipeline(configuration, kind).fit(table, y)
    found = model.predict(table)
    assert found.shape == (60,)
    if kind is ProblemType.REGRESSION:
        assert np.isfinite(found).all()
    else:
        assert set(found) <= set(y)
        shares = model.predict_proba(table)
        assert shares.shape == (60, y.nunique())
        assert np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    data = pickle.dumps(model)
    assert len(data) < 100_000  # rows, no network
    assert str(weights).encode() not in data
    again = pickle.loads(data).predict(table)
    assert np.allclose(again, found, rtol=1e-4) if kind is ProblemType.REGRESSION else (again == found).all()


@with_package
@pytest.mark.usefixtures("weights")
def test_a_tuned_model_is_saved_and_loaded(family: str, table: pd.DataFrame, tmp_path: Path) -> None:
    y = target(table, ProblemType.BINARY)
    model = ml.MetaLearnClassifier(n_trials=1, families=[family, "knn"], blend=False).fit(table, y)
    ml.save_model(model, tmp_path / "model.skops")
    loaded = ml.load_model(tmp_path / "model.skops")
    assert (loaded.predict(table) == model.predict(table)).all()


@with_package
@pytest.mark.usefixtures("weights")
def test_the_number_of_members_and_the_temperature_are_used(family: str, table: pd.DataFrame) -> None:
    y = target(table, ProblemType.BINARY)
    found = [
        build_pipeline(Configuration(family, {"n_estimators": 2, "softmax_temperature": t}), ProblemType.BINARY)
        .fit(table, y)
        .predict_proba(table)
        for t in (0.5, 1.5)
    ]
    assert not np.allclose(*found, atol=1e-6)


@with_package
def test_a_build_records_scores_and_keeps_to_its_time(
    family: str, weights: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    """In a process of its own: a fork after this one has used the threads of torch could hang."""
    table.assign(y=target(table, ProblemType.BINARY)).to_csv(tmp_path / "table.csv", index=False)
    code = (
        "import metalearn as ml\n"
        "from metalearn.builder import Limits\n"
        "from metalearn.models import get_model\n"
        "from metalearn.task import ProblemType\n"
        f"default = get_model({family!r}).default(ProblemType.BINARY)\n"
        "for name, seconds in (('long', 60.0), ('short', 0.001)):\n"
        "    store = ml.open_store(name)\n"
        "    ml.build_knowledge_base('table.csv', store=store, target_column='y', configurations=[default],\n"
        "                            limits=Limits(fit_seconds=seconds), progress=False)\n"
        "    print(name, sorted(set(store.read().evaluations['status'].astype(str))))\n"
    )
    environment = {**os.environ, "METALEARN_CHECKPOINTS": str(weights)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["long ['ok']", "short ['timeout']"]


@with_package
def test_without_weights_the_family_is_left_out_with_a_note(family: str) -> None:
    spec = get_model(family)
    assert not spec.is_available
    names, notes = usable_models(None, ProblemType.BINARY)
    assert family not in names
    (note,) = [n for n in notes if f"Left out: {family} has no pretrained weights" in n]
    assert "METALEARN_CHECKPOINTS" in note
    assert CHECKPOINTS[family][0] in note
    with pytest.raises(MissingExtraError, match="has no pretrained weights"):
        build_pipeline(spec.default(ProblemType.BINARY), ProblemType.BINARY)
    with pytest.raises(InvalidInputError, match="METALEARN_CHECKPOINTS"):
        usable_models([family], ProblemType.BINARY)


@with_package
def test_a_user_may_allow_the_download(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALEARN_ALLOW_DOWNLOAD", "1")
    assert get_model(family).is_available


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_not_installed_is_named_only_if_asked_for(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == family else find(name, *a))
    _, notes = usable_models(None, ProblemType.BINARY)
    assert not any(family in note for note in notes)
    _, notes = usable_models([family, "knn"], ProblemType.BINARY)
    assert any(install_command("foundation") in note for note in notes)


@pytest.mark.parametrize("family", FAMILIES)
def test_tables_with_too_many_rows_do_not_suit_it(family: str) -> None:
    spec = get_model(family)
    default = spec.default(ProblemType.BINARY)
    assert spec.suits(default, 1_000)
    assert not spec.suits(default, 200_000)


def test_a_recommendation_imports_no_network() -> None:
    code = (
        "import sys, metalearn as ml\n"
        "from sklearn.datasets import load_wine\n"
        "ml.recommend(*load_wine(return_X_y=True, as_frame=True))\n"
        "assert not {'torch', 'tabicl', 'tabpfn', 'huggingface_hub'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
