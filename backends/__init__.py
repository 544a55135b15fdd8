"""Minds that propose rewrites; none is trusted. Import as ``llmcc.backends``."""

if __name__ != "llmcc.backends":  # a second copy would break isinstance()
    raise ImportError(f"import 'llmcc.backends', not {__name__!r}")
