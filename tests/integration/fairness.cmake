# No innocent host is listed, and nobody has to wait, whatever a stranger sends, an operator mistypes or a clock shows.
blowback_integration_test(fairness_guard_rails 180 busy)
blowback_integration_test(fairness_attacks 600 busy)
blowback_integration_test(fairness_corpus 180 busy)
blowback_integration_test(fairness_feeds 180 asan)
blowback_integration_test(fairness_flood 240 alone)
blowback_integration_test(fairness_clock 240)
blowback_integration_test(fairness_retention 240 busy)
