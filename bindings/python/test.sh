#!/bin/sh
# Runs the tests of the Python binding against a build. Use: test.sh BUILD [pytest arguments]
# The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
site=$("$here/site.sh" "$build") || { echo "0 passed, 1 failed"; exit 1; }
report=$(mktemp)
trap 'rm -f "$report"' EXIT
PYTHONPATH=$site ATOLL_BUILD=$build PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -X faulthandler -m pytest -q -p no:cacheprovider --junit-xml="$report" "$@" "$here/tests"
code=$?
/usr/bin/python3 - "$report" "$code" <<'PY'
import sys
import xml.etree.ElementTree as tree

report, code = sys.argv[1], int(sys.argv[2])
try:
    suite = tree.parse(report).getroot().find("testsuite").attrib
    failed = int(suite["failures"]) + int(suite["errors"])
    passed = int(suite["tests"]) - failed - int(suite["skipped"])
except Exception:  # the run crashed before it could report
    passed, failed = 0, 1
if code != 0 and failed == 0:
    failed = 1
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
PY
