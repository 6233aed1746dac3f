"""`roadwatch`: the literal list of commands; each is one thin file beside this one, imported only when it is called."""

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

COMMANDS = {
    "up": ("services.cli.up", "the whole system on this machine · 在本机启动整个系统"),
    "status": ("services.cli.status", "what runs, how far it is · 运行状态"),
    "judge": ("services.cli.judge", "judge a file of positions, no server needed · 离线判定轨迹文件"),
    "replay": ("services.cli.replay", "send a file of positions into Kafka · 回放轨迹文件"),
    "simulate": ("services.cli.simulate", "a fleet that drives itself · 模拟车队"),
    "basemap": ("services.cli.basemap", "the console's offline map · 生成离线底图"),
    "import": ("services.cli.import_", "registry and map from files · 导入车辆、路线、地图与规则"),
    "admin": ("services.cli.admin", "accounts and keys · 账号与密钥"),
    "audit": ("services.cli.audit", "prove that the audit is whole · 校验审计记录"),
    "bench": ("services.cli.bench", "the speed table · 性能测量"),
    "migrate": ("services.cli.migrate", "bring the database schema up to date · 升级数据库结构"),
    "topics": ("services.cli.topics", "make the Kafka topics · 创建 Kafka 主题"),
}


def usage() -> str:
    """The text of `roadwatch --help`."""
    lines = [
        "usage: roadwatch COMMAND [options]",
        "",
        "Roadwatch 路哨: 两客一危一货、校车、包车 real-time monitoring",
        "",
    ]
    lines += [f"  {name:<9} {text}" for name, (_, text) in COMMANDS.items()]
    lines += [
        "",
        "roadwatch COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 input refused.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: runs one command, whose module has `main(arguments) -> exit code`, and ends by SystemExit."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        sys.stdout.write(usage() + "\n")
        raise SystemExit(0 if arguments else 2)
    if arguments[0] == "--version":
        sys.stdout.write(f"roadwatch {version('roadwatch')}\n")
        raise SystemExit(0)
    if arguments[0] not in COMMANDS:
        sys.stderr.write(f"roadwatch: no command {arguments[0]!r}\n\n{usage()}\n")
        raise SystemExit(2)
    raise SystemExit(importlib.import_module(COMMANDS[arguments[0]][0]).main(arguments[1:]))


if __name__ == "__main__":
    main()
