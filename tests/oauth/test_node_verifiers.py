"""Verifiers for Node.js that fetch the public keys from the server."""

import pytest

from tests.oauth.node_process import SCRIPTS, verifying
from tests.oauth.programs import in_this_environment
from tests.oauth.tokens import (
    ACCESS_TOKEN,
    ALGORITHMS,
    TYPES,
    acceptable,
    bad_tokens,
)

pytestmark = in_this_environment


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("typ", TYPES)
@pytest.mark.parametrize("script", ["jose", "aws_jwt_verify"])
def test_verifier_accepts_only_good_tokens(issuer, node, script, typ, algorithm):
    token = issuer.token(algorithm, typ)
    variables = {"ALGORITHM": algorithm, "TYPE": typ}

    with verifying(node, issuer.server, SCRIPTS / f"{script}.mjs", **variables) as verifier:
        for name, good in acceptable(token).items():
            assert verifier.verify(good)["token_type"] == "tot_api", name
        accepted = {name for name, bad in bad_tokens(token).items() if verifier.verify(bad)}

    assert not accepted


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("script", ["jose", "oauth4webapi"])
def test_rfc9068_verifier_accepts_only_good(issuer, node, script, algorithm):
    token = issuer.token(algorithm, ACCESS_TOKEN)
    others = {"another type": issuer.token(algorithm)}
    variables = {"ALGORITHM": algorithm, "TYPE": ACCESS_TOKEN}

    with verifying(node, issuer.server, SCRIPTS / f"{script}.mjs", **variables) as verifier:
        for name, good in acceptable(token).items():
            assert verifier.verify(good)["client_id"], name
        bad = bad_tokens(token) | others
        accepted = {name for name, each in bad.items() if verifier.verify(each)}

    assert not accepted
