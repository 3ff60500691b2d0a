"""A thief with one stolen token makes any calls, while administrators change keys (security.md F1).

A model predicts every outcome. It shares no code with the package.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.support.draws import examples
from tests.support.factories import ApiKeyFactory, AppDomainFactory
from tests.support.keys_client import KeysClient
from tests.support.requests import TOKEN_URL
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey

MANAGE = "keys:manage"
NEVER = datetime.max.replace(tzinfo=UTC)

#: Lists of networks → which of five addresses they contain. All calls come from the first.
NETWORKS = {
    (): frozenset("ABCDE"),
    ("0.0.0.0/0",): frozenset("ABCD"),
    ("127.0.0.0/8",): frozenset("AB"),
    ("127.0.0.1/32",): frozenset("A"),
    ("192.0.2.0/24",): frozenset("C"),
    ("127.0.0.1/32", "192.0.2.0/24"): frozenset("AC"),
}
OURS = "A"

some_scopes = st.sampled_from(["", "ab", "a", "b", "abc", "c"]).map(frozenset)
some_networks = st.sampled_from(sorted(NETWORKS))
some_days = st.sampled_from([None, 10, 20, 30, 40, 100])
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


@dataclass(eq=False)
class Key:
    """A key in the model."""

    public_key: str
    secret: str
    scopes: frozenset[str]
    ends: datetime
    networks: tuple[str, ...] = ()
    creator: "Key | None" = None
    issues: bool = True
    disabled: bool = False
    revoked: bool = False
    generation: int = 1
    previous: str | None = None
    #: None until the key is renamed.
    name: str | None = None

    @property
    def addresses(self) -> frozenset[str]:
        return NETWORKS[self.networks]

    @property
    def works(self) -> bool:
        return not self.revoked and not self.disabled


@dataclass(eq=False)
class Token:
    """A token in the model."""

    raw: str
    key: Key
    scopes: frozenset[str]
    generation: int = 1
    api: KeysClient = field(init=False)

    def __post_init__(self) -> None:
        self.api = KeysClient(self.raw)

    @property
    def rights(self) -> frozenset[str] | None:
        """The scopes that the token has now; None if it must be rejected."""
        key = self.key
        if not key.works or self.generation != key.generation or OURS not in key.addresses:
            return None
        return self.scopes & (key.scopes | {MANAGE})


def pick(items: list[Any], number: int) -> Any:
    """Return one of the items; every number picks one."""
    return items[number % len(items)]


class Thief(RuleBasedStateMachine):
    """A thief that has one token of a key, and all that it obtains with it."""

    @initialize(
        scopes=st.sampled_from(["ab", "abc", "a", "b", ""]).map(frozenset),
        asked=st.sampled_from([None, None, "ab", "a", ""]),
        days=st.sampled_from([None, 30]),
        networks=st.just(()) | some_networks,
        prepared=st.booleans(),
    )
    def steal(self, scopes, asked, days, networks, prepared):
        self.domain = AppDomainFactory.create()
        self.start = timezone.now().replace(microsecond=0)
        networks = networks if OURS in NETWORKS[networks] else ()
        self.own = self.administer_key(scopes, days, networks)
        sibling = self.administer_key(set(), 10, ("127.0.0.0/8",))
        self.keys = [self.own, sibling, self.administer_key({"a", "b", "c"}, 20)]
        self.keys.append(self.administer_key({"a"}, 10, creator=sibling))
        ApiKeyFactory.create(app_domain=self.domain, environment="test")  # out of reach
        self.innocent = [key for key in self.keys if key is not self.own]
        asked = None if asked is None else scopes & {*asked} | {MANAGE}
        self.tokens: list[Token] = []
        #: The secrets that the thief received, each with its key.
        self.secrets: list[tuple[Key, str]] = []
        self.exchange_for(self.own, self.own.secret, asked)
        self.bound = self.tokens[0].scopes
        self.reach = self.own.addresses
        self.ends = self.own.ends
        self.cascaded = False
        if prepared:
            self.create(0, self.bound - {MANAGE}, False, "default", None, True)

    def administer_key(self, scopes, days, networks=(), creator=None):
        row = ApiKeyFactory.create(
            app_domain=self.domain,
            scopes=scopes,
            expires_at=self.moment(days),
            allowed_ips=networks,
        )
        if creator:
            ApiKey.objects.filter(pk=row.pk).update(
                created_by_key=ApiKey.objects.get(public_key=creator.public_key),
                expires_at=self.moment(days),
            )
        return Key(
            row.public_key, row.secret, frozenset(scopes), self.ends_at(days), networks, creator
        )

    def moment(self, days):
        return None if days is None else self.start + timedelta(days=days)

    def ends_at(self, days):
        return NEVER if days is None else self.moment(days)

    def token(self, number):
        """Return a token, mostly one that is accepted."""
        live = [token for token in self.tokens if token.rights is not None]
        return pick(live if live and number < 90 else self.tokens, number)

    @property
    def created(self):
        """The keys that the thief created."""
        return [key for key in self.keys if key.creator is self.own]

    def exchange_for(self, key, secret, scopes=None):
        """Exchange the secret for a token; return whether that worked."""
        body = {
            "appDomain": self.domain.domain,
            "totApiKey": key.public_key,
            "totSecretKey": secret,
        }
        if scopes is not None:
            body["scopes"] = sorted(scopes)
        answer = KeysClient().send("post", TOKEN_URL, body)
        if answer.status_code != 200:
            return False
        held = key.scopes | {MANAGE} if scopes is None else frozenset(scopes)
        self.tokens.append(Token(answer.json()["token"], key, held, key.generation))
        return True

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
            sent["expiresAt"] = self.sent(days)
        if networks is not None:
            sent["allowedIps"] = list(networks)

        answer = token.api.create(**sent)

        caller = token.key
        ends = caller.ends if days == "default" else self.ends_at(days)
        networks = caller.networks if networks is None else networks
        assert (answer.status_code == 201) is (
            self.manages(token)
            and caller.creator is None
            and scopes <= token.rights
            and ends <= caller.ends
            and NETWORKS[networks] <= caller.addresses
            and (caller.issues or not issues)
        ), answer.content
        if answer.status_code == 201:
            if days == "default" and ends is NEVER:
                ends = datetime.fromisoformat(answer.json()["expiresAt"])
                assert abs(ends - self.start - timedelta(days=90)) < timedelta(minutes=10)
            secret = answer.json()["totSecretKey"]
            key = Key(answer.json()["totApiKey"], secret, scopes, ends, networks, caller, issues)
            self.keys.append(key)
            self.secrets.append((key, secret))
            self.exchange_for(key, secret)

    @rule(token=any_number, key=any_number, changes=some_changes, harms_own_key=sometimes)
    def change(self, token, key, changes, harms_own_key):
        token, key = self.token(token), pick(self.keys, key)
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
        days=st.sampled_from([None, 20]),
        name=st.sampled_from(sorted(MEMBERS)),
    )
    def widen(self, token, key, days, name):
        token, key = self.token(token), pick([*self.innocent, self.own], key)
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
            sent["expiresAt"] = self.sent(changes["days"])
        if "scopes" in changes:
            sent["scopes"] = sorted(changes["scopes"])

        answer = token.api.change(key, **sent)

        caller = token.key
        scopes, networks = changes.get("scopes", key.scopes), changes.get("networks", key.networks)
        ends = self.ends_at(changes["days"]) if "days" in changes else key.ends
        name, disabled = changes.get("name", key.name), changes.get("disabled", key.disabled)
        narrows = (
            name == key.name
            and scopes <= key.scopes
            and ends <= key.ends
            and NETWORKS[networks] <= key.addresses
            and (disabled or not key.disabled)
        )
        within = (
            (scopes == key.scopes or scopes <= (token.rights or set()))
            and (ends == key.ends or ends <= caller.ends)
            and (networks == key.networks or NETWORKS[networks] <= caller.addresses)
        )
        permitted = (
            self.may_act(token, key)
            and (narrows or key.creator is caller)
            and within
            and not key.revoked
        )
        assert (answer.status_code == 200) is permitted, answer.content
        if permitted:
            key.name, key.scopes, key.ends, key.networks, key.disabled = (
                name,
                scopes,
                ends,
                networks,
                disabled,
            )
            self.shorten_children(key)

    @rule(
        token=any_number,
        key=any_number,
        secret=st.none() | any_number,
        grace=st.sampled_from([3600, 0]),
        cascade=sometimes,
    )
    def rotate(self, token, key, secret, grace, cascade):
        token, key = self.token(token), pick(self.keys, key)
        known = [*(known for _, known in self.secrets), "wrong"]
        secret = None if secret is None else pick(known, secret)
        sent = {"graceSeconds": grace, "cascade": cascade} | (
            {} if secret is None else {"totSecretKey": secret}
        )

        answer = token.api.rotate(key, **sent)

        permitted = (
            self.may_act(token, key)
            and (
                secret == key.secret
                or (key.creator is token.key and not self.reaches_further(key, token.key))
            )
            and (not cascade or self.may_act_on_children(token, key))
            and not key.revoked
            and not (grace and key.previous)
        )
        assert (answer.status_code == 200) is permitted, answer.content
        if permitted:
            assert key.creator is self.own, "a secret of a key that the thief did not create"
            if cascade:
                self.revoke_children(key)
            key.previous = key.secret if grace else None
            key.generation += not grace
            key.secret = answer.json()["totSecretKey"]
            self.secrets.append((key, key.secret))

    @rule(
        token=any_number,
        key=any_number,
        cascade=sometimes,
        force=sometimes,
        harms_own_key=sometimes,
    )
    def revoke(self, token, key, cascade, force, harms_own_key):
        token, key = self.token(token), pick(self.keys, key)
        if key is self.own and not harms_own_key:
            return

        answer = token.api.revoke(key, cascade=cascade, force=force)

        permitted = self.may_act(token, key) and (
            not cascade or self.may_act_on_children(token, key)
        )
        after = [k for k in self.keys if k.works and not (cascade and k.creator is key)]
        is_last = permitted and not force and key.works and after == [key]
        assert (answer.status_code == 204) is (permitted and not is_last), answer.content
        if answer.status_code == 204:
            key.revoked = True
            if cascade:
                self.revoke_children(key)

    @rule(token=any_number, key=any_number)
    def read(self, token, key):
        token, key = self.token(token), pick(self.keys, key)

        shown, listed = token.api.show(key), token.api.list()

        assert (shown.status_code == 200) is (listed.status_code == 200) is self.manages(token)
        if shown.status_code == 200:
            assert {one["totApiKey"] for one in listed.json()["results"]} == {
                one.public_key for one in self.keys
            }
            assert shown.json()["scopes"] == sorted(key.scopes)
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
            and key.works
            and key.issues
            and OURS in key.addresses
            and (scopes is None or scopes <= key.scopes | {MANAGE})
        )

    # Steps of administrators

    @rule(
        key=any_number,
        scopes=st.just(frozenset("abc")) | some_scopes,
        days=st.sampled_from([None, None, 20]),
        issues=sometimes,
    )
    def narrow(self, key, scopes, days, issues):
        key = pick([self.own, *self.created], key)
        if key.revoked:
            return
        key.scopes &= scopes
        key.ends = min(key.ends, self.ends_at(days))
        key.issues = key.issues and not issues
        key.name = "Narrowed"
        lifecycle.change_key(
            self.row(key),
            name=key.name,
            scopes=key.scopes,
            expires_at=None
            if key.ends is NEVER
            else self.row(key).expires_at
            if days is None
            else key.ends,
            allowed_ips=key.networks,
            can_issue_tokens=key.issues,
        )
        self.shorten_children(key)

    @rule(key=any_number, disabled=sometimes.map(lambda is_rare: not is_rare))
    def disable(self, key, disabled):
        key = pick([*self.innocent, *self.created] if disabled else self.keys, key)
        if not key.revoked:
            key.disabled = disabled
            (lifecycle.disable_key if disabled else lifecycle.enable_key)(self.row(key))

    @rule(key=any_number, cascade=st.booleans())
    def end(self, key, cascade):
        key = pick([*self.created, self.own], key)
        if key is not self.own or len(self.created) > 3:  # otherwise most runs would end early
            lifecycle.revoke_key(self.row(key), cascade=cascade)
            key.revoked = True
            if cascade:
                self.revoke_children(key)
                self.cascaded = self.cascaded or key is self.own

    # The rules of the model

    def reaches_further(self, key, other):
        return (
            key.ends > other.ends
            or not key.addresses <= other.addresses
            or (key.issues and not other.issues)
        )

    def sent(self, days):
        return None if days is None else self.moment(days).isoformat()

    def row(self, key):
        return ApiKey.objects.get(public_key=key.public_key)

    def manages(self, token):
        return token.rights is not None and MANAGE in token.rights

    def may_act(self, token, key):
        one_generation = token.key.creator is None or token.key is key
        return self.manages(token) and one_generation and key.scopes <= token.rights

    def may_act_on_children(self, token, key):
        return all(self.may_act(token, child) for child in self.children(key))

    def children(self, key):
        return [child for child in self.keys if child.creator is key and not child.revoked]

    def shorten_children(self, key):
        for child in self.children(key):
            child.ends = min(child.ends, key.ends)

    def revoke_children(self, key):
        for child in self.children(key):
            child.revoked = True

    # Invariants

    @invariant()
    def rights_never_grow(self):
        for token in self.tokens:
            answer = token.api.send("get", "/me")
            assert (answer.status_code == 200) is (token.rights is not None)
            if answer.status_code == 200:
                assert set(answer.json()["scopes"]) == token.rights
                assert token.rights <= self.bound

    @invariant()
    def created_keys_stay_within_own_key(self):
        rows = {
            row.public_key: row
            for row in ApiKey.objects.filter(app_domain=self.domain, environment="live")
        }
        assert rows.keys() == {key.public_key for key in self.keys}
        for key in self.created:
            row = rows[key.public_key]
            assert row.scope_set <= self.bound
            assert NETWORKS[tuple(row.allowed_networks)] <= self.reach
            assert key.revoked or (row.expires_at or NEVER) <= self.own.ends <= self.ends
            assert not (self.cascaded and row.revoked_at is None)
        for key in self.keys:
            row = rows[key.public_key]
            assert (row.scope_set, tuple(row.allowed_networks)) == (key.scopes, key.networks)
            assert abs((row.expires_at or NEVER) - key.ends) < timedelta(seconds=1)
            assert (row.revoked_at is not None, row.disabled_at is not None) == (
                key.revoked,
                key.disabled,
            )
        for key in self.innocent:
            assert key.secret not in [secret for _, secret in self.secrets]

    def teardown(self):
        """Check that all created keys end when the thief's own key ends."""
        if not hasattr(self, "own") or self.own.ends is NEVER:
            return
        with time_machine.travel(self.own.ends, tick=False):
            key_state.reset()
            assert not [key for key, secret in self.secrets if self.exchange_for(key, secret)]
        key_state.reset()


@pytest.mark.django_db
@pytest.mark.req("F1")
@pytest.mark.usefixtures("unlimited")
def test_stolen_token_never_gains_rights():
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
