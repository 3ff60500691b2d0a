"""How many examples Hypothesis draws.

A plain ``pytest`` draws a few, so that it takes about a minute. The gate runs
``pytest --hypothesis-profile=ci``, which draws ten times as many, and the same ones in each run.
"""

from hypothesis import HealthCheck, settings

#: How many examples Hypothesis's own profiles "default" and "ci" draw.
USUAL = 100


def use_quick_profile() -> None:
    """Load the profile of a plain ``pytest``. An option or the environment may choose another."""
    settings.register_profile("quick", max_examples=USUAL // 10)
    # Hypothesis itself loads the ci profile where the variable CI is set.
    if settings.get_current_profile_name() == "default":  # pragma: no cover: not in the gate
        settings.load_profile("quick")


def examples(number: int) -> int:
    """Return this number under the ci profile, and the current profile's share of it otherwise."""
    return max(1, number * settings().max_examples // USUAL)


def draws(number: int = USUAL) -> settings:
    """Return settings that draw `examples(number)`, for a test with fixtures.

    Hypothesis does not run fixtures again for each example. Such a test must not need fresh ones.
    """
    return settings(
        max_examples=examples(number),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        deadline=None,
    )
