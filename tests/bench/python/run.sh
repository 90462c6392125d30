#!/bin/sh
# Attribute access in Python. Use: run.sh BUILD FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
site=$("$here/../../../bindings/python/site.sh" "$1")
PYTHONPATH=$site exec /usr/bin/python3 "$here/access.py" "$2/python-access.atoll"
