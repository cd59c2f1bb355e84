"""Every --json output keeps to the JSON Schema in the documentation."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from click.testing import CliRunner

import metalearn as ml
from metalearn.cli import main
from metalearn.recommendation import Recommendation
from metalearn.report.compact import LIMIT, VERSIONS

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"
COMMANDS = {
    "recommend": ["recommend", "wine"],
    "describe": ["describe", "wine", "--tier", "all"],
    "kb-info": ["kb", "info"],
    "kb-search": ["kb", "search", "--like", "wine"],
}


def checked(kind: str, text: str) -> dict[str, Any]:
    """Return what JSON says, if it keeps to the schema of its kind."""
    facts: dict[str, Any] = json.loads(text)
    schema = json.loads((SCHEMAS / f"{kind}-{VERSIONS[kind]}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(facts)
    return facts


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_a_schema_is_valid(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_every_output_has_a_schema_of_its_version() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} >= {f"{kind}-{n}" for kind, n in VERSIONS.items()}


@pytest.mark.parametrize("kind", COMMANDS)
def test_what_a_command_prints_keeps_to_its_schema(kind: str) -> None:
    whole = CliRunner().invoke(main, [*COMMANDS[kind], "--json"])
    small = CliRunner().invoke(main, [*COMMANDS[kind], "--compact"])
    assert (whole.exit_code, small.exit_code) == (0, 0)
    checked(kind, whole.stdout)
    checked(f"{kind}-compact", small.stdout)
    assert len(small.stdout) < len(whole.stdout)
    assert small.stdout.count("\n") == 1


def test_unknown_values_and_a_store_of_ones_own_keep_to_the_schemas(tmp_path: Path) -> None:
    store = ml.open_store(tmp_path / "kb")
    store.append(ml.Task(id="t:1", problem_type="binary", n_rows=100), None, [])  # nothing was run
    found = CliRunner().invoke(main, ["kb", "search", "binary", "--store", str(tmp_path / "kb"), "--json"])
    assert checked("kb-search", found.stdout)["tasks"][0]["best"] is None
    less = CliRunner().invoke(main, ["kb", "search", "binary", "--store", str(tmp_path / "kb"), "--compact"])
    assert checked("kb-search-compact", less.stdout)["tasks"][0]["model"] is None
    info = CliRunner().invoke(main, ["kb", "info", str(tmp_path / "kb"), "--json"])
    checked("kb-info", info.stdout)


def test_five_candidates_fit_into_the_limit_whatever_is_noted() -> None:
    wide = pd.DataFrame({f"a_rather_long_name_of_column_{i}": [1.0, 2.0] * 60 for i in range(40)})
    found = ml.recommend(wide, pd.Series(["a_label", "b_label"] * 60), n=5)
    assert found.notes
    text = found.to_json(compact=True)
    facts = checked("recommend-compact", text)
    assert len(text.encode()) <= LIMIT
    assert len(facts["notes"]) + facts.get("notes_left_out", 0) == len(found.notes)


def test_the_whole_json_is_read_back() -> None:
    found = ml.recommend(pd.DataFrame({"a": range(40)}), pd.Series([0.5 * i for i in range(40)]), n=2)
    facts = checked("recommend", found.to_json())
    assert Recommendation.from_dict(facts).configurations == found.configurations
