"""
The tox environments that benchmark: one for each sender, and one for a revision.

tox reads this file because it lies beside tox.ini.  The bundled senders are those of
pyproject.toml, so nothing has to be installed beside tox; senders of other
distributions are found by the pvbench that is installed beside tox, if any.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet
from tox.config.types import Command, EnvList
from tox.plugin import impl
from tox.session.state import State

ROOT: Final = Path(__file__).parent
PREFIX: Final = "bench-"
REVISION: Final = "bench-rev"
# In 80 CPUs xapic-flat, which serves 8, would measure nothing.
SUITE: Final = ("fanout", "--guest", "dense:8", "--guest", "dense:80")
# The running kernel sends by itself; only the delivery `live` supports it.
APART: Final = {"kernel"}
COMPARED: Final = ("bench-x2apic-physical", "bench-x2apic-cluster", "bench-kvm-pv")


@impl(optionalhook=True)  # a tox without it can still install the one tox.ini asks for
def tox_extend_envs() -> Iterable[str]:
    """The names `tox list` shows; `tox_add_core_config` says what they do."""
    return [*sender_environments(), REVISION, "compare"]


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:
    """Configure the installation and the command of each environment."""
    seeds = state.conf.memory_seed_loaders
    along = environments_of(state)
    arguments = list(state.conf.pos_args(ROOT) or ())
    is_default = not (along or getattr(state.conf.options, "labels", None))
    for name, requirement in sender_environments().items():
        seeds[name].append(_sender(name, requirement, arguments))
    seeds[REVISION].append(_revision(os.environ.get("REV") or "HEAD", arguments))
    seeds["compare"].append(_compare(along, arguments if is_default else []))


def sender_environments() -> dict[str, str | None]:
    """Environments by name, and what to install for those that are not bundled."""
    requirements: dict[str, str | None] = {PREFIX + name: None for name in bundled()}
    for name, requirement in outside().items():
        requirements.setdefault(PREFIX + name, requirement)
    return requirements


def bundled() -> list[str]:
    """The senders here that guests have, by their entry points: nothing is imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["pvbench"]
    senders = [name.removeprefix("send-") for name in points if name.startswith("send-")]
    return [name for name in senders if name not in APART]


@cache
def outside() -> dict[str, str]:
    """The senders other distributions bring to the pvbench beside tox, and how to get them."""
    try:
        from pvbench.plugin.loader import load

        plugins = [p for p in load().plugins if p.distribution != "pvbench"]
        return {
            offer.removeprefix("sender "): requirement_of(plugin.distribution)
            for plugin in plugins
            for offer in plugin.offers
            if offer.startswith("sender ")
        }
    except ImportError:  # no pvbench beside tox
        return {}
    except Exception as error:  # a broken one must not stop the tests from running
        logging.getLogger(__name__).warning("only bundled senders: %r", error)
        return {}


def requirement_of(name: str) -> str:
    """The pip requirement that installs a distribution from its original source."""
    installed = distribution(name)
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if not origin:
        return f"{installed.name}=={installed.version}"
    url = origin["url"]
    if origin.get("dir_info", {}).get("editable"):
        return f"-e {url}"
    if vcs := origin.get("vcs_info"):
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f"{installed.name} @ {url}"


def environments_of(state: State) -> list[str]:
    """The benchmarks that `tox -e` names."""
    chosen = getattr(state.conf.options, "env", None) or ()
    return [name for name in chosen if name.startswith(PREFIX)]


def _sender(name: str, requirement: str | None, arguments: list[str]) -> MemoryLoader:
    sender = name.removeprefix(PREFIX)
    command = ["pvbench", "run", *(arguments or SUITE), "--sender", sender, "-q"]
    settings: dict[str, Any] = {"package": "wheel"}
    if requirement:  # in one go: it requires a pvbench: this one
        settings = {"skip_install": True, "deps": f"-e {ROOT.as_uri()}\n{requirement}"}
    return _benchmark(f"benchmark {sender}", command, labels={"bench"}, **settings)


def _revision(revision: str, arguments: list[str]) -> MemoryLoader:
    """The commit is part of what is installed, so that tox sees when HEAD moves."""
    command = ["pvbench", "run", *(arguments or ["smoke"]), "-q"]
    description = f"benchmark pvbench as of the git revision REV ({revision})"
    source = f"pvbench @ git+{ROOT.as_uri()}@{commit_of(revision)}"
    return _benchmark(description, command, skip_install=True, deps=source)


def commit_of(revision: str) -> str:
    """The full hash of *revision*; if git does not know it, *revision*, which pip refuses."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "--end-of-options"]
    try:
        process = subprocess.run(
            [*command, f"{revision}^{{commit}}"], capture_output=True, text=True, check=False
        )
    except OSError:
        return revision
    return process.stdout.strip() or revision


def _compare(along: list[str], arguments: list[str]) -> MemoryLoader:
    """Compare the benchmarks of this tox run; alone, run with the given arguments."""
    chosen = along if len(along) > 1 else COMPARED
    senders = sender_environments()
    by = ["--by", "sender"] if set(chosen) <= senders.keys() else []
    command = ["pvbench", "compare", *(arguments or [*by, "--env", ",".join(chosen)])]
    settings: dict[str, Any] = {
        "package": "wheel",
        "labels": {"bench"},
        "depends": EnvList([*senders, REVISION, *along]),
        "parallel_show_output": True,
    }
    return _benchmark("compare the benchmarks run along, or some senders", command, **settings)


def _benchmark(description: str, command: list[str], **settings: Any) -> MemoryLoader:
    """Neither the tests' extras nor this folder's code: a worker would import it."""
    return MemoryLoader(
        description=description,
        commands=[Command(command)],
        extras=[],
        set_env="PYTHONSAFEPATH=1",
        **settings,
    )
