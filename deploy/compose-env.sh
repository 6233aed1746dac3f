#!/usr/bin/env bash
# Writes .env for docker compose: a password and a token, random, made once; readable by the owner alone.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -e .env ] && exit 0
umask 077
secret() { head -c 32 /dev/urandom | base64 | tr -d '+/=\n'; } # stands in a URL
printf 'POSTGRES_PASSWORD=%s\nROADWATCH_TOKEN=%s\n' "$(secret)" "$(secret)" > .env
