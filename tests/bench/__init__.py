"""How fast, beside others on the same machine in the same run: `make bench`, `python -m tests.bench --help`.

Whole processes on both sides: `evpn run` (ExaBGP and the agent) beside FRR's bgpd and zebra, and `evpn exabgp` beside
stock ExaBGP. Nothing here asserts a time. docs/performance.md has the method and the figures of the last run.
"""
