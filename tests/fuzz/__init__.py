"""Coverage-guided fuzzing of everything that reads what others say: peers, ExaBGP, the kernel, hosts, people.

A target is a module with `check`, which raises when something is wrong with what was made of any octets; `SEEDS`, what
real speakers say; `WORDS`, what inputs may be made of; and `LONGEST`, octets of an input. `corpus/<target>.txt` adds
what fuzzing has found worth keeping.
"""

TARGETS = ("update", "routes", "framing", "open", "line", "words", "netlink", "frame")
