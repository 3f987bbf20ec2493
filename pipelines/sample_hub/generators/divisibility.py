"""Problems about divisors, remainders and digits; each kind has several wordings, by number from 0."""

import math
from itertools import count

from pipelines.sample_hub.generators.derivation import Derivation, Numbers, difference, draw, product, total


def common_divisor(generator: Numbers, number: int) -> Derivation:
    g, p, q = draw(generator, 12, 60), *((31, 17), (43, 19), (29, 23), (37, 16), (41, 27))[number]
    a, b = g * p, g * q
    question = (
        f"Determine the greatest common divisor of {a} and {b}.",
        f"Square tiles, all alike and as large as possible, shall cover a floor of {a} by {b} centimetres without a "
        "cut. How long is the side of a tile in centimetres?",
        f"What is the largest integer that divides {a} and {b} without a remainder?",
        f"A florist has {a} roses and {b} tulips and wants to bind as many identical bunches as she can, using up all "
        "flowers. How many bunches are there?",
        f"By which number must the fraction with numerator {b} and denominator {a} be reduced to reach lowest terms?",
    )[number]
    thoughts, left, right = [], a, b
    while right:
        quotient, rest = divmod(left, right)
        words = (
            f"Dividing {left} by {right} gives {quotient}, because {product(quotient, right)}, and",
            f"How often does {right} fit into {left}? It fits {quotient} times with {product(quotient, right)}, so",
            f"Next comes {left} against {right}: {quotient} copies make {product(quotient, right)} and",
            f"From {left} I can take {right} away {quotient} times, that is {product(quotient, right)}, whereupon",
            f"The pair is now {left} and {right}. With the quotient {quotient} I get {product(quotient, right)}, hence",
        )[number]
        thoughts.append(f"{words} {difference(left, quotient * right)} remains.")
        left, right = right, rest
    thoughts.append(
        f"The last remainder before zero is {g}. Indeed {product(g, p)} and {product(g, q)}, where {p} and {q} share "
        "no factor."
    )
    solution = (
        f"Euclid's algorithm ends with the remainder {g}. Since {product(g, p)} and {product(g, q)}, it divides both."
    )
    return Derivation(question, tuple(thoughts), solution, str(g))


def last_digits(generator: Numbers, number: int) -> Derivation:
    base, exponent = (3, 7, 13, 17, 23)[number], (21, 26, 19, 28, 25)[number] + 32 * draw(generator, 0, 1)
    question = (
        f"What are the last two digits of ${base}^{{{exponent}}}$, read as a number?",
        f"Find the remainder when ${base}^{{{exponent}}}$ is divided by 100.",
        f"Compute ${base}^{{{exponent}}} \\bmod 100$.",
        f"A counter shows only tens and units. Which number does it show for ${base}^{{{exponent}}}$?",
        f"Somebody writes out ${base}^{{{exponent}}}$ in full. Which two digits stand at its end, taken as a number?",
    )[number]
    power, value, bits, kept = 1, base, exponent, []
    thoughts = [f"I write {exponent} as a sum of powers of two and square {base} again and again, keeping two digits."]
    while bits:
        if bits & 1:
            kept.append((power, value))
        bits >>= 1
        if bits:
            square = value * value
            thoughts.append(
                f"The exponent {2 * power} comes from {product(value, value)}, which ends in {square % 100:02}."
            )
            power, value = 2 * power, square % 100
    thoughts.append(
        f"Now {total(*(power for power, _ in kept))}, so the remainders to combine are "
        f"{', '.join(str(value) for _, value in kept)}."
    )
    result = kept[0][1]
    for _, value in kept[1:]:
        thoughts.append(f"Multiplying, {product(result, value)}, of which I keep {result * value % 100:02}.")
        result = result * value % 100
    solution = f"Repeated squaring modulo 100, with {exponent} split into powers of two, leaves the remainder {result}."
    return Derivation(question, tuple(thoughts), solution, str(result))


