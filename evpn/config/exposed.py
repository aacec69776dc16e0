"""Is a secret in a configuration that everybody may read? A warning, for the file is the operator's own."""

import stat

from evpn.config.settings import Settings


def exposed(settings: Settings) -> str | None:
    """What is wrong and what is accepted, or nothing. A `password-file` is refused instead, when it is read."""
    text, mode = settings.path.read_text(), settings.path.stat().st_mode
    psk = settings.ipsec.psk if settings.ipsec else None
    secrets = [*(neighbor.password for neighbor in settings.neighbors), psk]
    if mode & stat.S_IROTH and any(secret and secret in text for secret in secrets):
        return "a password in it can be read by everybody; accepted: a file of mode 0600 or 0640"
    return None
