#!/bin/sh
# Makes a checkout runnable: npm packages and built programs, when missing or stale.
# Silent and a few milliseconds long when there is nothing to do. Says what it does on stderr.
#
#   scripts/prepare.sh            packages and dist/
#   scripts/prepare.sh packages   packages only
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'flotilla: installing npm packages (npm ci)…' >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
[ "${1:-}" = packages ] && exit 0

if [ ! -e dist/.built ] || [ -n "$(find src scripts/build.ts package.json -newer dist/.built -print -quit)" ]; then
  echo 'flotilla: building dist/…' >&2
  node_modules/.bin/node scripts/build.ts >&2
fi
