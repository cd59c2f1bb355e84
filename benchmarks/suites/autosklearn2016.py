"""The matrix that auto-sklearn shipped in 2016."""

from options import Options
from report import Report

from suites import public


def run(options: Options) -> Report:
    """Run the suite."""
    return public.run("autosklearn2016", options)
