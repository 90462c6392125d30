#!/bin/sh
# The Python client of tools/demo. Use: run.sh BUILD BASE_URL APP_ID ROLE_JSON
set -eu
here=$(cd "$(dirname "$0")" && pwd)
site=$("$here/../../site.sh" "$1")
shift
PYTHONPATH=$site exec /usr/bin/python3 "$here/client.py" "$@"
