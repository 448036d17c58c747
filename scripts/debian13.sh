#!/usr/bin/env bash
# Valkey 8 and RabbitMQ 4, as Debian 13 has them, on an older Debian or Ubuntu: installed into a folder of their own, so
# that the tests can be run against them as well. Wants root.
#
#   scripts/debian13.sh install   installs both; does nothing when that was done
#   scripts/debian13.sh path      prints a folder with valkey-server, rabbitmq-server, rabbitmqctl and epmd: with it in
#                                 front of PATH the tests (and npm start) run those instead of the system's:
#                                     PATH="$(scripts/debian13.sh path):$PATH" npm test -- storage publisher
#   scripts/debian13.sh start     starts one of each and prints where they are:
#                                     eval "$(scripts/debian13.sh start)" && npm test -- storage publisher/rabbitmq
#   scripts/debian13.sh stop      stops those two
#   scripts/debian13.sh remove    stops them and deletes the folder
#
# DEBIAN13_DIR is the folder (default /var/tmp/stream-poller-debian13), VALKEY_PORT and RABBITMQ_PORT choose the ports.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${DEBIAN13_DIR:-/var/tmp/stream-poller-debian13}
valkey_port=${VALKEY_PORT:-16379}
rabbitmq_port=${RABBITMQ_PORT:-15673}
dist_port=$((rabbitmq_port + 1))
epmd_port=$((rabbitmq_port + 2))
bin=$dir/bin
system=$dir/system
data=$dir/data

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
  for shared in /proc /dev /tmp "$root" "$data"; do
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
  mkdir -p "$system" "$bin" "$data"
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

# A process id alone proves nothing: ids are reused.
running() {
  [ -e "$data/$1.pid" ] && grep -qa "$2" "/proc/$(cat "$data/$1.pid")/cmdline" 2>/dev/null
}

launch() {
  local name=$1
  shift
  setsid "$@" >"$data/$name.log" 2>&1 </dev/null &
  echo $! >"$data/$name.pid"
}

wait_for() {
  local what=$1 port=$2
  for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.2
  done
  fail "$what does not answer on port $port; see $data"
}

start_both() {
  install_both
  mkdir -p "$data/rabbitmq" "$data/valkey"
  if ! running valkey valkey-server; then
    launch valkey "$bin/valkey-server" --port "$valkey_port" --bind 127.0.0.1 --dir "$data/valkey" --save ''
  fi
  if ! running rabbitmq beam.smp; then
    [ -s "$data/rabbitmq/.erlang.cookie" ] || head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$data/rabbitmq/.erlang.cookie"
    chmod 400 "$data/rabbitmq/.erlang.cookie"
    echo '[].' >"$data/rabbitmq/enabled_plugins"
    local env=(
      HOME="$data/rabbitmq"
      ERL_EPMD_PORT=$epmd_port ERL_EPMD_ADDRESS=127.0.0.1
      RABBITMQ_NODENAME=debian13@localhost
      RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$rabbitmq_port RABBITMQ_DIST_PORT=$dist_port
      RABBITMQ_BASE="$data/rabbitmq" RABBITMQ_MNESIA_BASE="$data/rabbitmq/mnesia" RABBITMQ_LOG_BASE="$data/rabbitmq/log"
      RABBITMQ_ENABLED_PLUGINS_FILE="$data/rabbitmq/enabled_plugins"
      RABBITMQ_GENERATED_CONFIG_DIR="$data/rabbitmq/generated"
      RABBITMQ_ALLOW_INPUT=1 RABBITMQ_SERVER_START_ARGS=-noinput
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false'
    )
    running epmd epmd || launch epmd env "${env[@]}" "$bin/epmd" -port "$epmd_port" -address 127.0.0.1
    launch rabbitmq env "${env[@]}" "$bin/rabbitmq-server"
  fi
  wait_for Valkey "$valkey_port"
  wait_for RabbitMQ "$rabbitmq_port"
  echo "export TEST_REDIS_URL=redis://127.0.0.1:$valkey_port RABBITMQ4_URL=amqp://guest:guest@127.0.0.1:$rabbitmq_port"
}

stop_one() {
  running "$1" "$2" || return 0
  local pid
  pid=$(cat "$data/$1.pid")
  kill "$pid"
  for _ in $(seq 100); do
    running "$1" "$2" || break
    sleep 0.2
  done
  ! running "$1" "$2" || kill -9 "$pid"
  rm -f "$data/$1.pid"
}

stop_both() {
  stop_one rabbitmq beam.smp
  stop_one epmd epmd
  stop_one valkey valkey-server
}

case "${1:-}" in
  install) install_both ;;
  path)
    install_both
    echo "$bin"
    ;;
  start) start_both ;;
  stop) stop_both ;;
  remove)
    stop_both
    rm -rf --one-file-system "$dir"
    ;;
  *)
    sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
    exit 2
    ;;
esac
