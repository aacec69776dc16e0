"""A Linux host as an EVPN-VXLAN VTEP: BGP by ExaBGP, forwarding by the kernel, this package in between.

Imports point down only (`tests/test_architecture.py`):
cli > agent | lab > netlink | exabgp | config > dataplane > evi > rib > wire > delta | packet | files > text > values.
"""
