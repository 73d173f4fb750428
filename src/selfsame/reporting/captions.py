"""What each plot of the report shows, by the name of its dataset."""

CAPTIONS = {
    "headline": (
        "Equal error rate and its interval of what inference would do, on a logarithmic axis: "
        "further left is better. Orange: one modality; blue: fusions; hollow: no error was seen."
    ),
    "det": (
        "Detection error trade-off (DET): both error rates on normal-deviate axes. Lower left is "
        "better; the equal error rate is where a line crosses the diagonal. A line that reaches the lower "
        "edge makes no further false non-match. Grey: the subjects are too few to show so low an FMR."
    ),
    "roc": (
        "Receiver operating characteristic (ROC): the share of mated comparisons that are accepted at "
        "each false match rate. Upper left is better. Grey as above."
    ),
    "cmc": (
        "Cumulative match characteristic (CMC): the share of probes whose own subject is among the "
        "most alike."
    ),
    "open_set": (
        "Open-set search: how often somebody enrolled is missed (FNIR), against how often somebody "
        "who is not enrolled is named (FPIR). Lower left is better."
    ),
    "score_histograms": (
        "Scores of mated and non-mated comparisons, each as shares of its own, by the comparator or "
        "the fusion rule that inference would use, and the threshold of the lowest FMR that is "
        "stated."
    ),
    "error_versus_discard": (
        "FNMR of the comparisons that are left when those of lowest quality are discarded, at a "
        "threshold that stays. A line that falls fast shows a measure that knows poor captures."
    ),
    "confusion": (
        "Whom the trained classifier named, on a closed set; a presentation off the diagonal was misnamed."
    ),
    "history": "Training: loss, accuracy on augmented captures and learning rate by epoch.",
}
