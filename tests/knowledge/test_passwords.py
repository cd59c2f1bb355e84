import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from sklearn.datasets import load_iris

from metalearn._address import shown
from metalearn.cli import main
from metalearn.estimators import MetaLearnClassifier, save_model
from metalearn.knowledge import open_store


@pytest.mark.parametrize("where", ["knowledge_base", "record_to"])
def test_a_model_file_holds_no_password(tmp_path: Path, postgresql_url: str, where: str) -> None:
    address = postgresql_url.replace("postgres@", "postgres:s3cret@")
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = MetaLearnClassifier(n_trials=1, families=["linear"], cv=2, **{where: ["bundled", address]})
    if where == "record_to":
        model.record_to = address
    else:
        MetaLearnClassifier(n_trials=1, families=["linear"], cv=2, record_to=address).fit(X, y)
    model.fit(X, y)
    save_model(model, tmp_path / "m.skops")
    with zipfile.ZipFile(tmp_path / "m.skops") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    for text in (
        content.decode("latin-1"),
        model.to_json(),
        model.to_html(),
        model.to_code(),
        str(model.explain()),
        repr(model),
    ):
        assert "s3cret" not in text


@pytest.mark.parametrize("command", [["info"], ["validate"], ["search", "x", "--store"], ["merge", "-o", "here.db"]])
def test_commands_show_no_password(command: list[str], postgresql_url: str) -> None:
    address = (
        postgresql_url.replace("postgres@", "postgres:s3cret@") + "&connect_timeout=1&options=-csearch_path%3Dnowhere"
    )
    result = CliRunner().invoke(main, ["kb", *command, address])
    assert result.exit_code
    assert "Nothing is stored at" in result.output
    assert "s3cret" not in result.output


def test_errors_and_reports_show_no_password(tmp_path: Path) -> None:
    address = f"postgresql://nobody:s3cret@/none?host={tmp_path}&passfile=s3cret"
    store = open_store(address)
    assert "s3cret" not in repr(store)
    result = CliRunner().invoke(
        main,
        ["kb", "import", "optuna", address.replace("/none", ":x/none"), "--metric", "accuracy", "--task", "binary"],
    )
    assert result.exit_code
    assert "s3cret" not in result.output
    assert "s3cret" not in json.dumps(shown(address))
