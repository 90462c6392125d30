#!/bin/sh
# Runs the tests of the Python binding against a build, and uses its wheel from outside. Use: test.sh BUILD [pytest arguments]
# With pytest arguments only what they choose is run. The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
site=$("$here/site.sh" "$build") || { echo "0 passed, 1 failed"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PYTHONPATH=$site ATOLL_BUILD=$build PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -X faulthandler -m pytest -q -p no:cacheprovider --junit-xml="$work/report.xml" "$@" "$here/tests"
code=$?
counts=$(
    /usr/bin/python3 - "$work/report.xml" "$code" <<'PY'
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
print(passed, failed)
PY
)
passed=${counts% *}
failed=${counts#* }
if [ $# -eq 0 ]; then
    if /usr/bin/python3 -m pip wheel --quiet --no-build-isolation --no-deps --no-index -w "$work/packages" "$here/wheel" \
        --config-settings=setup-args=-Dbuild_folder="$build" && "$here/wheel/consume.sh" "$work/packages"; then
        passed=$((passed + 1))
    else
        echo "FAILED: the wheel, used from outside"
        failed=$((failed + 1))
    fi
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
