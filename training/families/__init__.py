"""Loop families: the plain C side and the expert side of each."""
