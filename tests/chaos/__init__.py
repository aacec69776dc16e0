"""Minutes of random faults on a fabric of four VTEPs and two reflectors, and then: is everything as it should be?

`plan` makes a sequence of faults of a seed, `faults` does what it says to a `world`, and `judge` compares the kernels
with where the hosts really are, by `bridge`, `ip` and pings alone, and asks `evpn diff` afterwards.
"""
