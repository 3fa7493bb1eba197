#!/usr/bin/env bash
# Sets up, then formatting, lint, types, documentation and tests. Further words go to pytest: scripts/test.sh tests/methods/sse -k chi
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unset PYTHONDONTWRITEBYTECODE # or each of the many processes compiles what it imports, for five seconds
./scripts/setup.sh
if [ $# -eq 0 ]; then
    .venv/bin/ruff format --check .
    .venv/bin/ruff check .
    .venv/bin/mkdocs build --strict --quiet --site-dir .site &
    pages=$!
    .venv/bin/mypy &
    types=$!
    # Compiles what four processes would each compile at once; what is wrong the tests say.
    .venv/bin/python -m pytest --collect-only -qq >/dev/null || true
    .venv/bin/python -m pytest --slow --numprocesses 4 --dist loadfile --no-loadscope-reorder -m "not alone"
    wait "$pages"
    wait "$types"
    set -- -m alone
fi
exec .venv/bin/python -m pytest --slow "$@"
