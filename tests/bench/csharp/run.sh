#!/bin/sh
# Attribute access in C#. Use: run.sh BUILD FOLDER
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export AtollBuildDir="$build" AtollOutput="$build/csharp" MSBUILDDISABLENODEREUSE=1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_ROLL_FORWARD=Major DOTNET_TieredPGO=1
export LD_LIBRARY_PATH="$build/bindings/swig:$build/core/api${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
dotnet build "$here" -c Release -v quiet 1>&2
exec dotnet "$AtollOutput/bin/Access/release/Atoll.Bench.Access.dll" "$2/csharp-access.atoll"
