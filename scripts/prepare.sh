#!/bin/sh
# Makes a checkout runnable: npm packages and built programs, when missing or stale.
# Silent and a few milliseconds long when there is nothing to do. Says what it does on stderr.
# A stamp is written only at the end of each step, so an interrupted one is done again.
#
#   scripts/prepare.sh            packages and dist/
#   scripts/prepare.sh packages   packages only
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

packages_stamp=node_modules/.flotilla-installed
build_stamp=dist/.built

lack_packages() {
  [ ! -e $packages_stamp ] || [ package-lock.json -nt $packages_stamp ]
}

lack_build() {
  [ ! -e $build_stamp ] ||
    [ -n "$(find src scripts/build.ts package-lock.json -newer $build_stamp -print -quit)" ]
}

wants_build() {
  [ "${1:-}" != packages ] && lack_build
}

lack_packages || wants_build "$@" || exit 0

refuse() {
  echo "flotilla: $1" >&2
  echo "flotilla: $2" >&2
  exit 1
}

[ -w . ] || refuse "$PWD has to be set up first, and only who may write there can do that" \
  "as root: $PWD/scripts/prepare.sh"

# Two commands at once in a fresh checkout: the second waits, then finds nothing left to do.
exec 9>.prepare.lock
flock -n 9 || {
  echo 'flotilla: waiting for another command that sets this checkout up…' >&2
  flock 9
}

if lack_packages; then
  echo 'flotilla: installing npm packages…' >&2
  # Not `npm ci`: it refuses a lock file that lacks other platforms' optional packages, which some
  # registries do not carry. Versions come from the lock file all the same, and it is not changed.
  command -v npm >/dev/null || refuse 'npm is not here' 'apt-get install nodejs npm (20 or newer)'
  # Whatever the user's npm leaves out by its own settings is needed here.
  npm install --no-save --no-audit --no-fund --loglevel=error \
    --include=dev --include=optional >&2 9>&- ||
    refuse 'the npm packages were not installed' "see why above, then try again in $PWD"
  touch $packages_stamp
fi

if wants_build "$@"; then
  echo 'flotilla: building dist/…' >&2
  # What was changed while this builds is newer than the stamp, and is built the next time.
  touch .prepare.lock
  node_modules/.bin/node scripts/build.ts >&2 9>&-
  touch -r .prepare.lock $build_stamp
fi
