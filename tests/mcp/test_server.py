"""The tools, asked by the client of the official package."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

import metalearn as ml
from metalearn.mcp.advisors import Advisors
from metalearn.mcp.folders import Folders

mcp = pytest.importorskip("mcp")

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "recommend-compact-1.json"
READING = {"describe", "recommend", "code", "kb_search"}
ADDING = {"start", "ask", "tell", "finish", "record"}
Call = Callable[..., Awaitable[Any]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with tables."""
    rng = np.random.default_rng(0)
    n = 200
    houses = pd.DataFrame({"area": rng.normal(100, 30, n), "town": rng.choice(["Ulm", "Bonn"], n)})
    houses["price"] = 2.5 * houses["area"] + rng.normal(0, 20, n)
    (tmp_path / "data").mkdir()
    houses.to_csv(tmp_path / "data" / "houses.csv", index=False)
    return tmp_path


def talk(place: Path, conversation: Callable[[Call], Awaitable[None]], **options: Any) -> None:
    """Hold a conversation with a server of its own."""
    from metalearn.mcp._server import make_server  # noqa: PLC0415 - needs the extra

    server = make_server(Folders.of([place / "data"]), Advisors(place / "state"), **options)

    async def held() -> None:
        async with mcp.Client(server) as client:

            async def call(tool: str, /, **arguments: Any) -> Any:
                found = await client.call_tool(tool, arguments)
                text = found.content[0].text
                if found.is_error:
                    return text
                assert json.loads(text) == found.structured_content  # the same for old and new clients
                return found.structured_content

            await conversation(call)

    asyncio.run(held())


def tools_of(place: Path, **options: Any) -> dict[str, Any]:
    from metalearn.mcp._server import make_server  # noqa: PLC0415 - needs the extra

    server = make_server(Folders.of([place / "data"]), Advisors(place / "state"), **options)
    return {tool.name: tool for tool in asyncio.run(server.list_tools())}


def test_tools_say_whether_they_only_read(place: Path) -> None:
    tools = tools_of(place)
    assert {name for name, tool in tools.items() if tool.annotations.read_only_hint} == READING
    assert set(tools) - READING == ADDING
    assert not any(tools[name].annotations.destructive_hint for name in ADDING)
    assert not any(tool.annotations.open_world_hint for tool in tools.values())


def test_every_tool_and_argument_is_described_and_typed(place: Path) -> None:
    for tool in tools_of(place, allow_tune=True).values():
        assert tool.description
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        for argument in tool.input_schema["properties"].values():
            assert {"description", "anyOf", "type"} & set(argument)


def test_models_are_fitted_only_if_that_is_allowed(place: Path) -> None:
    assert "tune" not in tools_of(place)

    async def conversation(call: Call) -> None:
        assert "Unknown tool 'tune'" in await call("tune", path="iris")

    talk(place, conversation)
    assert "tune" in tools_of(place, allow_tune=True)


def test_a_recommendation_is_small_and_keeps_to_its_schema(place: Path) -> None:
    async def conversation(call: Call) -> None:
        for asked in ({"path": "houses.csv", "target": "price"}, {"path": "breast_cancer"}):
            found = await call("recommend", **asked)
            jsonschema.validate(found, json.loads(SCHEMA.read_text(encoding="utf-8")))
            assert len(found["candidates"]) == 5
            assert len(json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()) <= 1_500
            more = await call("recommend", **asked, details=True)
            assert more["past_tasks"]
            assert more["candidates"][0]["evidence"]
            assert [c["id"] for c in more["candidates"]] == [c["id"] for c in found["candidates"]]

    talk(place, conversation)


def test_the_answer_is_that_of_the_library(place: Path) -> None:
    async def conversation(call: Call) -> None:
        found = await call("recommend", path="iris", n=3, metric="log_loss", families=["knn", "linear"])
        from metalearn.table.read import read_table  # noqa: PLC0415

        table = read_table("iris")
        own = ml.recommend(table.X, table.y, n=3, metric="log_loss", families=["knn", "linear"])
        assert [c["id"] for c in found["candidates"]] == [c.configuration.id for c in own]

    talk(place, conversation)


