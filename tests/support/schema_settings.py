"""Settings of the example project without the rate limits that a fuzzer would reach."""

from example_project.settings import *  # noqa: F403
from example_project.settings import TOT_JWT as LIMITED

TOT_JWT = {**LIMITED, "EXCHANGE_FAILURE_RATES": {}, "KEY_CHANGE_RATE": None}
