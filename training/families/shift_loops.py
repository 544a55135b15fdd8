"""Loops that walk over the bits of one word, and the bit instruction that ends each at once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import partial

from llmcc.regions.model import Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.pattern import Rule, rewrites


def _by_rules(rules: Sequence[Rule], region: Region, isa: str) -> Iterator[str]:
    del isa  # bit instructions are the same in both
    return rewrites(region, rules)


def _loop(family: str, element_type: str, c: str, rules: Sequence[Rule]) -> Loop:
    return Loop(family, element_type, c, partial(_by_rules, tuple(rules)))


def _word(rng: random.Random) -> tuple[str, str]:
    """An unsigned type: its short and its C name."""
    return rng.choice((("u32", "uint32_t"), ("u64", "uint64_t")))


def _counter(rng: random.Random) -> str:
    return rng.choice(("int", "unsigned", "long", "int"))


def _counted(both_ways: Sequence[tuple[str, str]]) -> tuple[Rule, ...]:
    """Rules with a counter `n` that goes up or down by 1, in 32 or 64 bits.

    In the loop, COUNT is the counter's step; in the rewrite, COUNT is followed by what is added.
    """
    rules: list[Rule] = []
    for loop, rewrite in both_ways:
        for verb in ("add", "sub"):
            for suffix, bits in (("l", 32), ("q", 64)):
                step = f"{verb}{suffix} $1, {{n.{bits}}}"
                added = rf"{verb}{suffix} {{s0.{bits}}}, {{n.{bits}}}"
                rules.append(Rule(loop.replace("COUNT", step), rewrite.replace("COUNT", added)))
    return tuple(rules)


# -- how many bits are set

# x &= x - 1 until nothing is left: all but the highest bit at once, which gcc's loop takes.
_KERNIGHAN = _counted(
    [
        (
            f".LH:\nlea~ -1({{x}}), {{t.w}}\n{middle}\njne .LH",
            "popcnt~ {x.w}, {s0.w}\nsubl $1, {s0.32}\njbe .LH\nlzcnt~ {x.w}, {s1.w}\n"
            "xorl $<top>, {s1.32}\nmovl $1, {x.32}\nshlx~ {s1.w}, {x.w}, {x.w}\nCOUNT\njmp .LH",
        )
        for middle in (
            "COUNT\nand~ {t.w}, {x.w}",
            "and~ {t.w}, {x.w}\nCOUNT\ntest~ {x.w}, {x.w}",
        )
    ]
)


def _draw_kernighan(rng: random.Random) -> Loop:
    short, word = _word(rng)
    counter, verb = _counter(rng), rng.choice(("++", "--"))
    start = rng.choice(("0", "s", "64", "1"))
    body = f"x &= x - 1; n{verb};"
    shape = rng.choice((f"do {{ {body} }} while (x);", f"while (x) {{ {body} }}"))
    c = f"{counter} @NAME@({word} x, {counter} s) {{ {counter} n = {start}; {shape} return n; }}\n"
    return _loop("kernighan_counted", short, c, _KERNIGHAN)


# n += (x >> i) & 1 for i up to a bound. gcc's loop does the last bit; the T - 1 before it are whole
# turns around the word, since shifts take i modulo its width, and the first bits of x rotated by i.
def _between_rules(combine: str, finish: str) -> tuple[Rule, ...]:
    """Rules for a sum or a parity; `combine` is how gcc joins one bit, `finish` how all are."""
    rules: list[Rule] = []
    for middle in (
        f"addl $1, {{i.32}}\nandl $1, {{t.32}}\n{combine}",
        f"andl $1, {{t.32}}\naddl $1, {{i.32}}\n{combine}",
        f"andl $1, {{t.32}}\n{combine}\naddl $1, {{i.32}}",
    ):
        for bound, order in (("${#b}", "cmpl {b}, {i.32}"), ("{b.32}", "cmpl {b} <> {i.32}")):
            loop = f".LH:\nmov~ {{x.w}}, {{t.w}}\nshr~ {{i.8}}, {{t.w}}\n{middle}\n{order}\njne .LH"
            rewrite = (
                "movl {b}, {s0.32}\nsubl {i.32}, {s0.32}\nsubl $1, {s0.32}\n"
                "mov~ {x.w}, {s1.w}\nror~ {i.8}, {s1.w}\n"
                "movl {s0.32}, {s2.32}\nandl $<top>, {s2.32}\nbzhi~ {s2.w}, {s1.w}, {s1.w}\n"
                "popcnt~ {s1.w}, {s1.w}\npopcnt~ {x.w}, {s2.w}\nshrl $<log>, {s0.32}\n"
                f"imull {{s2.32}}, {{s0.32}}\naddl {{s1.32}}, {{s0.32}}\n{finish}\n"
                "movl {b}, {i.32}\nsubl $1, {i.32}\njmp .LH"
            )
            rules.append(Rule(loop.replace("{b}", bound), rewrite.replace("{b}", bound)))
    return tuple(rules)


_SUM = _between_rules("addl {t.32}, {n.32}", "addl {s0.32}, {n.32}")
_PARITY = _between_rules("xorl {t.32}, {n.32}", "andl $1, {s0.32}\nxorl {s0.32}, {n.32}")


def _draw_between(family: str, operator: str, rules: Sequence[Rule], rng: random.Random) -> Loop:
    short, word = _word(rng)
    bits = int(short[1:])
    bound = rng.choice((str(bits), str(bits), "m", str(rng.randrange(bits // 2, bits))))
    first = rng.choice(("0", "0", "s", "1"))
    c = (
        f"int @NAME@({word} x, int s, int m) {{ int n = {rng.choice(('0', '1'))}; "
        f"for (int i = {first}; i < {bound}; i++) n {operator} (x >> i) & 1; return n; }}\n"
    )
    return _loop(family, short, c, rules)


# -- where the highest bit is

# gcc's loop does the last step. Where its sign ends it, x = 0 is for ever in both.
_SHIFT_LEFT = _counted(
    [
        (
            f".LH:\n{loop}\n{jump} .LH",
            "mov~ {x.w}, {s0.w}\nadd~ {s0.w}, {s0.w}\n"
            + ("je .LH\n" if jump == "jg" else "")
            + "lzcnt~ {s0.w}, {s0.w}\nshlx~ {s0.w}, {x.w}, {x.w}\nCOUNT\njmp .LH",
        )
        for loop, jump in (
            ("COUNT\nadd~ {x.w}, {x.w}", "jns"),
            ("add~ {x.w}, {x.w}\nCOUNT\ntest~ {x.w}, {x.w}", "jns"),
            ("COUNT\nadd~ {x.w}, {x.w}\ntest~ {x.w}, {x.w}", "jg"),
            ("add~ {x.w}, {x.w}\nCOUNT\ntest~ {x.w}, {x.w}", "jg"),
        )
    ]
)


def _draw_shift_left(rng: random.Random) -> Loop:
    short, word = _word(rng)
    counter, verb, bits = _counter(rng), rng.choice(("++", "--")), int(short[1:])
    test = rng.choice((f"(int{bits}_t)x > 0", f"!(x & ({word})1 << {bits - 1})"))
    start = rng.choice(("0", "s", str(bits)))
    c = (
        f"{counter} @NAME@({word} x, {counter} s) {{ {counter} n = {start}; "
        f"while ({test}) {{ x <<= 1; n{verb}; }} return n; }}\n"
    )
    return _loop("leading_zeros", short, c, _SHIFT_LEFT)


def _log_rules() -> tuple[Rule, ...]:
    """Shifts by k until x is 0, or under 2^k, with k a power of two; steps from x's length."""
    rules: list[tuple[str, str]] = []
    for k in (1, 2, 4, 8):
        log = k.bit_length() - 1
        shift = "shr~ {x.w}" if k == 1 else f"shr~ ${k}, {{x.w}}"
        # one less than the bits of x, over k
        steps = "lzcnt~ {x.w}, {s0.w}\nxorl $<top>, {s0.32}"
        steps += f"\nshrl ${log}, {{s0.32}}" if log else ""
        shift_all = f"movl {{s0.32}}, {{s1.32}}\nshll ${log}, {{s1.32}}\n" if log else ""
        shift_all += f"shrx~ {{s{bool(log):d}.w}}, {{x.w}}, {{x.w}}"
        for loop in (
            f"COUNT\n{shift}\njne .LH",
            f"{shift}\nCOUNT\ntest~ {{x.w}}, {{x.w}}\njne .LH",
        ):
            rewrite = f"test~ {{x.w}}, {{x.w}}\nje .LH\n{steps}\naddl $1, {{s0.32}}"
            rules.append((f".LH:\n{loop}", f"{rewrite}\nxorl {{x.32}}, {{x.32}}\nCOUNT\njmp .LX0"))
        last = (1 << k) - 1
        for order in (f"COUNT\n{shift}", f"{shift}\nCOUNT"):
            loop = f".LH:\n{order}\ncmp~ ${last}, {{x.w}}\n{'ja' if k > 1 else 'jne'} .LH"
            guard = f"cmp~ ${last}, {{x.w}}\njbe .LH\n"
            if k == 1:  # 0 and 1 never leave the loop, nor do they leave it after the shift by all
                guard = ""
            rules.append((loop, f"{guard}{steps}\nCOUNT\n{shift_all}\njmp .LX0"))
    return _counted(rules)


