def terminal_summary(w, l, o, r):
    return str(o)
