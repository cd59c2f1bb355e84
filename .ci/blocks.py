"""Rewrite the marked blocks of a Markdown file: what stands between ``<!-- name -->`` and ``<!-- /name -->``."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def refreshed(file: Path, blocks: Mapping[str, Callable[[], str]]) -> str:
    """Return the text of a file with every marked block made anew."""
    text = file.read_text(encoding="utf-8")
    for name, make in blocks.items():
        pattern = rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)"
        if not re.search(pattern, text, re.DOTALL):
            sys.exit(f"{file} has no block {name!r}. Expected <!-- {name} --> and <!-- /{name} -->.")
        block = make()
        text = re.sub(pattern, lambda m, block=block: m.group(1) + block + m.group(2), text, flags=re.DOTALL)
    return text


def rewrite(file: Path, blocks: Mapping[str, Callable[[], str]], command: str) -> None:
    """Write a file's blocks anew, or with --check end the program if they are out of date."""
    text = refreshed(file, blocks)
    if "--check" not in sys.argv:
        file.write_text(text, encoding="utf-8")
    elif text != file.read_text(encoding="utf-8"):
        sys.exit(f"{file.name} is out of date. Run: {command}")
