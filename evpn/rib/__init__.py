"""The EVPN Adj-RIBs-In and Loc-RIB: paths, why one of them is best, what is refused and why. Pure; RFC 4271, 7432."""
