#!/bin/sh
# Builds the program that must not compile; the compiler's errors must be those that its source marks, and no others.
set -u
here=$(cd "$(dirname "$0")" && pwd)
output=$(dotnet build "$here/refused" -v quiet -p:BuildProjectReferences=false 2>&1)
if [ $? -eq 0 ]; then
    echo "the program compiled, although it queries asymmetric classes"
    exit 1
fi
found=$(echo "$output" | sed -n 's/.*Program\.cs(\([0-9]*\),[0-9]*): error \([A-Z0-9]*\):.*/\1 \2/p' | sort -un)
others=$(echo "$output" | grep ': error ' | grep -v 'Program\.cs([0-9]*,[0-9]*): error CS' || true)
expected=$(grep -n '// refused: ' "$here/refused/Program.cs" | sed 's/^\([0-9]*\):.*refused: \([A-Z0-9]*\)$/\1 \2/')
if [ -n "$others" ] || [ "$found" != "$expected" ]; then
    echo "expected these errors (line, code):"
    echo "$expected"
    echo "found:"
    echo "$output"
    exit 1
fi
echo "refused: the compiler reports $(echo "$found" | wc -l) lines, as marked"
