"""What runs inside ExaBGP: EVPN announced, received cheaply, and pipes that never block (RFC 7432, RFC 7606).

Useful without the agent and imports nothing of it: only `wire`, `text` and `values`. Each file here is one surface of
ExaBGP with the reason for touching it; `surfaces` has the whole list, `fit` the check, `install` puts them in place
before ExaBGP starts. `table`, `attributes`, `updates`, `framing` and `grammar` know nothing of ExaBGP and can be read
and tested alone.
"""
