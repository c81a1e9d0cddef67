#!/usr/bin/env bash
# Installs the named programs by apt where we are root; what can not be had is named, and the tests that need it skip.
set -euo pipefail

declare -A packages=([nginx]="nginx" [curl]="curl" [cargo]="cargo-web rustfmt-web|cargo rustfmt" [venv]="python3-venv" [chromium]="chromium")

missing=()
for program in "$@"; do
  command -v "$program" >/dev/null || missing+=("$program")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "not on this machine and not to be installed without root and apt: ${missing[*]}" >&2
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
for program in "${missing[@]}"; do
  IFS='|' read -ra choices <<<"${packages[$program]}"
  installed=no
  for choice in "${choices[@]}"; do
    # shellcheck disable=SC2086 # a choice is a list of packages
    if apt-get install -y -qq --no-install-recommends $choice >/dev/null 2>&1; then
      installed=yes
      break
    fi
  done
  [ $installed = yes ] || echo "apt has no $program for this machine" >&2
done
