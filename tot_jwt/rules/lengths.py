"""The greatest length of each text, in characters."""

DOMAIN = 253
#: What a client sends as a domain: a trailing dot and a port may follow it.
SENT_DOMAIN = 260
PUBLIC_KEY = 128
SECRET_KEY = 512
#: The hash of a secret, with the name of its algorithm.
HASH = 255
#: A key's or a domain's name.
NAME = 200
#: The host's own identifier of a domain.
EXTERNAL_ID = 255
#: A rate such as ``600/min``.
RATE = 32
#: A key's scopes together. A token carries them, and must stay below 4,096 bytes.
SCOPES = 1800
#: A token's `jti` in an event.
TOKEN_ID = 64
#: The name of an actor in an event.
ACTOR = 255
#: A client's address, with room for an IPv6 zone.
ADDRESS = 64
