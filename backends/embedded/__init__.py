"""The shipped model: its tokens, weights and runtime."""
