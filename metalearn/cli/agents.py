"""The command that serves coding agents: mcp."""

import threading
from importlib import import_module
from pathlib import Path

import click

from metalearn._installation import install_command
from metalearn.cli.base import clear_errors, knowledge_base_option
from metalearn.exceptions import MissingExtraError

__all__ = ["mcp"]


@click.command()
@click.option(
    "--folder",
    "folders",
    metavar="DIR",
    multiple=True,
    help="Folder whose tables may be read, again for another one; default: the working directory.",
)
@click.option("--store", metavar="PATH|URL", help="Store to which results may be recorded; default: none.")
@knowledge_base_option
@click.option("--allow-tune", is_flag=True, help="Offer a tool that fits models, and writes them if asked to.")
@click.option(
    "--max-megabytes", type=click.IntRange(min=1), default=200, show_default=True, help="Largest table, unpacked."
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where advisors are saved; default: the user's folder for application data.",
)
@clear_errors
def mcp(
    folders: tuple[str, ...],
    store: str | None,
    knowledge_bases: tuple[str, ...],
    allow_tune: bool,
    max_megabytes: int,
    state: Path | None,
) -> None:
    """Serve coding agents over the Model Context Protocol, on standard input and output.

    A client starts it. It reads tables in the given folders only, uses no network, and fits no model unless allowed to.

    \b
    Examples:
      metalearn mcp --folder data
      metalearn mcp --folder data --store sqlite:///team.db --allow-tune
    """
    try:
        server_module = import_module("metalearn.mcp._server")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("metalearn"):
            raise
        message = f"The package {error.name!r} is not installed. Expected the extra 'mcp'. Install it: {install_command('mcp')}"
        raise MissingExtraError(message) from error
    from metalearn.api import open_knowledge_base, open_store, recommend  # noqa: PLC0415 - --help stays fast
    from metalearn.mcp.advisors import Advisors  # noqa: PLC0415
    from metalearn.mcp.folders import Folders  # noqa: PLC0415
    from metalearn.table.read import read_table  # noqa: PLC0415

    allowed = Folders.of(folders, max_megabytes=max_megabytes)
    known = open_knowledge_base(list(knowledge_bases)) if knowledge_bases else None
    if state is None:
        from platformdirs import user_data_path  # noqa: PLC0415

        state = user_data_path("metalearn", appauthor=False) / "advisors"
    server = server_module.make_server(
        allowed,
        Advisors(state, known),
        knowledge_base=known,
        store=None if store is None else open_store(store),
        allow_tune=allow_tune,
    )

    def warm() -> None:
        table = read_table("iris")
        recommend(table.X, table.y, n=1)

    threading.Thread(target=warm, daemon=True).start()  # what is slow to load is there when the first question comes
    server.run("stdio")
