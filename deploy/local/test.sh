#!/usr/bin/env bash
# All tests: those in the browser (a pytest of their own, Playwright's loop suffers no other) beside all the others, each on servers that it starts itself.
# The browser's are shown when they are done; the last line of all is the others' summary. Ends with 1 if either failed.
set -uo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .local
browser=.local/test-browser.log others=.local/test-others.log
.venv/bin/pytest tests/e2e >"$browser" 2>&1 &
first=$!
trap 'kill "$first" 2>/dev/null' EXIT
.venv/bin/pytest tests --ignore tests/e2e 2>&1 | tee "$others"
second=$?
wait "$first"
first_ended=$?
trap - EXIT
echo "tests/e2e:"
cat "$browser"
tail -n 1 "$others"
exit $((first_ended || second))
