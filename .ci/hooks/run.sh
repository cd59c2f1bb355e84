#!/usr/bin/env bash
# Test every hook against its real tool. No environment holds them all, so each group of tools gets its own:
#   bash .ci/hooks/run.sh                  # all groups
#   bash .ci/hooks/run.sh light nevergrad  # some of them
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

# the test files and pages of each group
tests_of() {
  case $1 in
    light) echo "optuna sklearn flaml hyperopt smac skopt bayesopt live" ;;
    *) echo "$1" ;;
  esac
}

run() {
  local group=$1 python="$environments/$1/bin/python"
  printf '\n== hooks: %s\n' "$group"
  [ -x "$python" ] || python3 -m venv "$environments/$group"
  "$python" -m pip install -r "$here/$group.txt"
  # PyCaret holds old versions of what metalearn requires: it stands beside them
  if [ "$group" = pycaret ]; then "$python" -m pip install --no-deps .; else "$python" -m pip install .; fi
  local files="tests/hooks/test_strict.py" words=""
  for tool in $(tests_of "$group"); do
    files="$files tests/hooks/test_$tool.py"
    words="$words or $tool"
  done
  if [ "$group" = ray ]; then files="$files tests/building/test_ray.py"; fi
  # "warnings are errors" holds for our code; each tool has warnings of its own
  "$python" -m pytest -m "" -o filterwarnings= -p no:cacheprovider $files
  "$python" -m pytest -m "" -o filterwarnings= -p no:cacheprovider tests/hooks/test_docs.py -k "${words# or }"
}

[ $# -gt 0 ] || set -- light nevergrad syne_tune ax autogluon ray pycaret
for group in "$@"; do run "$group"; done
