#!/bin/sh
# Runs the Python examples of README.md and of the Python binding's, each in a fresh folder, as a reader would. Use: run.sh
# BUILD. The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
build=$(cd "$1" && pwd)
site=$("$root/bindings/python/site.sh" "$build")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
/usr/bin/python3 - "$root/README.md" "$work" <<'END'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.S)):
    open(f"{sys.argv[2]}/example{number}.py", "w", encoding="utf-8").write(block)
END
for example in "$work"/example*.py; do
    mkdir "$example.folder"
    output=$(cd "$example.folder" && PYTHONPATH=$site /usr/bin/python3 "$example" 2>&1)
    if [ $? = 0 ] && [ "$output" = "['Rex']" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $(basename "$example"): $output"
    fi
done
echo "$passed passed, $failed failed"
