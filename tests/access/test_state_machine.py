"""A thief with one stolen token makes any calls, while administrators change keys.

A model predicts every outcome (security.md F0, F1).
"""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.support.created_keys import ADMINISTRATOR, administer
from tests.support.draws import examples
from tests.support.factories import ApiKeyFactory, AppDomainFactory
from tests.support.key_model import MANAGE, NETWORKS, OURS, Key, Rights, Token, pick
from tests.support.keys_client import KeysClient
from tests.support.requests import TOKEN_URL
from tests.support.times import NOON
from tot_jwt.exceptions import PreviousSecretStillValid
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.domains import resume_domain, suspend_domain
from tot_jwt.models import ApiKey

NEVER = datetime.max.replace(tzinfo=UTC)
#: No key that a token creates may end later. The clocks stand at NOON.
LATEST = NOON + timedelta(days=90)

some_scopes = st.sampled_from(["", "ab", "a", "b", "abc", "c"]).map(frozenset)
some_networks = st.sampled_from(sorted(NETWORKS))
some_days = st.sampled_from([None, 10, 20, 30, 40, 90, 91])
any_number = st.integers(0, 99)
sometimes = st.sampled_from([False, False, False, True])
MEMBERS = {
    "name": st.just("Other"),
    "scopes": some_scopes,
    "days": some_days,
    "networks": some_networks,
    "disabled": st.booleans(),
}
#: One member, or any number of members.
some_changes = st.sampled_from(sorted(MEMBERS)).flatmap(
    lambda name: st.fixed_dictionaries({name: MEMBERS[name]})
) | st.fixed_dictionaries({}, optional=MEMBERS)


def moment(days):
    """Return the moment so many days after NOON, or None."""
    return None if days is None else NOON + timedelta(days=days)


def ends_at(days):
    return moment(days) or NEVER


def sent_moment(days):
    return None if days is None else moment(days).isoformat()


def row_of(key):
    return ApiKey.objects.get(public_key=key.public_key)


