"""Run a benchmark suite and write its results as JSON, Markdown and SVG.

python benchmarks/run.py oboe                 # leave-family-out on a public matrix
python benchmarks/run.py bundled --quick      # a minute on a part of the bundled knowledge base
python benchmarks/run.py peers --tables 12    # real fits on real tables left out; resumable, writes after each table
python benchmarks/run.py automl --seconds 60 --jobs 2 --autogluon ENVIRONMENT/bin/python
"""

import argparse
import importlib
import math
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from options import Options  # noqa: E402 - the folder is no package
from report import Report, command_line, write  # noqa: E402

from metalearn import bundled_knowledge_base  # noqa: E402
from metalearn.exceptions import MissingExtraError  # noqa: E402

SUITES = (
    "bundled",
    "own_metric",
    "oboe",
    "autosklearn2016",
    "aslib",
    "autogluon_lightgbm",
    "scale",
    "peers",
    "hooks",
    "automl",
    "tuning",
    "hpob",
    "yahpo",
    "metafeatures",
    "speed",
    "store",
    "growth",
    "checks",
    "mcp",
    "text",
)
READ = ("bundled", "own_metric", "peers", "hooks", "automl", "tuning", "metafeatures", "growth")
"""Suites that use the knowledge base that --knowledge-base names."""
SHIPPED = ("speed", "store", "mcp")
"""Suites that use the one that the package ships, whatever is named."""


def count(text: str) -> int:
    """Return a whole number from 1."""
    if int(text) < 1:
        message = f"{text} is too small. Expected 1 or more."
        raise argparse.ArgumentTypeError(message)
    return int(text)


def duration(text: str) -> float:
    """Return a number of seconds above 0."""
    if not 0 < float(text) < math.inf:
        message = f"{text} is no duration. Expected a number above 0."
        raise argparse.ArgumentTypeError(message)
    return float(text)


def existing(text: str) -> Path:
    """Return a path at which there is something."""
    if not Path(text).exists():
        message = f"There is nothing at {text}. Expected a path that exists. Correct it."
        raise argparse.ArgumentTypeError(message)
    return Path(text)


def program(text: str) -> Path:
    """Return the path of something that can be run."""
    if shutil.which(text) is None:
        message = f"{text} cannot be run. Expected the Python of an environment. Correct the path."
        raise argparse.ArgumentTypeError(message)
    return Path(text)


def main() -> None:
    """Parse the command line and run one suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--quick", action="store_true", help="a subset that takes less than a minute")
    parser.add_argument(
        "--data",
        type=existing,
        default=ROOT.parents[1] / "shared" / "benchmark_data",
        help="folder of public data; default: shared/benchmark_data beside the project",
    )
    parser.add_argument("--knowledge-base", type=existing, default=ROOT.parent / "knowledge_base" / "tables")
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where the results are written")
    parser.add_argument("--seeds", type=count, default=1, help="repetitions with other folds")
    parser.add_argument("--predict", type=Path, help="aslib: write predictions for the scenario's test part here")
    parser.add_argument("--scenario", type=existing, help="aslib: a scenario in the ASlib format; default: Oberon")
    real = parser.add_argument_group("suites on real tables: peers, hooks, automl")
    real.add_argument("--tables", type=count, default=30, help="how many tables, the smallest first")
    real.add_argument("--trials", type=count, default=50, help="peers, hooks: trials of each tuner")
    real.add_argument("--seconds", type=duration, default=60.0, help="automl: time budget of each tool")
    real.add_argument("--jobs", type=count, default=2, help="automl: cores of each tool")
    real.add_argument("--autogluon", type=program, help="automl: the Python of an environment that has AutoGluon")
    parser.add_argument("--yahpo", type=program, help="yahpo: the Python of an environment that has yahpo-gym")
    arguments = vars(parser.parse_args())
    if arguments["scenario"] and arguments["predict"]:
        parser.error("--predict chooses for Oberon's test part, which --scenario leaves out. Give one of them.")
    name = arguments.pop("suite")
    try:
        run(name, Options(**arguments))
    except (ModuleNotFoundError, MissingExtraError) as error:
        sys.exit(
            f"The suite {name} lacks a package: {error}. Expected it to be installed. Install it, then run this again."
        )


def run(name: str, options: Options) -> None:
    """Run one suite and write its reports."""
    suite = importlib.import_module(f"suites.{name}")
    kb = options.past if name in READ else bundled_knowledge_base() if name in SHIPPED else None
    started = time.perf_counter()
    found = suite.run(options)
    report = None
    for report in [found] if isinstance(found, Report) else found:  # long suites write what there is after each table
        write(report, options.results, command_line(name), time.perf_counter() - started, kb)
    if report is None:
        sys.exit("There are too few tables for a report yet; what was computed is kept.")
    print(f"{options.results / report.suite}.md")


if __name__ == "__main__":
    main()
