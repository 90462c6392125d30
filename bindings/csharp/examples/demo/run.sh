#!/bin/sh
# The C# client of tools/demo. Use: run.sh BUILD BASE_URL APP_ID ROLE_JSON
set -eu
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
export AtollBuildDir="$build" AtollOutput="$build/csharp" MSBUILDDISABLENODEREUSE=1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_ROLL_FORWARD=Major
export LD_LIBRARY_PATH="$build/bindings/swig:$build/core/api${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
program=$AtollOutput/bin/Demo/debug/Atoll.Demo.dll
if [ ! -e "$program" ] || [ -n "$(find "$here" "$here/../../src" "$here/../../generator" -newer "$program" -name '*.cs')" ]; then
    dotnet build "$here" -v quiet 1>&2
fi
exec dotnet "$program" "$@"
