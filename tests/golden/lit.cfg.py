"""Golden tests: a file holds its command (RUN), its input and what must come out (CHECK)."""

import os
import sys
import tempfile

import lit.formats

config.name = "llmcc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".s", ".c"]
config.excludes = ["lit.cfg.py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(tempfile.gettempdir(), f"llmcc-golden-{os.getuid()}")

checkout = os.path.dirname(os.path.dirname(config.test_source_root))
# The tools of the environment that runs lit: python, filecheck, llmcc-ctl.
config.environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
config.environment["PYTHONPATH"] = checkout
config.environment["LLMCC_DIR"] = os.path.join(config.test_exec_root, "cache")
config.environment["LLMCC_STRICT"] = "1"
config.substitutions += [
    ("%llmcc-ctl", f"{sys.executable} -m llmcc.ctl.main"),
    ("%python", sys.executable),
]
