"""The EVPN instance: who owns which MAC and why, and what we announce (RFC 7432 sections 9 to 15, RFC 8365). Pure.

`mobility` the rules between claims, `bridge_domain` one VNI's tables, `originate` our routes, `fabric` route targets
to bridge domains.
"""