def test_columns_come_first_and_then_findings(place: Path) -> None:
    async def conversation(call: Call) -> None:
        columns = await call("describe", path="houses.csv")
        assert list(columns["columns"]) == ["area", "town", "price"]
        found = await call("describe", path="houses.csv", target="price")
        assert (found["problem_type"], found["n_rows"], found["kinds"]) == (
            "regression",
            200,
            {"numeric": 1, "categorical": 1},
        )
        assert (
            "log_n_rows" in (await call("describe", path="houses.csv", target="price", details=True))["meta_features"]
        )

    talk(place, conversation)


def test_an_advisor_goes_from_start_to_record_over_a_restart(place: Path) -> None:
    known: dict[str, Any] = {}

    async def before(call: Call) -> None:
        known["advisor"] = (await call("start", path="houses.csv", target="price", families=["knn", "linear"]))[
            "advisor"
        ]
        known["first"] = (await call("ask", advisor=known["advisor"]))["suggestions"][0]

    async def after(call: Call) -> None:
        advisor = known["advisor"]
        state = await call("tell", advisor=advisor, configuration=known["first"]["id"], score=0.8, seconds=0.1)
        assert (state["tried"], state["best"]["score"]) == (1, 0.8)
        own = await call("tell", advisor=advisor, model="knn", params={"n_neighbors": 7}, score=0.9)
        assert own["best"]["model"] == "knn"
        assert len((await call("ask", advisor=advisor, n=2))["suggestions"]) == 2
        done = await call("finish", advisor=advisor)
        assert [r["score"] for r in done["results"]] == [0.9, 0.8]
        compile(done["code"], "script", "exec")
        assert "is finished" in await call("ask", advisor=advisor)
        kept = await call("record", advisor=advisor, name="houses")
        assert (kept["new_evaluations"], kept["task"]) == (2, "data:houses")
        assert (await call("record", advisor=advisor, name="houses"))["new_evaluations"] == 0

    store = ml.open_store(place / "kb")
    talk(place, before, store=store)
    talk(place, after, store=store)
    assert set(store.read().evaluations["value"]) == {0.8, 0.9}


def test_a_table_that_changes_between_calls_is_told(place: Path) -> None:
    async def conversation(call: Call) -> None:
        advisor = (await call("start", path="houses.csv", target="price", families=["knn"]))["advisor"]
        await call("tell", advisor=advisor, model="knn", score=0.5)
        file = place / "data" / "houses.csv"
        text = file.read_text(encoding="utf-8")
        assert (await call("recommend", path="houses.csv", target="price"))["rows"] == 200
        file.write_text(text + "90,Ulm,200\n", encoding="utf-8")
        assert (await call("recommend", path="houses.csv", target="price"))["rows"] == 201
        assert "changed since the advisor" in (await call("ask", advisor=advisor))["notes"][0]
        assert "changed since the advisor" in await call("record", advisor=advisor)
        file.unlink()
        assert "changed since the advisor" in (await call("ask", advisor=advisor))["notes"][0]
        assert "There is no file" in await call("recommend", path="houses.csv", target="price")
        file.write_text(text, encoding="utf-8")
        assert (await call("ask", advisor=advisor))["notes"] == []
        assert (await call("record", advisor=advisor))["new_evaluations"] == 1

    talk(place, conversation, store=ml.open_store(place / "kb"))


def test_scripts_read_the_table_and_have_all_parameters(place: Path) -> None:
    async def conversation(call: Call) -> None:
        listed = await call("recommend", path="houses.csv", target="price", details=True)
        for rank in (1, 2):
            found = await call("code", path="houses.csv", target="price", candidate=rank)
            assert found["model"] == listed["candidates"][rank - 1]["model"]
            assert str(place / "data" / "houses.csv") in found["code"]
            assert all(repr(name) in found["code"] for name in listed["candidates"][rank - 1]["params"])
        named = await call("code", path="houses.csv", target="price", configuration=listed["candidates"][1]["id"])
        assert named["code"] == found["code"]

    talk(place, conversation)


