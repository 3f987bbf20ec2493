"""How numbers are written, on the terminal and on the page."""


def number(value: int | None) -> str:
    """A count with thousands set apart; a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def share(part: int, whole: int) -> str:
    """A share in percent; what is not nothing never reads as 0, and what is not all never as 100. "" of nothing."""
    if not whole:
        return ""
    percent = 100 * part / whole
    if 0 < percent < 0.05:
        return "< 0.1 %"
    return "> 99.9 %" if 99.95 <= percent < 100 else f"{percent:.1f} %"


def short(value: float | None) -> str:
    """A number in few characters: whole where it is, else three significant digits; a dash where there is none."""
    if value is None:
        return "–"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.3g}"
