"""ExaBGP's side: JSON lines in (`messages`), command lines out (`commands`), the pipes (`pipe`).

`extension/` is what runs inside ExaBGP; it imports `wire`, `text` and `values`, and nothing of the agent.
"""
