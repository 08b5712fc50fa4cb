"""The alternative texts of the figures of networks in training."""

import numpy as np
from clauses import Clause, between, falls, listed, rises, short, span, word

from convreg.storage.tables import groups

BARE, COLUMNS, ROWS, VALUES, DECAY, SPECTRAL = (
    "none",
    "penalty, M'M",
    "penalty, smaller",
    "penalty, values",
    "weight decay",
    "spectral norm",
)
LAYERS = ("conv 1 (tall)", "conv 2 (square)", "conv 3 (wide)")


def medians(table, field, epoch):
    """At an epoch, counted as in a list, the median over the seeds: method -> layer by layer."""
    found = {}
    for method, rows in groups(table, "method").items():
        last = groups(rows, "epoch")[sorted(set(rows["epoch"].tolist()))[epoch]]
        layers = groups(last, "layer")
        found[method] = [float(np.median(layers[layer][field])) for layer in LAYERS]
    return found


def numbers(values, digits=2):
    """Several, in a row."""
    return listed(short(value, digits) for value in values)


def training_sigma_max(table):
    """sigma_max of each layer over the epochs."""
    end = medians(table, "sigma_max", -1)
    either = end[COLUMNS] + end[ROWS]
    together = np.allclose(end[COLUMNS], end[ROWS], rtol=0.03)
    return [
        Clause(
            f"{word(len(groups(table, 'layer'))).capitalize()} panels over "
            f"{table['epoch'].max()} epochs, sigma_max of three layers, for "
            f"{word(len(end))} ways to train.",
            list(groups(table, "layer")) == list(LAYERS),
        ),
        Clause(
            f"Without regularisation it ends at {numbers(end[BARE])};",
            all(
                last > first
                for first, last in zip(medians(table, "sigma_max", 0)[BARE], end[BARE], strict=True)
            ),
        ),
        Clause(
            "with the penalty of either Gram matrix, whose lines end within "
            f"{100 * np.abs(np.divide(end[ROWS], end[COLUMNS]) - 1).max():.0f} % of one another, "
            f"at {span(either)};",
            together and max(either) < 0.7 * min(end[BARE]),
        ),
        Clause(
            f"with the form in values at {numbers(end[VALUES])};", max(end[VALUES]) < min(end[BARE])
        ),
        Clause(
            f"with weight decay at {numbers(end[DECAY])};", np.all(np.less(end[DECAY], end[BARE]))
        ),
        Clause(f"with spectral normalisation at {span(end[SPECTRAL])}.", max(end[SPECTRAL]) < 3),
    ]


def from_the_largest(table, method):
    """The medians of the gradient over the epochs, layer by layer, from the largest on."""
    rows = groups(table, "method")[method]
    for one in groups(rows, "layer").values():
        values = [np.median(epoch["gradient"]) for epoch in groups(one, "epoch").values()]
        yield values[int(np.argmax(values)) :]


def training_gradients(table):
    """What comes back to each layer."""
    end = medians(table, "gradient", -1)
    bare = list(from_the_largest(table, BARE))
    columns, rows = (numbers(end[method], 1) for method in (COLUMNS, ROWS))
    return [
        Clause(
            f"{word(len(groups(table, 'layer'))).capitalize()} panels, one for each layer, over "
            f"{table['epoch'].max()} epochs on a logarithmic axis.",
            table["gradient"].min() > 0,
        ),
        Clause(
            "Without regularisation the norm of the gradient falls from its largest, "
            f"{span([values[0] for values in bare], 1)}, to {numbers(end[BARE], 1)};",
            all(map(falls, bare)),
        ),
        Clause(
            f"with weight decay less far, to {numbers(end[DECAY], 1)};",
            np.all(np.greater(end[DECAY], end[BARE])),
        ),
        Clause(
            f"with the penalty of either Gram matrix it ends at {rows}, in values at "
            f"{numbers(end[VALUES], 2)}, with spectral normalisation at "
            f"{span(end[SPECTRAL], 1)}.",
            columns == rows and np.all(np.less(end[BARE], end[VALUES])),
        ),
    ]


def ends_of(rows):
    """The least and the most of several methods, at the start (medians) and at the end."""
    rows = list(rows)
    least = min(one[name].item() for one in rows for name in ("start", "lowest"))
    return least, max(one[name].item() for one in rows for name in ("start", "highest"))


