"""The scorecard: what the paper says, sentence by sentence, with verdicts that code computes."""
