"""The configuration: `settings` (frozen, bytes inside), `load` (YAML -> settings), `render` (templates)."""
