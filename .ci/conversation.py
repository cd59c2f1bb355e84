"""A conversation with the server, as a client holds it, for the page about coding agents."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import mcp
from sklearn.model_selection import StratifiedKFold, cross_val_score

from metalearn.mcp._server import make_server
from metalearn.mcp.advisors import Advisors
from metalearn.mcp.folders import Folders
from metalearn.models import build_pipeline
from metalearn.space import Configuration
from metalearn.table.read import read_table
from metalearn.task import ProblemType

FAMILIES = ["linear", "knn", "svm"]
ROUNDS = 2


def readable(facts: dict[str, Any]) -> str:
    """Return JSON with a line for each field, and for each item of a list of objects."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = ",\n".join(f"  {json.dumps(item)}" for item in value)
            lines.append(f' "{name}": [\n{items}\n ]')
        else:
            lines.append(f' "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}"


def cross_validated(model: str, params: dict[str, Any]) -> float:
    """Return what an agent measures by running the script of a configuration."""
    table = read_table("wine")
    pipeline = build_pipeline(Configuration(model, params), ProblemType.MULTICLASS)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return round(float(cross_val_score(pipeline, table.X, table.y, cv=folds).mean()), 3)


async def _held(folder: Path) -> str:
    said = []
    server = make_server(Folders.of([folder]), Advisors(folder / "state"))
    async with mcp.Client(server) as client:

        async def call(tool: str, /, **arguments: Any) -> dict[str, Any]:
            found = await client.call_tool(tool, arguments)
            facts: dict[str, Any] = found.structured_content
            code = facts.pop("code", None)
            shown = f"```json\n{readable(facts)}\n```"
            shown += f"\n\nand the script\n\n```text\n{code.rstrip()}\n```" if code else ""
            said.append(f"`{tool}` with `{json.dumps(arguments)}` answers\n\n{shown}")
            return facts

        await call("describe", path="wine", target="target")
        await call("recommend", path="wine", families=FAMILIES)
        advisor = (await call("start", path="wine", families=FAMILIES))["advisor"]
        for _ in range(ROUNDS):
            (tried,) = (await call("ask", advisor=advisor))["suggestions"]
            score = cross_validated(tried["model"], tried["params"])
            said.append(f"The agent runs this with three folds and measures {score}.")
            await call("tell", advisor=advisor, configuration=tried["id"], score=score)
        await call("finish", advisor=advisor)
        refused = await client.call_tool("recommend", {"path": "../payroll.csv", "target": "salary"})
        said.append(f"An error has three parts, too:\n\n> {refused.content[0].text}")
    return "\n\n".join(said).replace(advisor, "a1b2c3d4e5f60718").replace(str(folder), "/home/ana/data")


def conversation() -> str:
    """Return the conversation as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_held(Path(folder).resolve()))


if __name__ == "__main__":
    print(conversation())
