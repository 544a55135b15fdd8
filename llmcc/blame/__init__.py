"""From a failing test of the user to the rewrites that make it fail."""
