"""The semantics of every modelled mnemonic agree with the CPU."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from llmcc.prove.decode import NotModelled, decode
from llmcc.prove.flags import condition
from llmcc.prove.semantics import SEMANTICS
from llmcc.prove.semantics_integer import CONDITIONS
from llmcc.prove.simplify import complement
from llmcc.prove.terms import forget
from llmcc.sandbox.model import States
from llmcc.sandbox.runner import Sandbox
from tests.prove.differential import differences, draw_states, symbolic_state
from tests.prove.forms import Form, all_forms

# `make semantics` runs all forms, and many more operands.
_FORMS_EACH = 4
_STATES = 30


def _by_mnemonic() -> dict[str, list[Form]]:
    found: dict[str, list[Form]] = defaultdict(list)
    for form in all_forms():
        found[form.mnemonic].append(form)
    return found


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.getbasetemp() / "runner") as opened:
        if "avx2" not in opened.features():
            pytest.skip("this CPU has no AVX2")
        yield opened


@pytest.fixture(scope="module")
def states() -> States:
    return draw_states(_STATES, seed=20)


def test_every_modelled_mnemonic_has_forms() -> None:
    assert set(_by_mnemonic()) == set(SEMANTICS)


def test_every_modelled_mnemonic_has_a_form_that_its_semantics_takes() -> None:
    for mnemonic, forms in _by_mnemonic().items():
        assert any(map(_is_modelled, forms)), mnemonic
    forget()


def _is_modelled(form: Form) -> bool:
    try:
        state = symbolic_state(form.blob.code)
        SEMANTICS[form.mnemonic](state, decode(form.blob.code, form.blob.entry))
    except NotModelled:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("letter", sorted({name[:4] for name in SEMANTICS}))
def test_semantics_agree_with_the_cpu(letter: str, states: States, sandbox: Sandbox) -> None:
    for mnemonic, forms in _by_mnemonic().items():
        if mnemonic[:4] != letter:
            continue
        modelled = [form for form in forms if _is_modelled(form)]
        step = max(1, -(-len(modelled) // _FORMS_EACH))
        for form in modelled[::step]:
            assert differences(form, states, sandbox) == [], form.text
    forget()


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_and_its_opposite_exclude_each_other(name: str) -> None:
    flags = symbolic_state(b"").flags
    opposite = name[1:] if name[0] == "n" else f"n{name}"
    assert condition(flags, opposite) is complement(condition(flags, name))


def test_a_wrong_semantics_is_noticed(states: States, sandbox: Sandbox) -> None:
    forms = _by_mnemonic()
    assert differences(_as("paddw", forms["paddb"][0]), states, sandbox)
    assert differences(_as("sub", forms["add"][0]), states, sandbox)
    # Only a flag is otherwise.
    assert differences(_as("inc", forms["not"][0]), states, sandbox)


def _as(mnemonic: str, form: Form) -> Form:
    return Form(mnemonic, form.text, form.blob)
