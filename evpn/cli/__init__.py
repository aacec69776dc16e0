"""The commands and what they print. Exit codes: 0 fine, 1 a problem was found, 2 usage or configuration, 3 no agent."""
