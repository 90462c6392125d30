#!/bin/sh
# Runs the client that uses stock grpcio and no Atoll library; a C# client is its other side. Use: run.sh BUILD
# The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
if ATOLL_BUILD=$build PYTHONPATH=$here/../python PYTHONDONTWRITEBYTECODE=1 timeout 180 \
    /usr/bin/python3 -X faulthandler "$here/program.py"; then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