class Thief(RuleBasedStateMachine):
    """A thief that has one token of a key, and all that it obtains with it."""

    uses_accepted = 0

    @initialize(
        scopes=st.sampled_from(["ab", "abc", "a", "b", ""]).map(frozenset),
        asked=st.sampled_from([None, None, "ab", "a", ""]),
        days=st.sampled_from([None, 30]),
        networks=st.just(()) | some_networks,
        prepared=st.sampled_from([[], ["inside"], ["inside", "released"]]),
    )
    def steal(self, scopes, asked, days, networks, prepared):
        self.domain = AppDomainFactory.create()
        networks = networks if OURS in NETWORKS[networks] else ()
        self.own = self.administer_key(scopes, days, networks)
        sibling = self.administer_key(set(), 10, ("127.0.0.0/8",))
        self.keys = [self.own, sibling, self.administer_key({"a", "b", "c"}, 20)]
        self.keys.append(self.administer_key({"a"}, 10, creator=sibling))
        ApiKeyFactory.create(app_domain=self.domain, environment="test")  # out of reach
        self.innocent = [key for key in self.keys if key is not self.own]
        #: What an administrator last left to the keys that no token may widen.
        self.left: dict[Key, Rights] = {key: key.own_rights for key in self.keys}
        asked = None if asked is None else scopes & {*asked} | {MANAGE}
        self.tokens: list[Token] = []
        #: The secrets that the thief received, each with its key.
        self.secrets: list[tuple[Key, str]] = []
        self.exchange_for(self.own, self.own.secret, asked)
        self.bound = self.tokens[0].scopes
        for _ in prepared:
            self.create(0, self.bound - {MANAGE}, False, "default", None, True)
        if "released" in prepared:
            self.release(0)

    def administer_key(self, scopes, days, networks=(), creator=None):
        row = ApiKeyFactory.create(
            app_domain=self.domain,
            scopes=scopes,
            expires_at=moment(days),
            allowed_ips=networks,
            created_by_key=creator and row_of(creator),
        )
        return Key(row.public_key, row.secret, frozenset(scopes), ends_at(days), networks, creator)

    def token(self, number):
        """Return a token, mostly one that is accepted."""
        live = [token for token in self.tokens if token.rights is not None]
        return pick(live if live and number < 90 else self.tokens, number)

    def target(self, number):
        """Return a key, as often as not one that the thief created."""
        return pick(self.created if self.created and number < 50 else self.keys, number)

    @property
    def created(self):
        """The keys that the thief created, with whatever token."""
        return [key for key in self.keys if key is not self.own and key not in self.innocent]

    def exchange_for(self, key, secret, scopes=None):
        """Exchange the secret for a token; return whether that worked."""
        body = {} if scopes is None else {"scopes": sorted(scopes)}
        answer = KeysClient().send("post", TOKEN_URL, self.credentials(key, secret) | body)
        if answer.status_code != 200:
            return False
        key.is_used = key.is_used or secret == key.secret
        held = key.live_scopes | {MANAGE} if scopes is None else frozenset(scopes)
        self.tokens.append(Token(answer.json()["token"], key, held, key.generation))
        return True

    def credentials(self, key, secret):
        domain = self.domain.domain
        return {"appDomain": domain, "totApiKey": key.public_key, "totSecretKey": secret}

    # Steps of the thief

    @rule(
        token=any_number,
        scopes=some_scopes,
        greedy=sometimes,
        days=st.just("default") | some_days,
        networks=st.none() | some_networks,
        issues=sometimes.map(lambda is_rare: not is_rare),
    )
    def create(self, token, scopes, greedy, days, networks, issues):
        token = self.token(token)
        if not greedy:
            scopes &= token.rights or set()
        sent = {"scopes": sorted(scopes), "canIssueTokens": issues}
        if days != "default":
            sent["expiresAt"] = sent_moment(days)
        if networks is not None:
            sent["allowedIps"] = list(networks)

        answer = token.api.create(**sent)

        caller = token.key
        latest = min(caller.ends, LATEST)
        ends = latest if days == "default" else ends_at(days)
        networks = caller.networks if networks is None else networks
        assert (answer.status_code == 201) is (
            token.manages
            and caller.inside is None
            and scopes <= token.rights
            and ends <= latest
            and NETWORKS[networks] <= caller.addresses
            and (caller.issues or not issues)
        ), answer.content
        if answer.status_code == 201:
            secret = answer.json()["totSecretKey"]
            key = Key(answer.json()["totApiKey"], secret, scopes, ends, networks, caller, issues)
            self.keys.append(key)
            self.secrets.append((key, secret))
            self.exchange_for(key, secret)

    @rule(token=any_number, key=any_number, changes=some_changes, harms_own_key=sometimes)
    def change(self, token, key, changes, harms_own_key):
        token, key = self.token(token), self.target(key)
        if key is self.own and not harms_own_key:
            changes = {
                name: value
                for name, value in changes.items()
                if name not in ("disabled", "networks")
            }
        self.try_to_change(token, key, changes)

    @rule(
        token=any_number,
        key=any_number,
        days=st.sampled_from([None, 90, 20]),
        name=st.sampled_from(sorted(MEMBERS)),
    )
    def widen(self, token, key, days, name):
        token, key = self.token(token), self.target(key)
        widest = {
            "name": "Other",
            "scopes": (token.rights or set()) - {MANAGE},
            "days": days,
            "networks": token.key.networks,
            "disabled": False,
        }
        self.try_to_change(token, key, {name: widest[name]})

    def try_to_change(self, token, key, changes):
        wire = {"days": "expiresAt", "networks": "allowedIps"}
        sent = {wire.get(name, name): value for name, value in changes.items()}
        if "days" in changes:
            sent["expiresAt"] = sent_moment(changes["days"])
        if "scopes" in changes:
            sent["scopes"] = sorted(changes["scopes"])

        answer = token.api.change(key, **sent)

        caller = token.key
        name, networks = changes.get("name", key.name), changes.get("networks", key.networks)
        after = Rights(
            changes.get("scopes", key.scopes),
            ends_at(changes["days"]) if "days" in changes else key.ends,
            NETWORKS[networks],
            key.issues,
            not changes.get("disabled", key.disabled),
        )
        narrows = name == key.name and after.are_within(key.own_rights)
        within = (
            (after.scopes <= key.scopes or after.scopes <= (token.rights or set()))
            and (after.ends <= key.ends or after.ends <= min(caller.ends, LATEST))
            and (after.addresses <= key.addresses or after.addresses <= caller.addresses)
        )
        permitted = (
            token.reaches(key)
            and (token.covers(key) or (narrows and caller.created(key)))
            and (narrows or caller.controls(key))
            and within
            and not key.revoked
        )
        assert (answer.status_code == 200) is permitted, answer.content
        if permitted:
            key.name, key.networks = name, networks
            key.scopes, key.ends, key.disabled = after.scopes, after.ends, not after.is_on

    @rule(
        token=any_number,
        key=any_number,
        secret=st.none() | any_number,
        grace=st.sampled_from([3600, 0]),
        revokes_created=st.sampled_from([None, None, True, False]),
        is_lost=st.booleans(),
    )
    def rotate(self, token, key, secret, grace, revokes_created, is_lost):
        token, key = self.token(token), self.target(key)
        known = [*(known for _, known in self.secrets), "wrong"]
        secret = None if secret is None else pick(known, secret)
        sent = {"graceSeconds": grace}
        if secret is not None:
            sent["totSecretKey"] = secret
        if revokes_created is not None:
            sent["revokeCreatedKeys"] = revokes_created

        answer = token.api.rotate(key, **sent)

        permitted = (
            token.reaches(key)
            and token.covers(key)
            and (self.knows(token.key, key, secret, grace) or token.key.created(key))
            and not key.revoked
            and not (grace and key.previous and key.is_used)
        )
        assert (answer.status_code == 200) is permitted, answer.content
        if permitted:
            assert key in self.created, "a secret of a key that the thief did not create"
            new = answer.json()["totSecretKey"]
            self.rotated(key, new, grace, revokes_created, by=token.key)
            if not is_lost:
                self.secrets.append((key, new))

    def knows(self, caller, key, secret, grace):
        """Return whether the secret is the current one, or the older one if that is lost."""
        return secret == key.secret or (
            grace and key.lost_answer(caller) and secret == key.previous
        )

    @rule(token=any_number, key=any_number, force=sometimes, harms_own_key=sometimes)
    def revoke(self, token, key, force, harms_own_key):
        token, key = self.token(token), self.target(key)
        if key is self.own and not harms_own_key:
            return

        answer = token.api.revoke(key, force=force)

        permitted = token.reaches(key) and (token.covers(key) or token.key.created(key))
        others = [other for other in self.keys if other.works and key not in other.chain]
        is_last = permitted and not force and key.works and not others
        assert (answer.status_code == 204) is (permitted and not is_last), answer.content
        if answer.status_code == 204:
            key.revoked = True

    @rule(token=any_number, key=any_number)
    def read(self, token, key):
        token, key = self.token(token), self.target(key)

        shown, listed = token.api.show(key), token.api.list()

        assert (shown.status_code == 200) is (listed.status_code == 200) is token.manages
        if shown.status_code == 200:
            assert {one["totApiKey"] for one in listed.json()["results"]} == {
                one.public_key for one in self.keys
            }
            assert shown.json()["scopes"] == sorted(key.scopes)
            assert (shown.json()["status"] in ("active", "expiring")) is key.works
        for answer in (shown, listed):
            assert "totSecretKey" not in answer.content.decode()
            assert not [one for one in self.keys if one.secret in answer.content.decode()]

    @rule(secret=any_number, scopes=st.none() | some_scopes)
    def exchange(self, secret, scopes):
        if not self.secrets:
            return
        key, secret = pick(self.secrets, secret)
        scopes = None if scopes is None else scopes | {MANAGE}

        worked = self.exchange_for(key, secret, scopes)

        assert worked is (
            secret in (key.secret, key.previous)
            and key.may_issue
            and (scopes is None or scopes <= key.live_scopes | {MANAGE})
        )

    # Steps of administrators

    @rule(
        key=any_number,
        scopes=st.just(frozenset("abc")) | some_scopes,
        days=st.sampled_from([None, None, 20]),
        networks=st.none() | some_networks,
        issues=sometimes,
    )
    def narrow(self, key, scopes, days, networks, issues):
        key = self.own if key < 50 else pick([self.own, *self.created], key)
        if key.revoked:
            return
        before = key.own_rights
        key.scopes &= scopes
        key.ends = min(key.ends, ends_at(days))
        # A pinned key of the thief's own would end most runs early.
        if (
            networks
            and NETWORKS[networks] <= key.addresses
            and (key is not self.own or OURS in NETWORKS[networks])
        ):
            key.networks = networks
        key.issues = key.issues and not issues
        key.name = "Narrowed"
        administer(
            key_row := row_of(key),
            name=key.name,
            scopes=key.scopes,
            expires_at=key_row.expires_at if days is None else min(key.ends, ends_at(days)),
            allowed_ips=key.networks,
            can_issue_tokens=key.issues,
        )
        self.was_administered(key, before)

    @rule(key=any_number, disabled=sometimes.map(lambda is_rare: not is_rare))
    def disable(self, key, disabled):
        key = pick([*self.innocent, *self.created] if disabled else self.keys, key)
        if key.revoked:
            return
        before = key.own_rights
        key.disabled = disabled
        act = lifecycle.disable_key if disabled else lifecycle.enable_key
        act(row_of(key), by=ADMINISTRATOR)
        # Also where its creator had disabled it.
        key.restricted = key.restricted or (disabled and key.inside is not None)
        self.was_administered(key, before)

    @rule(key=any_number)
    def release(self, key):
        key = pick(self.created or [self.own], key)
        if key.revoked:
            return
        lifecycle.release_key(row_of(key), by=ADMINISTRATOR)
        key.released = key.released or key.creator is not None
        self.left[key] = key.own_rights

    @rule(key=any_number)
    def end_tokens(self, key):
        key = pick(self.created, key) if self.created else None
        if key is not None and not key.revoked:
            lifecycle.end_tokens(row_of(key), by=ADMINISTRATOR)
            key.generation += 1

    @rule(key=any_number, rotates=st.booleans(), grace=st.sampled_from([0, 0, 3600]))
    def end(self, key, rotates, grace):
        key = pick([*self.created, self.own], key)
        if key.revoked or (key is self.own and len(self.created) <= 3):
            return  # otherwise most runs would end early
        if rotates:
            self.rotate_as_administrator(key, timedelta(seconds=grace))
        else:
            lifecycle.revoke_key(row_of(key), by=ADMINISTRATOR)
            key.revoked = True

    def rotate_as_administrator(self, key, grace):
        """Rotate the key; the thief does not see the new secret."""
        try:
            _, secret = lifecycle.rotate_key(row_of(key), grace=grace, by=ADMINISTRATOR)
        except PreviousSecretStillValid:
            assert grace, "without a grace period nothing is still valid"
            assert key.previous
            assert key.is_used
        else:
            self.rotated(key, secret.reveal(), grace, None, by=None)

    @rule(scopes=some_scopes, networks=some_networks, disabled=st.booleans())
    def narrow_own_key_for_a_moment(self, scopes, networks, disabled):
        """See what is left of the thief's keys. It would end most runs early to leave it so."""
        own = self.own
        if own.revoked or own.disabled:
            return
        before = own.scopes, own.networks
        self.administer_own_key(scopes, networks, disabled=disabled)
        self.tokens_stay_within_own_key()
        self.secrets_stay_within_own_key()
        self.administer_own_key(*before, disabled=False)

    def administer_own_key(self, scopes, networks, *, disabled):
        own = self.own
        own.scopes, own.networks, own.disabled = scopes, networks, disabled
        row = administer(row_of(own), scopes=scopes, allowed_ips=networks)
        act = lifecycle.disable_key if disabled else lifecycle.enable_key
        act(row, by=ADMINISTRATOR)

    @rule()
    def suspend_for_a_moment(self):
        suspend_domain(self.domain)
        assert not [token for token in self.tokens if self.scopes_by_token(token) is not None]
        assert not [each for each in self.secrets if self.scopes_by_keys(*each) is not None]
        resume_domain(self.domain)

    # The rules of the model

    def was_administered(self, key, before):
        """Note what the key was left with; its creator loses control of what was narrowed."""
        if key.inside is not None and not before.are_within(key.own_rights):
            key.restricted = True
        if key.restricted or key.inside is None or key in self.innocent:
            self.left[key] = key.own_rights

    def rotated(self, key, secret, grace, revokes_created, by):
        if not grace if revokes_created is None else revokes_created:
            for other in self.keys:
                other.revoked = other.revoked or key.created(other)
        if not grace:
            key.previous = None
        elif key.previous is None:
            key.previous = key.secret
        key.generation += not grace
        key.secret, key.is_used, key.rotated_by = secret, False, by

    def limit(self, key):
        """Return what the thief may have by this key: what the stolen token's key has now.

        What an administrator released stands alone: it keeps what it had.
        """
        while key.inside is not None:
            key = key.inside
        if key is not self.own:
            return self.bound
        is_over = key.revoked or key.disabled or OURS not in key.addresses
        return frozenset() if is_over else self.bound & (key.scopes | {MANAGE})

    def scopes_by_token(self, token):
        """Return the scopes by which a host's view accepts the token, or None."""
        return scopes_in(token.api.send("get", "/me"))

    def scopes_by_keys(self, key, secret):
        """Return the scopes by which a host's view accepts the secret, or None."""
        scopes = scopes_in(KeysClient().send("post", "/me", self.credentials(key, secret)))
        key.is_used = key.is_used or (scopes is not None and secret == key.secret)
        return scopes

    # Invariants

    @invariant()
    def tokens_stay_within_own_key(self):
        for token in self.tokens:
            scopes = self.scopes_by_token(token)
            assert scopes == token.rights
            Thief.uses_accepted += scopes is not None
            assert scopes is None or scopes <= self.limit(token.key)

    @invariant()
    def secrets_stay_within_own_key(self):
        for key, secret in self.secrets:
            scopes = self.scopes_by_keys(key, secret)
            works = key.is_usable and secret in (key.secret, key.previous)
            assert scopes == (key.live_scopes if works else None)
            assert scopes is None or scopes <= self.limit(key)

    @invariant()
    def rows_are_as_predicted(self):
        rows = {
            row.public_key: row
            for row in ApiKey.objects.filter(app_domain=self.domain, environment="live")
        }
        assert rows.keys() == {key.public_key for key in self.keys}
        for key in self.keys:
            row = rows[key.public_key]
            assert rights_of(row) == key.own_rights
            assert (row.revoked_at is not None) is key.revoked
            assert (row.restricted_at is not None) is key.restricted
            assert key not in self.left or rights_of(row).are_within(self.left[key])
        for key in self.created:
            assert rights_of(rows[key.public_key]).scopes <= self.bound
            assert rights_of(rows[key.public_key]).ends <= LATEST
        for key in self.innocent:
            assert key.secret not in [secret for _, secret in self.secrets]

    def teardown(self):
        """Check that created keys end when the thief's own key does, and after 90 days at most."""
        if not hasattr(self, "own"):
            return
        inside = [each for each in self.secrets if each[0].inside is self.own]
        for ends, secrets in [(self.own.ends, inside), (LATEST, self.secrets)]:
            if ends is NEVER:
                continue
            with time_machine.travel(ends, tick=False):
                key_state.reset()
                assert not [each for each in secrets if self.scopes_by_keys(*each) is not None]
                assert not [each for each in secrets if self.exchange_for(*each)]
        key_state.reset()


def scopes_in(answer):
    """Return the scopes in the response of a host's view, or None if it rejected the request."""
    assert answer.status_code in (200, 401, 403)
    return frozenset(answer.json()["scopes"]) if answer.status_code == 200 else None


def rights_of(row):
    """Return the row's own rights."""
    return Rights(
        row.scope_set,
        row.expires_at or NEVER,
        NETWORKS[tuple(row.allowed_networks)],
        row.can_issue_tokens,
        row.disabled_at is None,
    )


# The use of a secret is recorded outside transactions.
@pytest.mark.django_db(transaction=True)
@pytest.mark.req("F0", "F1")
@pytest.mark.usefixtures("unlimited")
@time_machine.travel(NOON, tick=False)
def test_stolen_token_never_gains_rights():
    """The machine's invariants assert. In the end, some tokens must have worked."""
    Thief.uses_accepted = 0
    run_state_machine_as_test(
        Thief,
        settings=settings(
            max_examples=examples(70),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        ),
    )
    assert Thief.uses_accepted