_LOG = _log_rules()


def _draw_log(family: str, shifts: Sequence[int], to_zero: bool, rng: random.Random) -> Loop:
    short, word = _word(rng)
    counter, verb, k = _counter(rng), rng.choice(("++", "++", "--")), rng.choice(shifts)
    start = rng.choice(("0", "s", "1"))
    last = (1 << k) - 1
    if to_zero:
        shape = rng.choice(
            (f"do {{ n{verb}; x >>= {k}; }} while (x);", f"while (x >>= {k}) n{verb};")
        )
    else:
        shape = f"while (x > {last}) {{ x >>= {k}; n{verb}; }}"
    c = f"{counter} @NAME@({word} x, {counter} s) {{ {counter} n = {start}; {shape} return n; }}\n"
    return _loop(family, short, c, _LOG)


# -- bits in reverse order


def _swap_bits(register: str, shift: int, mask: int) -> str:
    """Exchange neighbouring groups of `shift` bits in a 32-bit register, by way of s2."""
    return (
        f"movl {register}, {{s2.32}}\nshrl ${shift}, {{s2.32}}\nandl ${mask}, {{s2.32}}\n"
        f"andl ${mask}, {register}\nshll ${shift}, {register}\norl {{s2.32}}, {register}\n"
    )


def _reverse_rules() -> tuple[Rule, ...]:
    """Rules for r = r << 1 | x & 1; x >>= 1, as often as a counter going down says."""
    bodies = (
        "movl {x.32}, {t.32}\naddl {r.32}, {r.32}\nshrl {x.32}\nandl $1, {t.32}\n"
        "orl {t.32}, {r.32}\n",
        "movl {x.32}, {t.32}\nshrl {x.32}\nandl $1, {t.32}\nleal ({t},{r},2), {r.32}\n",
    )
    reversed_bits = "movl {x.32}, {s1.32}\nbswapl {s1.32}\n" + "".join(
        _swap_bits("{s1.32}", shift, mask)
        for shift, mask in ((4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555))
    )
    # gcc's loop does the last bit. r and x reversed are one 64-bit word, shifted by the T - 1 bits
    # in s0; from 64 on both are 0.
    join = (
        f"{reversed_bits}shlq $32, {{r}}\norq {{s1}}, {{r}}\nmovl {{x.32}}, {{x.32}}\n"
        "shlxq {s0}, {r}, {r}\nshrxq {s0}, {x}, {x}\nshrq $32, {r}\nxorl {s1.32}, {s1.32}\n"
        "cmpl $63, {s0.32}\ncmova {s1.32}, {r.32}\ncmova {s1.32}, {x.32}\n"
    )
    rules: list[Rule] = []
    for end, begin, last in (
        ("jne", "leal -1({n}), {s0.32}", 1),
        ("jnb", "movl {n.32}, {s0.32}", 0),
    ):
        rewrite = f"{begin}\n{join}movl ${last}, {{n.32}}\njmp .LH"
        rules += [Rule(f".LH:\n{body}subl $1, {{n.32}}\n{end} .LH", rewrite) for body in bodies]
    return tuple(rules)


