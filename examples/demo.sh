#!/bin/sh
# Build one program with gcc -O3 and with llmcc -O3, run both in turns, print the best time of each.
# usage: examples/demo.sh LLMCC [PROGRAM.c]
set -eu
llmcc=$1
source=${2:-$(dirname "$0")/logscan.c}
# A program may have more units, in the folder of its name.
units=$(ls "${source%.c}"/*.c 2>/dev/null || true)
folder=$(mktemp -d "${TMPDIR:-/tmp}/llmcc-demo.XXXXXX")
trap 'rm -rf "$folder"' EXIT

echo "\$ gcc   -O3 $source -o before" $units
gcc -O3 "$source" -o "$folder/before" $units
echo "\$ llmcc -O3 $source -o after" $units
LLMCC_BUDGET=${LLMCC_BUDGET:-60} "$llmcc" -O3 "$source" -o "$folder/after" $units

for turn in 1 2 3 4 5 6 7; do
    for side in before after; do
        "$folder/$side" >"$folder/$side.out" 2>>"$folder/$side.ns"
    done
done
cat "$folder/before.out"
if ! cmp -s "$folder/before.out" "$folder/after.out"; then
    echo "the outputs differ: this is a bug in llmcc" >&2
    exit 1
fi
best() { awk '$1 == "best_ns" && (!n || $2 < n) { n = $2 } END { print n }' "$folder/$1.ns"; }
awk -v before="$(best before)" -v after="$(best after)" 'BEGIN {
    printf "before: %8.1f us a scan (gcc -O3)\n", before / 1000
    printf "after:  %8.1f us a scan (llmcc -O3), same output, %.2fx as fast\n", after / 1000, before / after
}'
