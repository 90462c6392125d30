#!/bin/sh
# Runs the acceptance programs in C# against a build. Use: run.sh BUILD [flow...]
# The last line is "N passed, N failed".
set -u
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
export AtollBuildDir="$build" AtollOutput="$build/csharp" MSBUILDDISABLENODEREUSE=1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_ROLL_FORWARD=Major
export LD_LIBRARY_PATH="$build/bindings/swig:$build/core/api${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export ATOLL_BUILD="$build" ATOLL_ACCEPTANCE="$here" PYTHONDONTWRITEBYTECODE=1
log="$build/csharp-acceptance.log"
if ! dotnet build "$here/flows" -v quiet >"$log" 2>&1; then
    cat "$log"
    echo "0 passed, 1 failed"
    exit 1
fi
passed=0
failed=0
count() {
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $*"
    fi
}
[ $# -gt 0 ] || set -- flow1 flow1-old flow2 flow3-class flow3-interface flow4 flow5 flow6 flow7 flow8 refuse
for flow in "$@"; do
    if [ "$flow" = refuse ]; then
        count "$here/refuse.sh"
    else
        count timeout 120 dotnet "$AtollOutput/bin/Flows/debug/Acceptance.Flows.dll" "$flow"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
