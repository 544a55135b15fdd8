"""The C and sh parts and how they are compiled at first use."""
