"""`llmcc-ctl completion`: the script that lets a shell complete `llmcc-ctl`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

# What follows click's script for bash, which cuts words at colons.
_JOIN_AT_COLONS = r"""
_llmcc_ctl_joined() {
    local words=() word
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ ${#words[@]} -gt 0 && ( $word == : || ${words[-1]} == *: ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    local COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
    _llmcc_ctl_completion "$@"
    # Only what stands behind the last colon is replaced.
    local last=${words[-1]}
    COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*:}"}"}")
}
complete -o nosort -F _llmcc_ctl_joined llmcc-ctl
"""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL. Commands, options, files and functions are completed.

    To have it in every new shell:

    \b
    bash: llmcc-ctl completion bash >~/.local/share/bash-completion/completions/llmcc-ctl
    zsh:  llmcc-ctl completion zsh >~/.zfunc/_llmcc-ctl, with `fpath+=~/.zfunc` before compinit
    fish: llmcc-ctl completion fish >~/.config/fish/completions/llmcc-ctl.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    command = ctx.find_root().command
    script = made(command, {}, "llmcc-ctl", "_LLMCC_CTL_COMPLETE").source()
    click.echo(script + (_JOIN_AT_COLONS if shell == "bash" else ""))
