"""The server: its tools, and the rules that hold for all of them."""

import ctypes
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec

import pyarrow as pa
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from metalearn import __version__
from metalearn.exceptions import MetalearnError, unknown_name
from metalearn.knowledge import KnowledgeBase, Store
from metalearn.mcp._tools import Tools
from metalearn.mcp.advisors import Advisors
from metalearn.mcp.arguments import flat
from metalearn.mcp.folders import Folders, without_cells
from metalearn.table.read import NamedTable

__all__ = ["make_server"]

INSTRUCTIONS = (
    "Recommends machine-learning models for a table (CSV, TSV, Parquet, ARFF) from results on hundreds of other tables, without "
    "training. First call recommend (or describe, to see columns and data problems); code returns a script for a candidate. To "
    "improve step by step: start, then repeat ask, run the configuration yourself with cross-validation, tell its score; last "
    "finish. Scores are cross-validated means in the metric's own direction (an rmse is positive)."
)

P = ParamSpec("P")


class _Server(MCPServer):  # type: ignore[misc]
    """Refuse wrong arguments in the three parts that all errors have."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        tools = {tool.name: tool for tool in await self.list_tools()}
        try:
            if name not in tools:
                raise unknown_name("tool", name, tools)
            known = tools[name].input_schema["properties"]
            if odd := sorted(set(arguments) - set(known)):
                raise unknown_name("argument", odd[0], known)
        except MetalearnError as error:
            raise ToolError(str(error)) from None
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            wrong = error.__cause__.errors()[0]
            where = ".".join(str(part) for part in wrong["loc"])
            given = "is missing" if wrong["type"] == "missing" else f"is {str(wrong['input'])[:80]!r}"
            message = f"The argument {where!r} of {name} {given}. Expected: {wrong['msg'].lower()}. Correct it; the tool's input schema has its type."
            raise ToolError(message) from None


def make_server(
    folders: Folders,
    advisors: Advisors,
    *,
    knowledge_base: KnowledgeBase | None = None,
    store: Store | None = None,
    allow_tune: bool = False,
) -> Any:
    """Return the server.

    Parameters
    ----------
    folders : Folders
        What may be read.
    advisors : Advisors
        Where advisors are saved.
    knowledge_base : KnowledgeBase or None, default=None
        What to learn from; None takes the bundled one.
    store : Store or None, default=None
        Where results may be recorded.
    allow_tune : bool, default=False
        Whether there is a tool that fits models.

    Returns
    -------
    MCPServer
        Ready to run.
    """
    tools = Tools(folders, advisors, knowledge_base, store)
    server = _Server(
        "metalearn", title="metalearn", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    one_at_a_time = threading.Lock()  # warnings and caches are the process's; a call takes a fraction of a second
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    adding = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    offered: list[tuple[Callable[..., Any], ToolAnnotations]] = [
        *((tool, reading) for tool in (tools.describe, tools.recommend, tools.code, tools.kb_search)),
        *((tool, adding) for tool in (tools.start, tools.ask, tools.tell, tools.finish, tools.record)),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that an answer has a field that pydantic's models have, too
        for tool, hints in offered:
            server.add_tool(_guarded(flat(tool), tools, one_at_a_time), annotations=hints)
        if allow_tune:
            server.add_tool(_guarded_search(flat(tools.tune)), annotations=adding)
    return server


def _give_back() -> None:
    """Return freed memory to the system, which allocators keep: a server runs for days."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError, TypeError):  # glibc has this, others need it less
        ctypes.CDLL(None).malloc_trim(0)


def _failed(error: Exception, table: NamedTable | None = None) -> CallToolResult:
    text = str(error) or type(error).__name__
    text = text if table is None else without_cells(text, table)
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _guarded(tool: Callable[P, Any], tools: Tools, lock: threading.Lock) -> Callable[P, Any]:
    """Turn errors into answers, and keep warnings of libraries off the error stream."""

    @wraps(tool)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        with lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return tool(*args, **kwargs)
            except (MetalearnError, OSError, MemoryError) as error:
                return _failed(error, tools.table)
            finally:
                tools.table = None
                _give_back()

    return guarded


def _guarded_search(tool: Callable[P, Any]) -> Callable[P, Any]:
    @wraps(tool)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await tool(*args, **kwargs)
        except (MetalearnError, OSError) as error:
            return _failed(error)

    return guarded
