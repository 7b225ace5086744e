"""Pure generators: which operation comes next, and when.

The contract is in `generator`; the rest is one file per question a generator answers: which
operation (`sources`), in what order (`order`), how many and for how long (`bounds`), at what rate
(`pace`), by which threads (`threads`), on which key (`keys`).
"""
