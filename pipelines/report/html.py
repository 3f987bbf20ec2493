def write_report(w, l, o):
    return w.report
