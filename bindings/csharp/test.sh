#!/bin/sh
# Builds the .NET binding against a build folder ($1) and runs its tests. The last line is "N passed, N failed".
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export AtollBuildDir="$build" AtollOutput="$build/csharp" MSBUILDDISABLENODEREUSE=1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_ROLL_FORWARD=Major
export LD_LIBRARY_PATH="$build/bindings/swig:$build/core/api${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
log="$build/csharp-build.log"
if ! dotnet build "$here/tests" -v quiet >"$log" 2>&1; then
    cat "$log"
    echo "0 passed, 1 failed"
    exit 1
fi
shift
exec dotnet "$AtollOutput/bin/Atoll.Realms.Tests/debug/Atoll.Realms.Tests.dll" "$@"
