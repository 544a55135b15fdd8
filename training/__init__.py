"""How the model is made: corpus and training. Import as ``llmcc.training``."""

if __name__ != "llmcc.training":  # a second copy would break isinstance()
    raise ImportError(f"import 'llmcc.training', not {__name__!r}")
