#!/usr/bin/env bash
# Test every hook against its real tool, at the newest versions that go together:
#   bash .ci/hooks/run.sh                     # all environments
#   bash .ci/hooks/run.sh nevergrad pycaret   # some of them
# Environments are kept in HOOK_ENVIRONMENTS if it is set, else in a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=.ci/hooks
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

if [ -n "${HOOK_ENVIRONMENTS:-}" ]; then
  environments=$HOOK_ENVIRONMENTS
else
  environments=$(mktemp -d)
  trap 'rm -rf "$environments"' EXIT
fi

# nevergrad holds an old bayesian-optimization, PyCaret an old scikit-learn; all others share an environment, of which
# light holds the part that needs no 7 GB
tools_of() {
  case $1 in
    light) echo "optuna sklearn flaml hyperopt smac skopt bayesopt live" ;;
    together) echo "optuna sklearn flaml hyperopt smac skopt bayesopt live ax syne_tune autogluon ray" ;;
    *) echo "$1" ;;
  esac
}

run() {
  local name=$1 python="$environments/$1/bin/python"
  printf '\n== hooks: %s\n' "$name"
  [ -x "$python" ] || python3 -m venv "$environments/$name"
  "$python" -m pip install -r "$here/$name.txt"
  # PyCaret holds old versions of what metalearn requires: it stands beside them
  if [ "$name" = pycaret ]; then "$python" -m pip install --no-deps .; else "$python" -m pip install .; fi
  printf '== hooks: %s is installed after %d s\n' "$name" $((SECONDS - started))
  local files="" words=""
  for tool in $(tools_of "$name"); do
    files="$files tests/hooks/test_$tool.py"
    words="$words or $tool"
  done
  case $name in light | together) files="$files tests/hooks/test_every_tool.py" ;; esac
  if [ "$name" = together ]; then files="$files tests/building/test_ray.py"; fi
  # "warnings are errors" holds for our code; each tool has warnings of its own
  "$python" -m pytest -m "" -o filterwarnings= -p no:cacheprovider --durations=12 $files
  "$python" -m pytest -m "" -o filterwarnings= -p no:cacheprovider tests/hooks/test_docs.py -k "${words# or }"
  printf '== hooks: %s took %d s\n' "$name" $((SECONDS - started))
}

[ $# -gt 0 ] || set -- together nevergrad pycaret
for name in "$@"; do
  started=$SECONDS
  run "$name"
done
