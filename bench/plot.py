"""The plot of the work 'scale': CPU seconds for each million rows, and rows a second, over what was varied. SVG, by matplotlib."""

PARTS = (("own", "tailrace"), ("target", "PostgreSQL"), ("source", "simulated SQL Server"))


def write(path, rows):
    """`rows`: those of the work 'scale', each with a participant that has an x. Nothing is written without any."""
    curves = {}
    for row in rows:
        if row.usages:
            curves.setdefault(row.work.axis, []).append(row)
    if not curves:
        return False
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(curves), figsize=(4.5 * len(curves), 7), squeeze=False)
    for column, (axis, points) in enumerate(curves.items()):
        points.sort(key=lambda row: row.participant.x)
        places = [row.participant.x for row in points]
        upper, lower = axes[0][column], axes[1][column]
        for name, label in PARTS:
            process = points[0].process if name == "own" else name
            upper.plot(places, [row.cpu(process).median for row in points], marker="o", label=label)
        lower.plot(places, [row.count / row.wall().median for row in points], marker="o", color="black")
        for each in (upper, lower):
            each.set_xscale("log")
            each.set_xticks(places, [f"{place:,}" for place in places])
            each.minorticks_off()
            each.set_ylim(bottom=0)
            each.grid(True, alpha=0.3)
        upper.set_title(axis)
        lower.set_xlabel(axis)
    axes[0][0].set_ylabel("CPU seconds per million")
    axes[1][0].set_ylabel("rows or changes a second")
    axes[0][0].legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
    return True