_REVERSE = _reverse_rules()


def _draw_reverse(rng: random.Random) -> Loop:
    bits = rng.choice((8, 16, 24, 32, 32, 0))
    turns = rng.choice(
        (f"for (int i = 0; i < {bits}; i++)", "while (m--)") if bits else ("while (m--)",)
    )
    update = rng.choice(
        (
            "r = (r << 1) | (x & 1); x >>= 1;",
            "r <<= 1; r |= x & 1; x >>= 1;",
            "r = 2 * r + x % 2; x /= 2;",
        )
    )
    c = (
        f"uint32_t @NAME@(uint32_t x, unsigned m) {{ uint32_t r = 0; {turns} {{ {update} }} "
        "return r; }\n"
    )
    return _loop("bit_reverse", "u32", c, _REVERSE)


# -- decimal digits: what gcc multiplies by is in a register, so that no rewrite can know it is 1/10


def _draw_digits(rng: random.Random) -> Loop:
    counter, verb = _counter(rng), rng.choice(("++", "++", "--"))
    start = rng.choice(("0", "s", "1"))
    shape = rng.choice(
        (
            f"while (x >= 10) {{ x /= 10; n{verb}; }}",
            f"do {{ x /= 10; n{verb}; }} while (x);",
            f"while (x > 9) {{ n{verb}; x = x / 10; }}",
            f"while (x /= 10) n{verb};",
        )
    )
    c = (
        f"{counter} @NAME@(uint32_t x, {counter} s) "
        f"{{ {counter} n = {start}; {shape} return n; }}\n"
    )
    return _loop("decimal_length", "u32", c, ())


FAMILIES = (
    Family("kernighan_counted", "train", 0.3, _draw_kernighan),
    Family("bits_between", "train", 0.3, partial(_draw_between, "bits_between", "+=", _SUM)),
    Family("parity_between", "test", 0.8, partial(_draw_between, "parity_between", "^=", _PARITY)),
    Family("leading_zeros", "train", 0.6, _draw_shift_left),
    Family("ilog2", "train", 0.6, partial(_draw_log, "ilog2", (1, 4), False)),
    Family("digit_count_2k", "test", 0.6, partial(_draw_log, "digit_count_2k", (2, 4, 8), True)),
    Family("bit_reverse", "train", 0.2, _draw_reverse),
    Family("decimal_length", "train", 0.5, _draw_digits),
)