READS = {"describe", "recommend", "code", "kb_search", "start", "tune"}


def test_all_tools_that_read_a_table_take_the_same_arguments_for_it(place: Path) -> None:
    from metalearn.mcp.arguments import Table  # noqa: PLC0415 - needs the extra

    tools = tools_of(place, allow_tune=True)
    shared = [field.name for field in fields(Table)]
    schemas = {name: tools[name].input_schema for name in READS}
    for name in shared:
        forms = {json.dumps(s["properties"][name], sort_keys=True) for s in schemas.values() if name != "path"}
        assert len(forms) <= 1, name
    assert {name for name in READS if schemas[name].get("required") == ["path"]} == READS - {"code", "kb_search"}
    assert not {"drop", "path"} & set(tools["ask"].input_schema["properties"])


def test_a_table_is_read_as_asked(place: Path) -> None:
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"a": rng.normal(size=90), "zip": rng.integers(0, 5, 90), "b": rng.normal(size=90)})
    rows["y"] = rng.choice(["u", "v"], 90)
    rows.to_csv(place / "data" / "bare.csv", index=False, header=False)
    with pd.ExcelWriter(place / "data" / "book.xlsx") as book:
        pd.DataFrame({"note": ["see next"]}).to_excel(book, sheet_name="cover", index=False)
        rows.to_excel(book, sheet_name="rows", index=False)

    async def conversation(call: Call) -> None:
        names = list(rows)
        assert "names" in await call("recommend", path="bare.csv", target="y")
        assert list((await call("describe", path="bare.csv", names=names))["columns"]) == names
        assert list((await call("describe", path="book.xlsx", sheet="rows"))["columns"]) == names
        bare = {"path": "bare.csv", "names": names, "target": "y"}
        whole = await call("describe", **bare)
        assert whole["kinds"] == {"numeric": 3}
        assert (await call("describe", **bare, categorical=["zip"]))["kinds"] == {"numeric": 2, "categorical": 1}
        for asked in (bare, {"path": "book.xlsx", "sheet": "rows", "target": "y"}):
            assert (await call("recommend", **asked, drop=["b"]))["columns"] == 2
            assert (await call("recommend", **asked, keep=["a"]))["columns"] == 1
            assert "Did you mean 'zip'?" in await call("start", **asked, drop=["zpi"])
            script = await call("code", **asked, drop=["b"], categorical=["zip"])
            assert "drop=['b']" in script["code"]
            begun = await call("start", **asked, drop=["b"], families=["knn"])
            state = await call("tell", advisor=begun["advisor"], model="knn", score=0.5)
            assert state["notes"] == []  # read again in the same way, it is the same
            done = await call("finish", advisor=begun["advisor"])
            assert "drop=['b']" in done["code"]
            assert (await call("record", advisor=begun["advisor"]))["new_evaluations"] == 1
            scripts.append(done["code"])

    scripts: list[str] = []
    talk(place, conversation, store=ml.open_store(place / "kb"))
    for script in scripts:
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


def test_past_tasks_are_found(place: Path) -> None:
    async def conversation(call: Call) -> None:
        assert (await call("kb_search", path="wine", n=1))["tasks"][0]["name"] == "keel/wine"
        assert len((await call("kb_search", words="regression small"))["tasks"]) == 5
        assert "Nothing to look for" in await call("kb_search")

    talk(place, conversation)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("recommend", {"path": "houses.csv", "targt": "price"}, "Did you mean 'target'?"),
        ("recommend", {"path": "houses.csv", "target": "prize"}, "Did you mean 'price'?"),
        ("recommend", {"path": "houses.csv"}, "Give it as target"),
        ("recommend", {}, "The argument 'path' of recommend is missing"),
        ("recommend", {"path": "iris", "n": "many"}, "The argument 'n' of recommend is 'many'"),
        ("recommend", {"path": "iris", "n": 0}, "greater than or equal to 1"),
        ("recommend", {"path": "iris", "metric": "acuracy"}, "Did you mean 'accuracy'?"),
        ("recommend", {"path": "iris", "problem_type": "ranking"}, "The argument 'problem_type'"),
        ("recomend", {"path": "iris"}, "Did you mean 'recommend'?"),
        ("ask", {"advisor": "x"}, "Call start for a new one"),
        ("code", {}, "Give one"),
        ("code", {"path": "iris", "candidate": 50, "families": ["gaussian_nb"]}, "Ask for less"),
        ("code", {"path": "iris", "configuration": "x"}, "Ask again"),
        ("record", {"advisor": "x"}, "Start it with --store"),
        ("describe", {"path": "../x.csv"}, "start the server with --folder"),
    ],
)
def test_errors_say_what_was_wrong_and_what_to_do(place: Path, name: str, arguments: dict[str, Any], said: str) -> None:
    async def conversation(call: Call) -> None:
        answer = await call(name, **arguments)
        assert isinstance(answer, str)
        assert said in answer
        assert "Traceback" not in answer
        assert "pydantic" not in answer

    talk(place, conversation)


