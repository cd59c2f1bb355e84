"""Run the command line with ``python -m metalearn``."""

from metalearn.cli import main

__all__: list[str] = []

main(prog_name="metalearn")
