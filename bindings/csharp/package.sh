#!/bin/sh
# Puts Atoll.Realms.*.nupkg into the folder packages of a build folder ($1).
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export AtollBuildDir="$build" AtollOutput="$build/csharp" MSBUILDDISABLENODEREUSE=1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet build "$here/src" -c Release -v quiet
dotnet pack "$here/src" -c Release --no-build -v quiet
ls "$build"/packages/Atoll.Realms.*.nupkg
