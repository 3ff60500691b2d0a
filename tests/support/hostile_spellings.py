"""Look-alike characters, and the domain whose letters have them."""

DOMAIN = "kiosk.example.com"
#: Printable ASCII → its full-width forms, which Unicode's compatibility normalization maps back.
FULLWIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
