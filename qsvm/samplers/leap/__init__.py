"""D-Wave's cloud: connection, delivery, the store of what was paid for."""
