#!/usr/bin/env bash
# Makes .venv with everything pinned in constraints.txt; finds it done in a moment when called again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

# An activated .venv is not what the next one is made of: it goes first.
PATH=":$PATH:"
PATH="${PATH//":$PWD/.venv/bin:"/:}"
PATH="${PATH#:}"
PATH="${PATH%:}"

find_python() {
    local name
    for name in python3 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then
            printf '%s' "$name"
            return
        fi
    done
    fail "Python 3.11 or 3.12 is needed and was not found: install the package python3 (or python3.11) of your system."
}

# The folder is part of it: a virtual environment does not survive being moved.
wanted="$(pwd) $(cat pyproject.toml constraints.txt | cksum)"
is_done() {
    [ -x .venv/bin/sse-nmt ] && [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ]
}

if is_done; then exit 0; fi
# One installation at a time.
exec 9>.venv.lock
if command -v flock >/dev/null; then flock 9; fi
if is_done; then exit 0; fi

python="$(find_python)"
"$python" -c 'import venv, ensurepip' 2>/dev/null \
    || fail "Python's venv module is incomplete: install the package $python-venv."
printf 'Setting up .venv with the versions in constraints.txt (a minute or more, log in .venv.log) …\n' >&2
start=$SECONDS
. scripts/children.sh
rm -rf .venv
{
    run "$python" -m venv .venv &&
        run .venv/bin/python -m pip install --no-compile --disable-pip-version-check -c constraints.txt -e '.[graphs,tensorboard,docs,slurm,transformers,test]' &&
        # fairseq asks for it, for speech alone; what there is of it does not load beside this torch, and then neither does
        # whatever looks for it, such as transformers.
        run .venv/bin/python -m pip uninstall --yes torchaudio
} >.venv.log 2>&1 9>&- || {
    tail -n 5 .venv.log >&2
    fail "the installation failed; the whole story is in .venv.log."
}
printf '%s' "$wanted" >.venv/installed
printf '  done in %d s\n' $((SECONDS - start)) >&2
