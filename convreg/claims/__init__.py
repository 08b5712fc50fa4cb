"""The scorecard: what the paper says, sentence by sentence, with verdicts that code computes.

===================  ====================================================
The paper's          are judged in `convreg.claims`
===================  ====================================================
Section 1            `convolutions`, `other_methods`
Section 1.1          `signals`; what it says of training in `training`
Section 2            `bounds`
Sections 2.1, 2.2    `gradients`, `algorithm`
Section 3            `example_1`, `example_2`, and `descents` for both
Section 4            `example_1`
misprints            `slips`, `gradient_slips`
===================  ====================================================

`definitions` says what a claim and a verdict are, `sections` where the notebooks show them,
`notation` how formulas are written; `scorecard` puts the claims in the paper's order.
"""
