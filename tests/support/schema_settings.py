"""Settings of the example project without the rate limits that a fuzzer would reach."""

from socketserver import StreamRequestHandler

from example_project.settings import *  # noqa: F403
from example_project.settings import TOT_JWT as LIMITED

TOT_JWT = {**LIMITED, "EXCHANGE_FAILURE_RATES": {}, "KEY_CHANGE_RATE": None}

# The development server writes headers and body separately. With Nagle's algorithm, the client
# waits 40 ms for the second packet of each response.
StreamRequestHandler.disable_nagle_algorithm = True
