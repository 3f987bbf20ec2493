"""Short problems that are worked out in a few steps, as many as the sets of reasoning need.

Numbers stand close together in every text, so that two problems of a kind share no run of five words.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from pipelines.sample_hub.generators.derivation import Derivation, Numbers, difference, draw, product, total

Drill = Callable[[Numbers], Derivation]


def _percent(numbers: Numbers) -> Derivation:
    p, n = draw(numbers, 3, 97), 100 * draw(numbers, 12, 98)
    hundredth, result = n // 100, n // 100 * p
    return Derivation(
        f"What is {p}% of {n}?",
        (f"One percent of {n} is {hundredth}.", f"So {p} times {hundredth} is needed: {product(p, hundredth)}."),
        f"Since {product(p, hundredth)}, the share comes to {result}.",
        str(result),
    )


def _linear(numbers: Numbers) -> Derivation:
    a, x, b = draw(numbers, 3, 29), draw(numbers, 4, 48), draw(numbers, 11, 99)
    c = a * x + b
    return Derivation(
        f"Solve ${a}x + {b} = {c}$.",
        (
            f"Taking {b} from both sides leaves {difference(c, b)}.",
            f"Then {a * x} over {a} is {x}, as {product(a, x)}.",
        ),
        f"With {difference(c, b)} and {product(a, x)}, the unknown is {x}.",
        str(x),
    )


def _run_of_integers(numbers: Numbers) -> Derivation:
    a = draw(numbers, 11, 60)
    count = 2 * draw(numbers, 5, 25)
    b = a + count - 1
    return Derivation(
        f"Add all integers from {a} to {b}.",
        (
            f"From {a} up to {b} there are {count} of them.",
            f"Pairs make {total(a, b)}, and {count // 2} pairs exist: {product(a + b, count // 2)}.",
        ),
        f"Each of {count // 2} pairs gives {a + b}, in all {(a + b) * (count // 2)}.",
        str((a + b) * (count // 2)),
    )


def _rectangle(numbers: Numbers) -> Derivation:
    a, b = draw(numbers, 13, 89), draw(numbers, 13, 89)
    return Derivation(
        f"A rectangle measures {a} by {b}. Find its perimeter.",
        (f"Half of it is {total(a, b)}.", f"Doubling {a + b} yields {product(2, a + b)}."),
        f"Twice {a + b} is {2 * (a + b)}.",
        str(2 * (a + b)),
    )


def _common_multiple(numbers: Numbers) -> Derivation:
    g, p = draw(numbers, 4, 60), draw(numbers, 3, 17)
    q = next(q for q in range(p + 1, 99) if math.gcd(p, q) == 1 and q > p + draw(numbers, 0, 4))
    a, b = g * p, g * q
    return Derivation(
        f"Find the least common multiple of {a} and {b}.",
        (
            f"Both {a} and {b} contain {g}: {product(g, p)}, {product(g, q)}.",
            f"As {p} and {q} share nothing, take {product(g, p, q)}.",
        ),
        f"The factor {g} counts once, hence {product(g, p, q)}.",
        str(g * p * q),
    )


def _squares(numbers: Numbers) -> Derivation:
    b = draw(numbers, 11, 60)
    a = b + draw(numbers, 3, 30)
    return Derivation(
        f"Evaluate ${a}^2 - {b}^2$.",
        (
            f"It factors: {total(a, b)} and {difference(a, b)}.",
            f"Multiply {a + b} by {a - b}: {product(a + b, a - b)}.",
        ),
        f"By factoring, {product(a + b, a - b)}.",
        str(a * a - b * b),
    )


def _mean(numbers: Numbers) -> Derivation:
    given = [draw(numbers, 12, 90) for _ in range(3)]
    last = 4 * draw(numbers, 3, 22) + (-sum(given)) % 4
    values = [*given, last]
    listed = ", ".join(map(str, values[:3]))
    return Derivation(
        f"What is the mean of {listed} and {last}?",
        (f"Their sum is {total(*values)}.", f"A quarter of {sum(values)} is {sum(values) // 4}."),
        f"From {total(*values)} a quarter, {sum(values) // 4}, is taken.",
        str(sum(values) // 4),
    )


def _journey(numbers: Numbers) -> Derivation:
    v, t, extra = draw(numbers, 41, 119), draw(numbers, 3, 9), draw(numbers, 6, 39)
    far = v * t + extra
    return Derivation(
        f"Driving at {v} km/h for {t} hours and then {extra} km more: what distance results?",
        (f"The first part is {product(v, t)}.", f"Adding {extra} gives {total(v * t, extra)}."),
        f"Both parts make {total(v * t, extra)}.",
        str(far),
    )


def _cross_sum(numbers: Numbers) -> Derivation:
    n = draw(numbers, 10_000, 99_999)
    figures = [int(digit) for digit in str(n)]
    return Derivation(
        f"Sum the digits of {n}.",
        (f"The digits of {n} are {', '.join(map(str, figures))}.", f"Then {total(*figures)}."),
        f"For {n} the sum is {sum(figures)}.",
        str(sum(figures)),
    )


def _roots(numbers: Numbers) -> Derivation:
    small = draw(numbers, 2, 40)
    large = small + draw(numbers, 2, 30)
    s, p = small + large, small * large
    return Derivation(
        f"What is the larger root of $x^2 - {s}x + {p} = 0$?",
        (
            f"Two numbers with sum {s} and product {p} are sought.",
            f"They are {small}, {large}: {product(small, large)}.",
        ),
        f"It splits into ${small}$ and ${large}$, of which {large} is larger.",
        str(large),
    )


def _remainder(numbers: Numbers) -> Derivation:
    d, q, r = draw(numbers, 13, 47), draw(numbers, 21, 88), draw(numbers, 1, 12)
    n = d * q + r
    return Derivation(
        f"What remains when {n} is divided by {d}?",
        (f"It fits {q} times, {product(d, q)}.", f"What is left: {difference(n, d * q)}."),
        f"Since {product(d, q)}, there remains {r}.",
        str(r),
    )


def _fraction(numbers: Numbers) -> Derivation:
    p = draw(numbers, 3, 40)
    q = next(q for q in range(p + 1, 199) if math.gcd(p, q) == 1 and q > p + draw(numbers, 0, 5))
    g = draw(numbers, 6, 31)
    return Derivation(
        rf"Simplify $\frac{{{g * p}}}{{{g * q}}}$.",
        (f"Both contain {g}: {product(g, p)} and {product(g, q)}.", f"What stays is {p} over {q}."),
        rf"Cancelling {g} leaves \({p}/{q}\).",
        rf"\frac{{{p}}}{{{q}}}",
    )


def _choose(numbers: Numbers) -> Derivation:
    n, k = draw(numbers, 7, 299), draw(numbers, 2, 3)
    ordered = math.perm(n, k)
    return Derivation(
        f"In how many ways can {k} of {n} people, numbered 1 to {n}, be chosen?",
        (
            f"In order there are {product(*(n - step for step in range(k)))} ways.",
            f"Each group of {k} occurs {math.factorial(k)} times, so {ordered // math.factorial(k)} are left.",
        ),
        f"Of {ordered} orders every {math.factorial(k)} are one group: {math.comb(n, k)}.",
        str(math.comb(n, k)),
    )


def _determinant(numbers: Numbers) -> Derivation:
    a, b, c, d = (draw(numbers, 4, 29) for _ in range(4))
    return Derivation(
        rf"Compute $\begin{{vmatrix}} {a} & {b} \\ {c} & {d} \end{{vmatrix}}$.",
        (f"One diagonal: {product(a, d)}.", f"The other: {product(b, c)}.", f"Then {difference(a * d, b * c)}."),
        f"It equals {difference(a * d, b * c)}.",
        str(a * d - b * c),
    )


MATHEMATICS: Final[tuple[Drill, ...]] = (
    *(_percent, _linear, _run_of_integers, _rectangle, _common_multiple, _squares, _mean),
    *(_journey, _cross_sum, _roots, _remainder, _fraction, _choose, _determinant),
)
WHOLE: Final = tuple(kind for kind in MATHEMATICS if kind is not _fraction)
"""Those of them whose answers are whole numbers."""


def _voltage(numbers: Numbers) -> Derivation:
    i, r = draw(numbers, 3, 19), draw(numbers, 21, 89)
    return Derivation(
        f"A current of {i} A flows through {r} ohm. What voltage, in volts, drives it?",
        (f"Ohm's law multiplies {i} and {r}.", f"That is {product(i, r)}."),
        f"By Ohm's law, {product(i, r)} volts.",
        str(i * r),
    )


def _mass(numbers: Numbers) -> Derivation:
    rho, v = draw(numbers, 2, 21), draw(numbers, 31, 99)
    return Derivation(
        f"How heavy, in grams, are {v} cubic centimetres at {rho} grams each?",
        (f"Every one of {v} weighs {rho}.", f"Together {product(v, rho)}."),
        f"All {v} of them: {product(v, rho)} grams.",
        str(v * rho),
    )


def _momentum(numbers: Numbers) -> Derivation:
    m, v = draw(numbers, 12, 95), draw(numbers, 3, 38)
    return Derivation(
        f"A body of {m} kg moves at {v} m/s. Its momentum, in kg m/s?",
        (f"Mass {m} times speed {v}.", f"So {product(m, v)}."),
        f"Momentum is {product(m, v)}.",
        str(m * v),
    )


def _work(numbers: Numbers) -> Derivation:
    f, s = draw(numbers, 11, 79), draw(numbers, 4, 45)
    return Derivation(
        f"A force of {f} N acts over {s} m. Which work, in joules, is done?",
        (f"Force {f} along {s} metres.", f"Hence {product(f, s)}."),
        f"The work is {product(f, s)} joules.",
        str(f * s),
    )


def _moles(numbers: Numbers) -> Derivation:
    n, molar = draw(numbers, 3, 19), draw(numbers, 16, 98)
    return Derivation(
        f"How many moles are {n * molar} g of a substance with {molar} g/mol?",
        (f"Split {n * molar} into parts of {molar}.", f"There are {n}, as {product(n, molar)}."),
        f"From {product(n, molar)} follow {n} moles.",
        str(n),
    )


SCIENCE: Final[tuple[Drill, ...]] = (_voltage, _mass, _momentum, _work, _moles)


def drilled(numbers: Numbers, count: int, kinds: Sequence[Drill] = MATHEMATICS) -> list[Derivation]:
    """As many problems as asked for, the kinds in turn."""
    first = draw(numbers, 0, len(kinds) - 1)
    return [kinds[(first + place) % len(kinds)](numbers) for place in range(count)]
