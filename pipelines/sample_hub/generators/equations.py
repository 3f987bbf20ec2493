"""Problems that lead to equations, sums and counts; each kind has several wordings, by number from 0."""

import math

from pipelines.sample_hub.generators.derivation import Derivation, Numbers, difference, draw, product, total


def two_prices(generator: Numbers, number: int) -> Derivation:
    x, y = draw(generator, 5, 19), draw(generator, 3, 15)
    a, b, c, d = ((3, 5, 4, 2), (2, 7, 5, 3), (6, 1, 3, 4), (5, 4, 2, 9), (7, 2, 4, 5))[number]
    p, q = a * x + b * y, c * x + d * y
    question = (
        f"{a} adults and {b} children pay {p} euros for the zoo, while {c} adults and {d} children pay {q} euros. What "
        "does one adult pay?",
        f"A box with {a} lemons and {b} melons costs {p} crowns. Another with {c} lemons and {d} melons costs {q} "
        "crowns. Find the price of a lemon.",
        f"Real numbers satisfy ${a}x + {b}y = {p}$ and ${c}x + {d}y = {q}$. Compute $x$.",
        f"On Monday a mason laid {a} slabs and {b} kerbs, {p} kilograms in all, and on Tuesday {c} slabs and {d} "
        f"kerbs, which weighed {q} kilograms. How heavy is a slab?",
        f"The lines ${a}x + {b}y = {p}$ and ${c}x + {d}y = {q}$ cross in a single point. State its first coordinate.",
    )[number]
    (more, high), (less, low) = sorted([(a * d, p * d), (c * b, q * b)], reverse=True)
    factor = more - less
    thoughts = (
        f"I call the unknowns x and y, so {a}x + {b}y is {p} and {c}x + {d}y is {q}.",
        f"To get rid of y I multiply the first relation by {d} and the second by {b}. On the right that gives "
        f"{product(p, d)} and {product(q, b)}.",
        f"The coefficients of x become {product(a, d)} and {product(c, b)}, while y carries {product(b, d)} in both.",
        f"Subtracting leaves {difference(more, less)} for x and {difference(high, low)} on the right.",
        f"So x is {high - low} divided by {factor}, and {product(factor, x)} shows that x is {x}.",
        f"Then {b}y is {p} less {product(a, x)}, which is {difference(p, a * x)}, so y is {y}.",
        f"In the second relation {product(c, x)} and {product(d, y)} add up to {total(c * x, d * y)}, as they should.",
    )
    solution = f"Eliminating y gives {factor}x = {high - low}, and because {product(factor, x)} the value of x is {x}."
    return Derivation(question, thoughts, solution, str(x))


def quadratic(generator: Numbers, number: int) -> Derivation:
    small, gap = draw(generator, 4, 12), (3, 5, 7, 4, 9)[number]
    large = small + gap
    s, p = small + large, small * large
    question = (
        f"Find the larger root of the equation $t^2 - {s}t + {p} = 0$.",
        f"The length of a garden exceeds its width by {gap} metres, and its area is {p} square metres. How long is it?",
        f"Two positive integers have the sum {s} and the product {p}. Which is the greater of them?",
        f"A number and the number that is {gap} smaller multiply to {p}. Both are positive. What is the former?",
        f"For which positive $n$ greater than {gap} is $n(n - {gap})$ equal to {p}?",
    )[number]
    discriminant = s * s - 4 * p
    thoughts = (
        f"Let the two quantities be u and v with the product {p} and the difference {gap}.",
        f"Their sum would settle it. If it is {s}, then its square is {product(s, s)}.",
        f"Four products are {product(4, p)}, and subtracting gives {difference(s * s, 4 * p)}.",
        f"That has to be the square of the difference, and {product(gap, gap)} equals {discriminant} indeed.",
        f"Therefore the larger one is half of {total(s, gap)}, namely {large}, and the smaller one is half of "
        f"{difference(s, gap)}, namely {small}.",
        f"As a test, {product(large, small)} and {difference(large, small)}.",
    )
    solution = (
        f"The discriminant is \\({s * s} - {4 * p} = {discriminant}\\), whose root is {gap}. Half of {total(s, gap)} "
        f"is {large}."
    )
    return Derivation(question, thoughts, solution, str(large))


def series(generator: Numbers, number: int) -> Derivation:
    first, step, n = draw(generator, 3, 20), (3, 4, 6, 7, 5)[number], draw(generator, 14, 40)
    last = first + (n - 1) * step
    result = n * (first + last) // 2
    question = (
        f"Evaluate the sum ${first} + {first + step} + {first + 2 * step} + \\cdots + {last}$, whose terms grow by "
        f"{step}.",
        f"An amphitheatre has {n} rows. The lowest seats {first} people and every further row {step} more. How many "
        "people fit in?",
        f"The first term of an arithmetic sequence is {first} and its common difference {step}. Find the sum of its "
        f"first {n} terms.",
        f"A gardener waters {first} beds on the first day of spring and {step} beds more each day. How often has she "
        f"watered a bed by the end of day {n}?",
        f"Logs are piled so that the top layer has {first} logs and each layer below has {step} more. How many logs "
        f"are in {n} layers?",
    )[number]
    thoughts = (
        f"The terms start at {first} and rise by {step} each time, and there are {n} of them.",
        f"From the first to the last there are {difference(n, 1)} steps, so the last term lies "
        f"{product(n - 1, step)} above the first, which is {total(first, (n - 1) * step)}.",
        f"Pairing the outer terms gives {total(first, last)}. The next pair, {first + step} and {last - step}, gives "
        f"{total(first + step, last - step)} as well.",
        f"With {n} terms there are {n} halves of such a pair, so I multiply: {product(n, first + last)}.",
        f"Half of {n * (first + last)} is {result}, since {product(2, result)}.",
    )
    solution = (
        f"The last term is {last}, and {n} terms with ends {first} and {last} sum to half of "
        f"{product(n, first + last)}, which is {result}."
    )
    return Derivation(question, thoughts, solution, str(result))


