#!/bin/sh
# Build the wheel, install it into an empty venv and use it from another folder.
# usage: fresh_install.sh PYTHON (one that has `build`)
set -eu
python=$1
checkout=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/llmcc-wheel.XXXXXX")
trap 'rm -rf "$folder"' EXIT

"$python" -m build --wheel --outdir "$folder/dist" "$checkout" >"$folder/build.log" 2>&1 || {
    tail -n 30 "$folder/build.log" >&2
    exit 1
}
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -qq "$folder"/dist/*.whl

cd "$folder"
export LLMCC_DIR="$folder/cache"
# A folder of the same name beside the user's sources must never be what is imported.
mkdir backends training
echo 'raise SystemExit("the project shadowed llmcc")' | tee backends/__init__.py >training/__init__.py
"$folder/venv/bin/python" -c '
import sys
import llmcc.backends, llmcc.training, llmcc.ctl.main
loaded = {"torch", "transformers"} & set(sys.modules)
assert not loaded, f"imported without need: {loaded}"
'
"$folder/venv/bin/llmcc-ctl" --help >/dev/null
"$folder/venv/bin/python" -c '
from importlib.resources import files
for name in ("report.html", "report.css", "report.js"):
    assert files("llmcc.ctl").joinpath(name).is_file(), f"{name} is not in the wheel"
'
for page in llmcc llmcc-ctl; do
    test -s "$folder/venv/share/man/man1/$page.1"
done
cat >t.c <<'C'
#include <stdio.h>
int main(void) { puts("hello from the wheel"); return 0; }
C
"$folder/venv/bin/llmcc" -O3 t.c -o t
test "$(./t)" = "hello from the wheel"
echo "wheel: $(ls "$folder/dist") installs and works"
