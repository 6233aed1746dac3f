#!/usr/bin/env bash
# Checks a kept Roadwatch webhook with openssl alone; exit code 0: genuine.
#
#   WEBHOOK_SECRET=whsec_... check.sh ID TIMESTAMP SIGNATURES < body        (or whpk_..., the public key of an ed25519 endpoint)
#
# A delivery can be kept with any server that prints what it gets; the body must be the bytes as they came.
set -euo pipefail
id=$1 timestamp=$2 signatures=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[[ $timestamp =~ ^[0-9]{1,12}$ ]] || exit 1
age=$(($(date +%s) - timestamp))
((age <= 300 && age >= -300)) || exit 1
{ printf '%s.%s.' "$id" "$timestamp"; cat; } > "$folder/text"
key=${WEBHOOK_SECRET#*_}
case $WEBHOOK_SECRET in
  whsec_*)
    hex=$(printf %s "$key" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    expected=v1,$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary "$folder/text" | base64 -w0)
    for one in $signatures; do [[ $one == "$expected" ]] && exit 0; done
    ;;
  whpk_*)
    { printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; printf %s "$key" | base64 -d; } > "$folder/key"
    for one in $signatures; do
      [[ $one == v1a,* ]] || continue
      printf %s "${one#v1a,}" | base64 -d > "$folder/signature" 2> /dev/null || continue
      openssl pkeyutl -verify -pubin -inkey "$folder/key" -keyform DER -rawin -in "$folder/text" -sigfile "$folder/signature" > /dev/null 2>&1 && exit 0
    done
    ;;
esac
exit 1
