"""What all tests share: patience of hypothesis on a busy machine. Builders are in `builders`, far sides in `fakes`."""

from hypothesis import settings

settings.register_profile("evpn", deadline=None)
settings.load_profile("evpn")
