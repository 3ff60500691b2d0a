"""HTTP headers that several rooms send."""

#: For a response that holds a token or a secret (RFC 6749 §5.1).
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