def committee(generator: Numbers, number: int) -> Derivation:
    a, b = draw(generator, 6, 10), draw(generator, 5, 9)
    k, m = ((2, 2), (3, 1), (2, 3), (1, 3), (3, 2))[number]
    question = (
        f"A jury of {k} painters and {m} writers is chosen from {a} painters and {b} writers. How many juries are "
        "possible?",
        f"In how many ways can {k} cards be taken from {a} red ones and {m} from {b} blue ones, if order plays no "
        "role?",
        f"A coach has {a} attackers and {b} defenders and lines up {k} of the former and {m} of the latter. Count the "
        "line-ups.",
        f"From a shelf with {a} novels and {b} atlases, Vera borrows {k} novel and {m} atlases. How many choices has "
        "she?",
        f"How many sets contain exactly {k} of the {a} vowels and {m} of the {b} consonants of an invented alphabet?",
    )[number]
    x, y = math.comb(a, k), math.comb(b, m)

    def chosen(n: int, r: int) -> str:
        ordered = [n - i for i in range(r)]
        written = product(*ordered) if r > 1 else f"{n}"
        times = math.factorial(r)
        return f"in order there are {written} picks, and each set appears {times} times, which leaves {math.comb(n, r)}"

    thoughts = (
        "The two choices do not influence each other, so I count each and multiply at the end.",
        f"For {k} out of {a}, {chosen(a, k)}.",
        f"For {m} out of {b}, {chosen(b, m)}.",
        f"Every one of the {x} first choices goes with every one of the {y} second ones, and {product(x, y)}.",
        f"A rough check: {x} and {y} round to {round(x, -1)} and {round(y, -1)}, and {x * y} is of that size.",
    )
    solution = f"There are {x} ways for the first group and {y} for the second, so {product(x, y)} in all."
    return Derivation(question, thoughts, solution, str(x * y))


def mean_changes(generator: Numbers, number: int) -> Derivation:
    n, old, new = draw(generator, 7, 12), draw(generator, 62, 78), draw(generator, 79, 84)
    added = new * (n + 1) - old * n
    question = (
        f"The mean of {n} test scores is {old}. After one more test the mean is {new}. What was the score of that "
        "test?",
        f"{n} parcels weigh {old} grams on average. A further parcel lifts the average to {new}. How heavy is it?",
        f"A team of {n} jumpers averages {old} inches. With a guest the average becomes {new} inches. How high did he "
        "jump?",
        f"Over {n} days a kiosk sold {old} papers a day. Counting one day more, the mean is {new}. How many were sold "
        "then?",
        f"A list of {n} numbers has the average {old}. Which number must be appended so that the average rises to "
        f"{new}?",
    )[number]
    thoughts = (
        f"An average of {old} over {n} values means a sum of {product(n, old)}.",
        f"With one value more there are {total(n, 1)} of them, and their average is {new}.",
        f"The new sum is therefore {product(n + 1, new)}.",
        f"What was added is the gap between the sums, {difference(new * (n + 1), old * n)}.",
        f"Another way to see it: each of the {n} old values needs {difference(new, old)} more, that is "
        f"{product(n, new - old)}, on top of {new} for the newcomer, and {total(new, n * (new - old))}.",
    )
    solution = f"The sums are {product(n, old)} and {product(n + 1, new)}, and {difference(new * (n + 1), old * n)}."
    return Derivation(question, thoughts, solution, str(added))


def meeting(generator: Numbers, number: int) -> Derivation:
    u, v, hours = draw(generator, 52, 78), draw(generator, 80, 110), draw(generator, 2, 5)
    lead = (1, 2, 1, 3, 2)[number]
    distance = u * lead + (u + v) * hours
    question = (
        f"Two stations are {distance} kilometres apart. A freight train sets out at {u} kilometres an hour, and "
        f"{lead} hour "
        f"later an express comes towards it at {v}. How many hours does the express travel until they meet?",
        f"Ada drives north at {u} km/h. Ben starts {lead} hours after her, {distance} km further up the road, and "
        f"drives south at {v} km/h. After how many hours on the road does he pass her?",
        f"A barge and a launch are {distance} kilometres from each other. The barge moves {u} kilometres daily and "
        "has been "
        f"going for {lead} day when the launch starts to meet it with {v} daily. For how many days does the launch "
        "sail?",
        f"Pipes fill a trench of {distance} cubic metres. The first brings {u} an hour and runs alone for {lead} "
        f"hours, then the second joins with {v}. How many hours do they run together?",
        f"A typist with {u} words a minute types for {lead} minutes before a colleague with {v} words a minute helps. "
        f"The text has {distance} words. For how many minutes do both type?",
    )[number]
    thoughts = (
        f"During the head start of {lead} the first one does {product(u, lead)}.",
        f"That leaves {difference(distance, u * lead)} of the {distance} for both.",
        f"Together they manage {total(u, v)} in each unit of time.",
        f"How often does {u + v} go into {(u + v) * hours}? Trying {hours}, I find {product(u + v, hours)}, which is "
        "it.",
        f"To be sure I add the shares: {product(u, lead + hours)} for one and {product(v, hours)} for the other, and "
        f"{total(u * (lead + hours), v * hours)}.",
    )
    solution = f"After the head start {(u + v) * hours} remain, the joint rate is {u + v}, and {product(u + v, hours)}."
    return Derivation(question, thoughts, solution, str(hours))
