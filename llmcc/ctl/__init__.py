"""The `llmcc-ctl` command: one file a sub-command."""
