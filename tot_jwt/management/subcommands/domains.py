"""Subcommands for app domains."""

from argparse import ArgumentParser

from tot_jwt.api import responses
from tot_jwt.keys import create_domain
from tot_jwt.management.subcommands.base import Document, Options, Subcommand


class CreateDomain(Subcommand):
    """The subcommand ``create_domain``."""

    name = "create_domain"
    help = "Create an app domain. Each API key belongs to one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the domain and the name of its application."""
        parser.add_argument("domain")
        parser.add_argument("--name", default="", help="Name of the application.")

    def run(self, options: Options) -> Document:
        """Create the domain."""
        return responses.app_domain(create_domain(options["domain"], name=options["name"]))
