#!/bin/sh
# tests/toml-suite.sh - every case of a toml-test checkout, as TAP.
#
# Usage: toml-suite.sh [PATH-OF-toml_decode]
# TOML_TEST names the checkout (default ../shared/toml-test beside the source root); its file
# `files` lists the cases.  Without an argument toml_decode is compiled here.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
suite=${TOML_TEST:-$root/../shared/toml-test}

if [ ! -r "$suite/files" ]; then
	echo "1..0 # SKIP no toml-test checkout (set TOML_TEST)"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
decoder=${1:-}
if [ -z "$decoder" ]; then
	decoder=$work/toml_decode
	${CC:-cc} -std=gnu17 -D_GNU_SOURCE -I"$root/src" ${CFLAGS:-} -o "$decoder" \
		"$root/tests/toml_decode.c" "$root"/src/toml/*.c "$root"/src/diag/*.c \
		"$root"/src/base/*.c -lm
fi

python3 - "$suite" "$decoder" <<'PYTHON'
import datetime, json, math, os, re, subprocess, sys

suite, decoder = sys.argv[1:]
cases = [line.strip() for line in open(os.path.join(suite, "files")) if line.strip()]
cases = [case for case in cases if case.endswith(".toml")]
names = "".join(os.path.join(suite, case) + "\n" for case in cases)
run = subprocess.run([decoder], input=names.encode(), stdout=subprocess.PIPE)
answers = run.stdout.decode("utf-8").split("\n")


def moment(text):
    """A date or time with its fraction as a number, so that .6 and .600 are the same."""
    text = text.upper().replace(" ", "T").replace("-00:00", "Z").replace("+00:00", "Z")
    match = re.fullmatch(r"(.*?)(\.\d+)?(Z|[+-]\d\d:\d\d)?", text)
    if "T" not in text and ":" not in text:
        return text
    return match.group(1), float(match.group(2) or 0), match.group(3)


def number(text):
    value = float(text)
    return "nan" if math.isnan(value) else value


MEANING = {
    "string": str, "bool": str, "integer": int, "float": number, "datetime": moment,
    "datetime-local": moment, "date-local": moment, "time-local": moment,
}


def plain(value):
    if isinstance(value, list):
        return [plain(item) for item in value]
    if set(value) == {"type", "value"} and isinstance(value["type"], str):
        return value["type"], MEANING[value["type"]](value["value"])
    return {key: plain(item) for key, item in value.items()}


failed = 0
for index, case in enumerate(cases):
    answer = answers[index] if index < len(answers) else "?no answer"
    if case.startswith("invalid/"):
        why = None if re.match(r"![1-9]\d*:[1-9]\d*: C\d{3} .", answer) else answer
    elif answer[:1] in ("!", "?", ""):
        why = answer
    else:
        wanted = json.load(open(os.path.join(suite, case[:-4] + "json"), encoding="utf-8"))
        got = json.loads(answer)
        why = None if plain(got) == plain(wanted) else answer
    failed += why is not None
    print(f"{'ok' if why is None else 'not ok'} {index + 1} - {case}")
    if why is not None:
        print(f"# {why}")
if run.returncode:
    print(f"# the decoder ended with {run.returncode}")
print(f"1..{len(cases)}")
sys.exit(1 if failed or run.returncode or not cases else 0)
PYTHON
