"""OBOE's matrix."""

from options import Options
from report import Report

from suites import public


def run(options: Options) -> Report:
    """Run the suite."""
    return public.run("oboe", options)
