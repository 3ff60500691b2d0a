"""The settings."""

from tot_jwt.conf import SETTINGS
from tot_jwt.conf import settings as ours


def test_each_setting_has_its_own_check():
    assert len({setting.check_id for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.hint and setting.doc for setting in SETTINGS)
    assert all(setting.accepts(setting.default) for setting in SETTINGS)


def test_changed_setting_takes_effect_immediately(settings):
    assert ours.ISSUER == "tot-jwt"
    settings.TOT_JWT = {"ISSUER": "x"}
    assert ours.ISSUER == "x"
    del settings.TOT_JWT
    assert ours.ISSUER == "tot-jwt"
