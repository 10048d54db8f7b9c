#!/bin/sh
# Open the desk; the first time, install it from the wheels in this folder.
cd "$(dirname "$0")" || exit 1
python=$(command -v python{python} || command -v python3)
[ -e .venv/complete ] || "$python" install.py || exit 1
exec .venv/bin/allot desk scenarios "$@"
