"""`discreet demo`: the server with a demo site that carries the tag."""

import argparse
from importlib.resources import files

from anonymizer.policy_file import read_policy
from collector.commands.serve import run_server
from collector.reference import default_policy


def run(options: argparse.Namespace) -> None:
    """Serve the demo's own policy, which shows groups of one visitor.

    Raises:
        CommandFailed: the address or the data directory can't be used.
    """
    text = (files("collector") / "demo" / "policy.toml").read_text("utf-8")
    run_server(read_policy(text, default_policy()), text, options, demo=True)
