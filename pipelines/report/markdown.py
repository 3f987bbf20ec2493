def rejects_markdown(*a):
    return "x"


def rows_markdown(*a):
    return "x"


def funnel_markdown(*a):
    return "x"


def kept_and_dropped_markdown(*a):
    return "x"
