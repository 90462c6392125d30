#!/bin/sh
# Tests of the C++ SDK: test.sh BUILD. The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
out=$build/bindings/cpp
mkdir -p "$out"
cxx=${CXX:-g++}
flags="-std=c++17 -Wall -Wextra -Werror -I$here/include -I$here/../../core/include"
passed=0
failed=0
note() { # note RESULT NAME
    if [ "$1" = 0 ]; then passed=$((passed + 1)); echo "ok $2"; else failed=$((failed + 1)); echo "FAILED $2"; fi
}

# Each header is complete by itself.
for header in $(cd "$here/include" && find cpprealm -name '*.hpp'); do
    echo "#include <$header>" > "$out/one.cpp"
    $cxx $flags -fsyntax-only "$out/one.cpp"
    note $? "header $header compiles alone"
done

# What must not compile says why.
$cxx $flags -fsyntax-only "$here/tests/asymmetric_query.cpp"
note $? "adding an asymmetric object compiles"
for what in QUERY SUBSCRIBE LINK; do
    $cxx $flags -D$what -fsyntax-only "$here/tests/asymmetric_query.cpp" > "$out/errors" 2>&1
    code=$?
    [ $code != 0 ] && grep -q "an asymmetric class can't be" "$out/errors"
    note $? "$what of an asymmetric class does not compile"
done

for suite in sdk_test types_test modes_test collections_test migration_test; do
    if ! $cxx $flags -g "$here/tests/$suite.cpp" -o "$out/$suite" -L"$build/core/api" -latoll -Wl,-rpath,"$build/core/api" -pthread; then
        failed=$((failed + 1))
        continue
    fi
    "$out/$suite" > "$out/$suite.log" 2>&1
    code=$?
    cat "$out/$suite.log"
    last=$(tail -n 1 "$out/$suite.log")
    case "$last" in
    *" passed, "*" failed")
        passed=$((passed + ${last%% *}))
        failed=$((failed + $(echo "$last" | sed 's/.*, \([0-9]*\) failed/\1/')))
        ;;
    *) echo "$suite ended with $code"; failed=$((failed + 1)) ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