def divisors(generator: Numbers, number: int) -> Derivation:
    primes = ((2, 3, 5), (2, 3, 7), (2, 5, 7), (3, 5, 11), (2, 3, 11))[number]
    powers = (draw(generator, 2, 4), draw(generator, 1, 3), draw(generator, 1, 2))
    n = math.prod(p**e for p, e in zip(primes, powers, strict=True))
    question = (
        f"How many positive divisors does {n} have?",
        f"In how many ways can {n} be written as a product of two positive integers, if their order matters?",
        f"Count the rectangles with whole side lengths whose area is {n}, treating height and width as different.",
        f"For how many positive integers $d$ is {n} a multiple of $d$?",
        f"Gears with {n} teeth in total are to be spread over equally large wheels. How many numbers of wheels are "
        "possible?",
    )[number]
    thoughts, rest = [f"I take {n} apart into primes, smallest first."], n
    for p, e in zip(primes, powers, strict=True):
        for _ in range(e):
            rest //= p
            thoughts.append(f"The prime {p} divides {p * rest} with {product(p, rest)}.")
    shape = ", ".join(f"{p} with exponent {e}" for p, e in zip(primes, powers, strict=True))
    choices = [e + 1 for e in powers]
    thoughts.append(
        f"So the primes are {shape}. A divisor may use each exponent from zero up, and {product(*choices)} "
        "combinations come of it."
    )
    solution = f"The factorisation has {shape}, so there are {product(*choices)} divisors."
    return Derivation(question, tuple(thoughts), solution, str(math.prod(choices)))


def remainders(generator: Numbers, number: int) -> Derivation:
    p, q = ((7, 11), (9, 13), (8, 15), (11, 14), (10, 17))[number]
    n = draw(generator, p * 3, p * q - 1)
    r, s = n % p, n % q
    question = (
        f"Find the smallest non-negative integer that leaves {r} on division by {p} and {s} on division by {q}.",
        f"Eggs taken from a basket {p} at a time leave {r}, and {q} at a time leave {s}. There are fewer than "
        f"{p * q}. How many eggs are in it?",
        f"One lamp blinks every {p} seconds, the first time at second {r}, another every {q} seconds from second {s}. "
        "When do both blink together first?",
        f"A troupe lined up in rows of {p} has {r} dancers over, and in rows of {q} it has {s}. It counts less than "
        f"{p * q} people. What is its size?",
        f"Which $n$ below {p * q} satisfies $n \\equiv {r} \\pmod{{{p}}}$ and $n \\equiv {s} \\pmod{{{q}}}$?",
    )[number]
    thoughts = [f"I walk through the numbers that leave {s} on division by {q} and watch their remainder for {p}."]
    for k in count():
        value = s + k * q
        if value % p == r:
            thoughts.append(
                f"At {value} the remainder for {p} is {r}, since {product(value // p, p)} and "
                f"{total(value // p * p, r)}."
            )
            break
        thoughts.append(f"{value} leaves {value % p}.")
    thoughts.append(
        f"The modulus {q} fits too, because {product(value // q, q)} and {total(value // q * q, s)}. Below {p * q} no "
        f"other number does both, as {p} and {q} have no common factor."
    )
    solution = f"Among the numbers {s}, {s + q}, {s + 2 * q} and so on the first with remainder {r} for {p} is {value}."
    return Derivation(question, tuple(thoughts), solution, str(value))


def other_base(generator: Numbers, number: int) -> Derivation:
    base, n = (3, 5, 6, 7, 4)[number], draw(generator, 300, 700)
    question = (
        f"Write the decimal number {n} in base {base}.",
        f"Coins have the values of the powers of {base}, and one pays {n} with as few coins as possible. List their "
        "numbers from the most valuable coin down, as one string of digits.",
        f"What is {n} in the number system that has only {base} digits?",
        f"Convert {n} from base ten to base {base}.",
        f"An abacus has {base - 1} beads on each wire and carries at {base}. Which digits, read from left to right, "
        f"show {n}?",
    )[number]
    thoughts, rest, digits = [f"I divide by {base} over and over and collect what remains."], n, ""
    while rest:
        quotient, digit = divmod(rest, base)
        thoughts.append(f"{rest} is made of {product(quotient, base)} and {digit}, so the digit is {digit}.")
        rest, digits = quotient, f"{digit}{digits}"
    value, back = 0, []
    for read in map(int, digits):
        back.append(f"\\({value} \\times {base} + {read} = {value * base + read}\\)")
        value = value * base + read
    thoughts.append(f"Read upwards the digits are {digits}. Reading them back: {', '.join(back[1:])}.")
    solution = (
        f"Repeated division of {n} by {base} leaves the remainders {', '.join(reversed(digits))}, so it is {digits}."
    )
    return Derivation(question, tuple(thoughts), solution, digits)
