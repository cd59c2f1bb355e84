"""How metalearn was installed, so that advice to install an extra fits."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

__all__ = ["install_command"]

_NAME = "metalearn-recommender"


def install_command(extra: str) -> str:
    """Return the line that installs an extra from where metalearn itself came: a folder, a repository or an index."""
    try:
        source = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        source = {}
    url = str(source.get("url", ""))
    if "vcs_info" in source:
        return f'pip install "{_NAME}[{extra}] @ {source["vcs_info"]["vcs"]}+{url}"'
    folder = Path(url2pathname(urlsplit(url).path))
    if "dir_info" in source and (folder / "pyproject.toml").is_file():
        return f'pip install "{"." if folder == Path.cwd() else folder}[{extra}]"'
    return f'pip install "{_NAME}[{extra}]"'
