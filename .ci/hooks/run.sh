#!/usr/bin/env bash
# Test every hook against its real tool, at the newest versions that go together:
#   bash .ci/hooks/run.sh                     # all environments
#   bash .ci/hooks/run.sh nevergrad pycaret   # some of them
#   bash .ci/hooks/run.sh install nevergrad   # make the environment only; then: test nevergrad
# Environments are kept in HOOK_ENVIRONMENTS if it is set, else in a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=.ci/hooks
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export UV_FIND_LINKS="${PIP_FIND_LINKS:-}" # where pip finds a build of torch without CUDA
unset PYTHONDONTWRITEBYTECODE

if [ -n "${HOOK_ENVIRONMENTS:-}" ]; then
  environments=$HOOK_ENVIRONMENTS
else
  environments=$(mktemp -d)
  trap 'rm -rf "$environments"' EXIT
fi
command -v uv > /dev/null || {
  python3 -m venv "$environments/tools"
  "$environments/tools/bin/pip" install uv
  PATH="$environments/tools/bin:$PATH"
}

# nevergrad holds an old bayesian-optimization, PyCaret an old scikit-learn; all others share an environment, of which
# light holds the part that needs no 2.5 GB
tools_of() {
  case $1 in
    light) echo "optuna sklearn flaml hyperopt smac skopt bayesopt live" ;;
    together) echo "optuna sklearn flaml hyperopt smac skopt bayesopt live ax syne_tune autogluon ray" ;;
    *) echo "$1" ;;
  esac
}

install() {
  local name=$1 started=$SECONDS
  export VIRTUAL_ENV="$environments/$name"
  [ -x "$VIRTUAL_ENV/bin/python" ] || uv venv -q --python python3 "$VIRTUAL_ENV"
  # PyCaret holds old versions of what metalearn requires: it stands beside them
  if [ "$name" = pycaret ]; then
    uv pip install -q -r "$here/$name.txt"
    uv pip install -q --no-deps .
  else
    uv pip install -q -r "$here/$name.txt" .
    uv pip check
  fi
  printf '== hooks: %s is installed after %d s\n' "$name" $((SECONDS - started))
}

run() {
  local name=$1 started=$SECONDS python="$environments/$1/bin/python" files="" words="" tool
  printf '\n== hooks: %s\n' "$name"
  for tool in $(tools_of "$name"); do
    files="$files tests/hooks/test_$tool.py"
    words="$words or $tool"
  done
  case $name in light | together) files="$files tests/hooks/test_every_tool.py" ;; esac
  if [ "$name" = together ]; then files="$files tests/building/test_ray.py tests/models/test_foundation.py"; fi
  # "warnings are errors" holds for our code; each tool has warnings of its own
  "$python" -m pytest -m "" -o filterwarnings= -p no:cacheprovider --durations=12 $files
  "$python" -m pytest -m "" -o filterwarnings= -p no:cacheprovider tests/hooks/test_docs.py -k "${words# or }"
  printf '== hooks: %s took %d s\n' "$name" $((SECONDS - started))
}

steps="install run"
case ${1:-} in
  install) steps=install; shift ;;
  test) steps=run; shift ;;
esac
[ $# -gt 0 ] || set -- together nevergrad pycaret
for name in "$@"; do
  for each in $steps; do "$each" "$name"; done
done
