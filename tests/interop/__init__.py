"""Against real speakers, in network namespaces that each test makes and removes."""
