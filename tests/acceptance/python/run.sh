#!/bin/sh
# Runs the acceptance programs in Python against a build. Use: run.sh BUILD
# The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
site=$("$here/../../../bindings/python/site.sh" "$build") || { echo "0 passed, 1 failed"; exit 1; }
passed=0
failed=0
for program in flow1 flow2 flow3; do
    if ATOLL_BUILD=$build PYTHONPATH=$site:$here PYTHONDONTWRITEBYTECODE=1 timeout 120 \
        /usr/bin/python3 -X faulthandler "$here/$program.py"; then
        passed=$((passed + 1))
    else
        echo "FAILED: python $program"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
