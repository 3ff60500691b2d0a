"""The subcommand that creates a key pair for signing tokens."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from tot_jwt.conf import ASYMMETRIC
from tot_jwt.management.subcommands.base import Document, Options, Subcommand


class CreateSigningKey(Subcommand):
    """The subcommand ``create_signing_key``."""

    name = "create_signing_key"
    help = "Create a private key for TOT_JWT['SIGNING_KEY'] and print it in PEM. Nothing stores it."
    prints_always = True
    needs_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the argument."""
        parser.add_argument(
            "--algorithm",
            choices=ASYMMETRIC,
            default="ES256",
            help="The algorithm that will sign with the key (default: %(default)s).",
        )

    def run(self, options: Options) -> Document:
        """Create the key. Raises CommandError without the package cryptography."""
        try:
            from tot_jwt.tokens.asymmetric import generate_pem, public_pem, read_pem
        except ImportError as error:
            raise CommandError(
                "A key pair needs the package cryptography. Install tot-jwt[asymmetric]."
            ) from error
        pem = generate_pem(options["algorithm"])
        pair = read_pem(pem.encode(), "SIGNING_KEY")
        return {
            "algorithm": pair.algorithm,
            "kid": pair.jwk["kid"],
            "signingKey": pem,
            "publicKey": public_pem(pair.public),
        }

    def as_text(self, result: Any, *, heading: bool) -> str:
        """Return the private key, which also has the public one."""
        return str(result["signingKey"]).rstrip("\n")
