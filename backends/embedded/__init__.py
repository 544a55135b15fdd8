"""The shipped model: its tokens, weights and numpy runtime."""
