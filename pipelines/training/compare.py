class Comparison:
    pass


def comparison(a, b):
    return (a, b)