def test_nothing_of_the_rows_is_in_any_answer(place: Path) -> None:
    rng = np.random.default_rng(1)
    n = 60
    rows = pd.DataFrame({"note": [f"CANARY{i} words" for i in range(n)], "value": 7_654_321.0 + rng.normal(size=n)})
    rows["kind"] = rng.choice(["CANARYA", "CANARYB"], n)
    rows["number"] = 8_765_432 + np.arange(n)
    rows.to_csv(place / "data" / "secret.csv", index=False)
    rows.assign(value="CANARY").to_csv(place / "data" / "single.csv", index=False)
    with (place / "data" / "torn.csv").open("w", encoding="utf-8") as file:
        file.write('a,b\n"CANARY,1\n' + "CANARY,2,3,4\n" * 3)
    said: list[Any] = []

    async def conversation(call: Call) -> None:
        for target in (None, "kind", "value", "number", "note"):
            for name in ("describe", "recommend", "code", "start"):
                said.append(await call(name, path="secret.csv", target=target))  # noqa: PERF401 - one after the other
            said.append(await call("kb_search", path="secret.csv", target=target))
        for path, target in (("single.csv", "value"), ("torn.csv", "b"), ("torn.csv", "a")):
            said.append(await call("recommend", path=path, target=target))
        advisor = (await call("start", path="secret.csv", target="kind"))["advisor"]
        said.append(await call("ask", advisor=advisor))
        said.append(await call("tell", advisor=advisor, model="knn", score=0.7))
        said.append(await call("finish", advisor=advisor))
        said.append(await call("record", advisor=advisor))

    talk(place, conversation, store=ml.open_store(place / "kb"))
    for answer in said:
        for secret in ("CANARY", "7654321", "87654"):
            assert secret not in str(answer)
    for file in (place / "state").iterdir():
        assert "CANARY" not in file.read_text(encoding="utf-8")


def test_the_password_of_a_store_is_not_shown(place: Path) -> None:
    async def conversation(call: Call) -> None:
        advisor = (await call("start", path="houses.csv", target="price", families=["knn"]))["advisor"]
        await call("tell", advisor=advisor, model="knn", score=0.5)
        answer = await call("record", advisor=advisor)
        assert isinstance(answer, str)
        assert "hunter2" not in answer

    store = ml.open_store("postgresql://ana:hunter2@127.0.0.1:1/none")
    talk(place, conversation, store=store)


@pytest.mark.slow
def test_a_search_is_run_where_it_is_allowed(place: Path) -> None:
    async def conversation(call: Call) -> None:
        asked = {"path": "houses.csv", "target": "price", "families": ["knn", "linear"], "trials": 2}
        found = await call("tune", **asked, out="model.skops", drop=["town"], header=True)
        assert found["trials"] == 2
        assert (place / "data" / "model.skops").exists()
        assert "nothing is overwritten" in await call("tune", **asked, out="model.skops")
        assert "outside of the folders" in await call("tune", **asked, out="../model.skops")
        assert "Did you mean 'price'?" in await call("tune", path="houses.csv", target="prize")

    talk(place, conversation, allow_tune=True)