def training_start_and_end(table):
    """sigma_min and kappa at the start and at the end."""
    sigma, kappa = (
        {layer: groups(one, "method") for layer, one in groups(rows, "layer").items()}
        for rows in groups(table, "measure").values()
    )
    methods = groups(table, "method")
    tall, square, wide = (sigma[layer] for layer in LAYERS)
    least, most = ends_of(square.values())
    low, high = ends_of(one for method, one in wide.items() if method != SPECTRAL)
    _, largest = ends_of(kappa[LAYERS[0]].values())
    smallest, _ = ends_of(kappa[LAYERS[1]].values())
    ends = {method: one["end"].item() for method, one in kappa[LAYERS[2]].items()}
    penalised = {short(ends[method], 1) for method in (COLUMNS, ROWS, VALUES)}
    start = tall[ROWS]["start"].item()
    fallen = {short(tall[method]["end"].item()) for method in (COLUMNS, ROWS)}
    fallen_wide = wide[SPECTRAL]["end"].item()
    return [
        Clause(
            f"{word(len(sigma) + len(kappa)).capitalize()} panels, a row for each of "
            f"{word(len(methods))} ways to train."
        ),
        Clause(
            "sigma_min of the tall layer falls with the penalty of either Gram matrix from "
            f"{short(start)} to {listed(fallen)}, with the form in values to "
            f"{short(tall[VALUES]['end'].item())};",
            len(fallen) == 1,
        ),
        Clause(
            f"that of the square layer is between {short(least, 1)} and {short(most, 1)} with "
            "every method, at the start and at the end;",
            most < 0.02,
        ),
        Clause(
            f"that of the wide layer stays between {short(low)} and {short(high)} but for spectral "
            f"normalisation, where it falls to {short(fallen_wide, 1)}.",
            high < 1.5 * low and fallen_wide < wide[SPECTRAL]["start"].item() / 2,
        ),
        Clause(
            f"The condition number of the tall layer is at most {short(largest)};",
            largest < 4,
        ),
        Clause(
            f"that of the wide layer ends at {short(ends[BARE])} without regularisation, at "
            f"{listed(penalised)} with either Gram matrix and in values, and at "
            f"{short(ends[SPECTRAL])} with spectral normalisation;",
            len(penalised) == 1,
        ),
        Clause(
            f"that of the square layer is above {short(smallest, 1)} throughout.",
            smallest > float(short(smallest, 1)),
        ),
    ]


def training_accuracy(table):
    """The accuracy less that without regularisation, against the noise."""
    means = {method: rows["mean"] for method, rows in groups(table, "method").items()}
    three = [means[method] for method in (COLUMNS, ROWS, VALUES)]
    decay, spectral = means[DECAY], means[SPECTRAL]
    noise, width = table["noise"], table["highest"] - table["lowest"]
    return [
        Clause(
            f"{word(len(means)).capitalize()} panels, one for each method: the accuracy less that "
            f"without regularisation, against the noise from {noise.min():g} to {noise.max():g}."
        ),
        Clause(
            f"The three penalties go from {between([values[0] for values in three], 1)} points "
            f"without noise to {between([values[-1] for values in three])} under the largest;",
            all(values[-1] > 0 > values[0] for values in three),
        ),
        Clause("weight decay stays within one point of zero on average;", np.abs(decay).max() < 1),
        Clause(
            f"spectral normalisation goes from {short(spectral[0], 1)} to "
            f"{short(spectral[-1], 1)}.",
            rises(spectral) and spectral[-1] < 0,
        ),
        Clause(
            f"The ranges of the networks are {span(width)} points wide.",
            np.all((table["lowest"] < table["mean"]) & (table["mean"] < table["highest"])),
        ),
    ]


def strengths_of(rows, method):
    """The rows of a method."""
    one = groups(rows, "method")[method]
    return {name: column.tolist() for name, column in one.items()}


def training_strengths(table):
    """The gain in accuracy by strength."""
    clean, noisy = groups(table, "noise").values()
    ours, theirs = (strengths_of(clean, method) for method in (ROWS, DECAY))
    ours_noisy, theirs_noisy = (strengths_of(noisy, method) for method in (ROWS, DECAY))

    def points(row):
        """The means, none of them -0.0."""
        return listed(f"{round(mean, 1) + 0.0:.1f}" for mean in row["mean"])

    least, *others = ours_noisy["lowest"]
    low, high = theirs_noisy["lowest"], theirs_noisy["highest"]
    return [
        Clause(
            "The accuracy less that without regularisation, in percentage points, the mean and the "
            "range of the networks.",
            np.all((table["lowest"] <= table["mean"]) & (table["mean"] <= table["highest"])),
        ),
        Clause(
            f"Without noise: the penalty with weights {listed(ours['strength'])} at {points(ours)},"
            f" weight decay of {listed(theirs['strength'])} at {points(theirs)}.",
            clean["noise"][0] == 0,
        ),
        Clause(
            f"Under a noise of {noisy['noise'][0]:g}: the penalty at {points(ours_noisy)}, the "
            f"last two at {short(min(others), 1)} or more for every network; weight decay at "
            f"{points(theirs_noisy)}, from {short(min(low))} to {short(max(high))}, on both sides "
            "of 0.",
            least < 0 < min(others) and max(low) < 0 < min(high),
        ),
    ]


DESCRIBED = {
    "training_sigma_max": training_sigma_max,
    "training_start_and_end": training_start_and_end,
    "training_gradients": training_gradients,
    "training_accuracy": training_accuracy,
    "training_strengths": training_strengths,
}
