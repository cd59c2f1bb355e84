"""Arguments that several tools take: the table and how it is read, and the wishes for a recommendation."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import Field

__all__ = ["Request", "Table", "flat"]

Columns = list[str] | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table and how it is read."""

    path: Annotated[
        str, Field(description="Path of the table, inside of the folders of the server; or iris, wine, ...")
    ]
    target: Annotated[str | None, Field(description="Name of the target column.")] = None
    problem_type: Annotated[
        Literal["binary", "multiclass", "regression"] | None, Field(description="Kind of problem; inferred by default.")
    ] = None
    categorical: Annotated[Columns, Field(description="Columns that hold categories whatever they look like.")] = None
    drop: Annotated[Columns, Field(description="Columns that are no features.")] = None
    keep: Annotated[Columns, Field(description="The only columns that are features.")] = None
    header: Annotated[
        bool | None, Field(description="Whether the first line of a CSV file names the columns; by default it must.")
    ] = None
    names: Annotated[Columns, Field(description="Names of all columns of a CSV file without a header.")] = None
    sheet: Annotated[str | None, Field(description="Sheet of an Excel file; by default the first.")] = None

    @property
    def layout(self) -> dict[str, Any]:
        """What was said of how a file is read."""
        return {name: v for name in ("header", "names", "sheet") if (v := getattr(self, name)) not in (None, [])}

    @property
    def reading(self) -> dict[str, Any]:
        """What was said of how a file is read and which columns are features, for ``read_table``."""
        return self.layout | {name: v for name in ("drop", "keep") if (v := getattr(self, name))}


@dataclass(frozen=True, kw_only=True)
class Request(Table):
    """A table, and what is wanted on it."""

    metric: Annotated[
        str | None,
        Field(
            description="Such as roc_auc, accuracy, log_loss, r2, rmse; by default one of the first three kinds of problem."
        ),
    ] = None
    families: Annotated[Columns, Field(description="Model families to choose from, such as lightgbm, linear.")] = None
    time_budget: Annotated[
        float | None,
        Field(
            description="Seconds to try the candidates with three folds each; of an advisor, on the clock from now on."
        ),
    ] = None


def flat(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Let a client give the fields of the argument ``table`` one by one; fields that the tool declares are its own."""
    signature = inspect.signature(tool)
    hints = get_type_hints(tool, include_extras=True)
    if "table" not in hints:
        return tool
    optional = NoneType in get_args(hints["table"])
    kind = next((k for k in get_args(hints["table"]) if k is not NoneType), hints["table"])
    types = get_type_hints(kind, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in signature.parameters.values() if p.name != "table"]
    taken = [field.name for field in fields(kind) if field.name not in signature.parameters]
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(kind, name, None if optional else inspect.Parameter.empty),
            annotation=types[name] | None if optional and name == "path" else types[name],
        )
        for name in taken
    ]

    @wraps(tool)
    def called(**given: Any) -> Any:
        about = {name: given.pop(name) for name in taken if name in given}
        table = None if about.get("path") is None else kind(**about)
        return tool(table=table, **given)

    called.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*shared, *own], return_annotation=hints["return"]
    )
    return called
