#!/usr/bin/env bash
# Valkey 8 and RabbitMQ 4, as Debian 13 has them, on an older Debian or Ubuntu: installed into a folder of their own, so
# that the tests can be run against them as well. Wants root.
#
#   scripts/debian13.sh path      installs both where that was not done, and prints a folder with valkey-server,
#                                 rabbitmq-server, rabbitmqctl and epmd: with it in front of PATH the tests (and
#                                 npm start) run those instead of the system's:
#                                     PATH="$(scripts/debian13.sh path):$PATH" npm test -- storage publisher
#   scripts/debian13.sh remove    deletes what was installed
#
# DEBIAN13_DIR is the folder (default /var/tmp/stream-poller-debian13).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${DEBIAN13_DIR:-/var/tmp/stream-poller-debian13}
bin=$dir/bin
system=$dir/system

say() { echo "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# A program of the other system, in its own view of the files: the folders that both sides need are mounted for this
# process alone, so that nothing is left behind when it ends and nothing of ours can be deleted with the folder.
wrapper() {
  cat >"$bin/$1" <<WRAPPER
#!/bin/sh
exec unshare --mount -- /bin/sh -c '
  for shared in /proc /dev /tmp "$root"; do
    mkdir -p "$system\$shared" && mount --rbind "\$shared" "$system\$shared" || exit 1
  done
  exec chroot "$system" /bin/sh -c "cd \"\\\$0\" 2>/dev/null; exec \"\\\$@\"" "\$0" "\$@"
' "\$PWD" $2 "\$@"
WRAPPER
  chmod 755 "$bin/$1"
}

install_both() {
  [ -e "$dir/complete" ] && return
  [ "$(id -u)" = 0 ] || fail 'only root can install another system into a folder'
  if ! command -v debootstrap >/dev/null; then
    say 'installing debootstrap'
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap >&2
  fi
  local from
  from=$(mirror)
  [ -n "$from" ] || fail "no mirror of Debian among this machine's package sources (apt-get update may be missing)"
  # What an interrupted attempt left is of no use to debootstrap.
  rm -rf "$system"
  mkdir -p "$system" "$bin"
  say "installing Debian 13 into $system: takes some minutes"
  debootstrap --variant=minbase trixie "$system" "$from" >"$dir/install.log" 2>&1 || fail "failed; see $dir/install.log"
  # Their own services are not to be started.
  printf '#!/bin/sh\nexit 101\n' >"$system/usr/sbin/policy-rc.d"
  chmod 755 "$system/usr/sbin/policy-rc.d"
  echo '127.0.0.1 localhost' >"$system/etc/hosts"
  say 'installing Valkey and RabbitMQ'
  DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$system" \
    apt-get install -y -qq --no-install-recommends valkey-server rabbitmq-server >>"$dir/install.log" 2>&1 ||
    fail "failed; see $dir/install.log"
  wrapper valkey-server /usr/bin/valkey-server
  wrapper rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server
  wrapper rabbitmqctl /usr/lib/rabbitmq/bin/rabbitmqctl
  wrapper epmd /usr/bin/epmd
  chroot "$system" dpkg-query -W valkey-server rabbitmq-server >"$dir/versions"
  touch "$dir/complete"
  cat "$dir/versions" >&2
}

case "${1:-}" in
  path)
    install_both
    echo "$bin"
    ;;
  remove) rm -rf --one-file-system "$dir" ;;
  *)
    sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
    exit 2
    ;;
esac
